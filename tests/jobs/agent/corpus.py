"""Which test makes each failure of the table happen: on a real site wherever it can be made to.

docs/failures.md is written from here and from models_hub.specs.reasons:

    python -m tests.jobs.agent.corpus > docs/failures.md
"""

from models_hub.specs.reasons import TROUBLES

_SLURM = "tests/jobs/agent/test_slurm.py"
_MORE = "tests/jobs/agent/test_slurm_failures.py"
_BREAKS = "tests/jobs/agent/test_slurm_breaks.py"
_RAY = "tests/jobs/agent/test_ray.py"
_ENDS = "tests/models_hub/training/test_ends.py"
_LEASES = "tests/jobs/execution/test_leases.py"
_JOB_ENDS = "tests/jobs/execution/test_ends.py"
_AGENT = "tests/jobs/agent/test_agent.py"
_WORDS = "tests/jobs/agent/test_slurm_parts.py"
_FAILURES = "tests/jobs/agent/test_failures.py"
_REFUSED = f"{_SLURM}::test_what_slurm_refuses_for_good_ends_the_job_with_its_reason"

SHOWN_BY: dict[str, str] = {
    # the real training runtime
    "invalid_spec": f"{_ENDS}::test_a_spec_that_makes_no_sense",
    "bad_data_row": f"{_ENDS}::test_a_bad_row_is_named_by_file_and_line",
    "data_mismatch": f"{_ENDS}::test_data_that_was_damaged_on_the_way",
    "model_missing": f"{_ENDS}::test_a_model_that_the_site_does_not_hold",
    "diverged": f"{_ENDS}::test_a_loss_that_runs_away",
    "internal": f"{_ENDS}::test_a_base_model_whose_weights_are_no_numbers",
    # a real Slurm site
    "out_of_memory": f"{_SLURM}::test_too_much_memory_is_called_by_its_name",
    "time_limit": f"{_SLURM}::test_a_run_that_ignores_the_limit_is_ended_at_it",
    "ended_by_operator": f"{_SLURM}::test_an_operator_who_cancels_a_run_means_it",
    "requeued": f"{_SLURM}::test_a_run_requeued_by_the_operator_goes_on_and_both_starts_are_counted",
    "node_failed": f"{_BREAKS}::test_a_node_that_dies_gives_its_run_back",
    "no_receipt": f"{_SLURM}::test_a_program_that_is_not_there_is_said_to_be_missing",
    "controller_down": f"{_BREAKS}::test_a_controller_that_dies_young_loses_no_run",
    "accounting_down": f"{_BREAKS}::test_accounting_that_is_away_delays_nothing_and_loses_nothing",
    "munge_expired": f"{_MORE}::test_a_controller_that_finds_a_request_too_old",
    "scheduler_disk_full": f"{_MORE}::test_a_controller_whose_disk_is_full",
    "munge_down": f"{_BREAKS}::test_a_munge_that_is_away_is_named",
    "account_unknown": _REFUSED,
    "partition_unknown": _REFUSED,
    "qos_unknown": _REFUSED,
    "option_refused": _REFUSED,
    "time_too_long": _REFUSED,
    "shape_unknown": f"{_SLURM}::test_more_gpus_than_any_node_has_are_refused",
    "budget_spent": f"{_SLURM}::test_a_budget_kept_by_the_site_itself_stops_what_exceeds_it",
    "deadline": f"{_SLURM}::test_a_job_that_waits_beyond_its_latest_start_expires",
    "not_started_in_time": f"{_SLURM}::test_a_job_that_waits_beyond_its_latest_start_expires",
    "disk_full": f"{_ENDS}::test_a_disk_that_takes_no_more",
    "program_missing": f"{_MORE}::test_a_training_program_that_is_not_there",
    "preempted": f"{_MORE}::test_a_run_makes_room_for_a_more_urgent_one_and_goes_on",
    "controller_busy": f"{_MORE}::test_a_queue_that_holds_as_many_jobs_as_it_may",
    "controller_slow": f"{_MORE}::test_a_controller_that_hangs",
    "commands_missing": f"{_MORE}::test_a_node_without_slurm",
    "configuration_missing": f"{_MORE}::test_a_node_without_the_clusters_configuration",
    "job_script_refused": f"{_MORE}::test_a_site_whose_own_rules_refuse_the_job",
    "lost_by_scheduler": f"{_MORE}::test_a_controller_that_has_forgotten_everything",
    # a real agent at the real portal
    "killed_too_often": "tests/faults/test_site.py::test_a_training_that_is_killed_each_time_is_given_up_and_free",
    "recipe_not_allowed": f"{_AGENT}::test_what_the_sites_own_list_does_not_allow_is_refused",
    "gpus_not_allowed": f"{_AGENT}::test_what_the_sites_own_list_does_not_allow_is_refused",
    "time_not_allowed": f"{_AGENT}::test_what_the_sites_own_list_does_not_allow_is_refused",
    "tenant_not_allowed": f"{_AGENT}::test_what_the_sites_own_list_does_not_allow_is_refused",
    "data_not_allowed": f"{_AGENT}::test_data_bound_to_another_country_is_refused_by_the_site_itself",
    # a real Ray cluster
    "ray_away": f"{_RAY}::test_a_lost_head_is_named_and_the_run_goes_on_at_the_next_one",
    "ray_head_lost": f"{_RAY}::test_a_lost_head_is_named_and_the_run_goes_on_at_the_next_one",
    "ray_token_refused": f"{_RAY}::test_a_wrong_token_and_a_wrong_address_are_told_apart",
    "no_node_so_large": f"{_RAY}::test_an_order_no_node_can_hold_is_refused_with_its_reason",
    "multi_node_unsupported": f"{_RAY}::test_an_order_no_node_can_hold_is_refused_with_its_reason",
    "containers_unsupported": f"{_RAY}::test_an_order_no_node_can_hold_is_refused_with_its_reason",
    "wrapper_killed": f"{_RAY}::test_a_wrapper_killed_on_its_node_takes_the_training_along_and_goes_on",
    "stopped_by_operator": f"{_RAY}::test_what_the_operator_stops_is_not_started_again",
    # the portal's own rules, on the real database
    "site_lost": f"{_LEASES}::test_a_site_that_never_comes_back_costs_nothing_and_ends_at_a_known_time",
    "never_started": f"{_LEASES}::test_a_site_that_takes_and_never_starts_a_job_is_not_asked_for_ever",
    "interrupted": f"{_JOB_ENDS}::test_a_run_the_site_ended_by_itself_is_an_interruption_and_free",
    "results_damaged": f"{_JOB_ENDS}::test_done_without_its_files_is_a_failure_and_free",
    "dataset_gone": f"{_JOB_ENDS}::test_a_deleted_data_set_ends_the_job_before_any_site_sees_it",
    "allocation_closed": f"{_FAILURES}::test_an_allocation_that_ends_while_a_job_waits",
    "refused_by_site": f"{_JOB_ENDS}::test_every_reason_charges_as_its_rule_says",
}


def page() -> str:
    """The whole of docs/failures.md."""
    lines = [
        "# What can go wrong at a site",
        "",
        "Each failure has a code, the words that the company reads, and the words for the site's operator. The table",
        "is `models_hub/specs/reasons.py`; this page is written from it, and a test compares the two. *Ends as* is the",
        "reason under which the job ends at the portal; `jobs/execution/charging.py` says who pays for it. A site",
        "reports the code (`result.reason` of an attempt); the sentence is the portal's own, and translated. Where no",
        "test is named, the failure is recognised by the words of the scheduler, and tested on those words alone.",
        "",
        "| code | ends as | the company reads | its next step | the operator reads | made to happen in |",
        "|---|---|---|---|---|---|",
    ]
    for row in TROUBLES:
        test = SHOWN_BY.get(row.code, "")
        name = f"`{test.rpartition('::')[2]}`" if test else "–"
        operator = row.operator.removeprefix("Operator: ")
        lines.append(
            f"| `{row.code}` | `{row.hint}` | {row.sentence} | {row.next_step} "
            f"| {operator[:1].upper()}{operator[1:]} | {name} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
