"""Everything that can go wrong with a job at a site, by name: one table for agent, portal, operator and company.

A site reports the code alone; the words are ours, on both sides of the line. `sentence` and `next_step` are what the
company reads (English source texts, translated where shown); `operator` is what the site's people read. `hint` is the
code under which a job ends at the portal when it ends for this reason, and which decides who pays
(jobs.execution.charging). docs/failures.md is this table; a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass


def gettext_noop(message: str) -> str:
    """Marks a sentence for translation without translating it (xgettext knows this name)."""
    return message


_ = gettext_noop


@dataclass(frozen=True)
class Trouble:
    code: str
    hint: str
    sentence: str
    next_step: str
    operator: str


_AGAIN = _("Start the job again; it goes on from its last complete checkpoint where there is one.")
_OTHER_SITE = _("Start the job again, or choose another site.")
_SMALLER = _("Choose a smaller run or another site.")
_WAIT = _("Nothing to do: the site tries again by itself. If it lasts for hours, choose another site.")
_TELL_HELPDESK = _("Tell the helpdesk, which speaks to the site; or choose another site.")

TROUBLES: tuple[Trouble, ...] = (
    # ---- of the run itself: what the training runtime says --------------------------------------------------------
    Trouble(
        "invalid_spec",
        "invalid_spec",
        _("The site could not follow the job's description."),
        _("Start the job again from its settings; if it happens twice, tell the helpdesk."),
        "The runtime is older than the portal: update the site environment.",
    ),
    Trouble(
        "bad_data_row",
        "bad_data_row",
        _("A row of the data cannot be used for training."),
        _("Correct the row named below, upload the data set again and start the job with the same settings."),
        "Nothing to do: the data is its owner's.",
    ),
    Trouble(
        "data_mismatch",
        "data_mismatch",
        _("The data that reached the site is not the data of this job."),
        _("Start the job again: the data is transferred afresh. Nothing was trained."),
        "Look for a proxy that changes downloads, and at the disk below agent.work.",
    ),
    Trouble(
        "model_missing",
        "model_missing",
        _("The site does not hold the base model in the expected version."),
        _("Choose another site or model, or ask the site to add the model to its store."),
        "Add the model to the store in that revision (models_hub.training store).",
    ),
    Trouble(
        "out_of_memory",
        "out_of_memory",
        _("The run needed more memory than it was given."),
        _("Halve the micro-batch or the maximum length, or choose QLoRA or a smaller model."),
        "See backend.slurm.memory_gb_per_gpu, or the memory of backend.local.",
    ),
    Trouble(
        "disk_full",
        "disk_full",
        _("The site ran out of disk space for this job."),
        _("Tell the site; then start the job again: it goes on from its last complete checkpoint."),
        "Make room below agent.work, or raise the quota of the agent's user.",
    ),
    Trouble(
        "diverged",
        "diverged",
        _("The training became unstable."),
        _("Lower the learning rate to a third and start the job again."),
        "Nothing to do: the settings are their owner's.",
    ),
    Trouble(
        "time_limit",
        "time_limit",
        _("The run reached its time limit before it was finished."),
        _("Ask for more hours or choose fewer epochs; what was trained until then is kept."),
        "Nothing to do.",
    ),
    Trouble(
        "internal",
        "internal",
        _("The run stopped on an error that we did not foresee."),
        _("Start the job again; if it happens twice, send the helpdesk the details below."),
        "Send the job's log to the helpdesk.",
    ),
    # ---- between portal and site ----------------------------------------------------------------------------------
    Trouble(
        "site_lost",
        "site_lost",
        _("The site did not answer until the job's time was over."),
        _OTHER_SITE,
        "Start the agent (systemctl start open-paas-agent); open-paas-agent doctor says what it lacks.",
    ),
    Trouble(
        "record_lost",
        "site_lost",
        _("The site lost its record of this run."),
        _OTHER_SITE,
        "The agent's state (agent.sqlite3 below agent.work) was removed: keep that folder on a disk that stays.",
    ),
    Trouble(
        "run_lost",
        "site_lost",
        _("The site has no trace of this run any more."),
        _OTHER_SITE,
        "Something removed the job's folder below agent.work, or the scheduler's own record of it.",
    ),
    Trouble(
        "never_started",
        "never_started",
        _("The site did not start the job."),
        _("Choose another site, or tell the site's helpdesk."),
        "Look into the agent's log.",
    ),
    Trouble(
        "not_started_in_time",
        "not_started_in_time",
        _("The job waited at the site until its latest start had passed."),
        _("Start the job again, or choose a site with a shorter queue."),
        "Nothing to do; a partition of its own would shorten the wait.",
    ),
    Trouble(
        "results_damaged",
        "results_damaged",
        _("What arrived does not match the list of files that the run wrote."),
        _("Start the job again; if it happens twice, tell the helpdesk."),
        "Look for a proxy that changes uploads, and at the disk below agent.work.",
    ),
    Trouble(
        "dataset_gone",
        "dataset_gone",
        _("The data set was deleted before the job started."),
        _("Choose another data set and start again."),
        "Nothing to do.",
    ),
    Trouble(
        "allocation_closed",
        "allocation_closed",
        _("The allocation ended before a site took the job."),
        _("Ask for more GPU-hours, then start again."),
        "Nothing to do.",
    ),
    Trouble(
        "input_unknown",
        "internal",
        _("The portal does not know a file that the job names."),
        _("Start the job again; if it happens twice, send the helpdesk the details below."),
        "Tell the helpdesk of the portal: its signed work names an input that it does not serve.",
    ),
    Trouble(
        "results_unreadable",
        "internal",
        _("The site could not read the results that the run wrote."),
        _("Start the job again; if it happens twice, send the helpdesk the details below."),
        "The manifest below out/artefacts is damaged; see the agent's log.",
    ),
    Trouble(
        "results_too_many",
        "internal",
        _("The run wrote more or larger files than the portal takes."),
        _("Start the job again; if it happens twice, send the helpdesk the details below."),
        "Tell the helpdesk of the portal which file it was; the agent's log names it.",
    ),
    # ---- the site's own rules -------------------------------------------------------------------------------------
    Trouble(
        "refused_by_site",
        "refused_by_site",
        _("The site's own rules do not allow this job."),
        _SMALLER,
        "See the table [allow] of the agent's configuration.",
    ),
    Trouble(
        "recipe_not_allowed",
        "refused_by_site",
        _("The site does not run this kind of training."),
        _("Choose another site."),
        "Add the recipe to allow.recipes if you want to run it.",
    ),
    Trouble(
        "gpus_not_allowed",
        "refused_by_site",
        _("The job asks for more GPUs than the site gives one job."),
        _("Choose fewer GPUs, or another site."),
        "Raise allow.max_gpus if you want to run it.",
    ),
    Trouble(
        "time_not_allowed",
        "refused_by_site",
        _("The job asks for more time than the site gives one job."),
        _("Choose a shorter run, or another site."),
        "Raise allow.max_minutes if you want to run it.",
    ),
    Trouble(
        "tenant_not_allowed",
        "refused_by_site",
        _("The site does not run jobs of your organisation."),
        _("Choose another site, or ask the helpdesk to have you admitted there."),
        "Add the organisation to allow.tenants if you want to run its jobs.",
    ),
    Trouble(
        "nodes_not_allowed",
        "refused_by_site",
        _("The job asks for more nodes than the site gives one job."),
        _("Choose fewer GPUs, or another site."),
        "Raise allow.max_nodes if you want to run it.",
    ),
    Trouble(
        "image_not_allowed",
        "refused_by_site",
        _("The site does not run the program version that the job asks for."),
        _("Choose another site."),
        "Add the digest of the image to allow.images if you want to run it.",
    ),
    Trouble(
        "data_not_allowed",
        "refused_by_site",
        _("The data may not lie in the country of the site."),
        _("Choose another site, or change the countries that the data set is bound to."),
        "Set agent.country to the country in which the site's machines stand.",
    ),
    Trouble(
        "account_unknown",
        "refused_by_site",
        _("The site does not know the account that pays for this job."),
        _TELL_HELPDESK,
        "Operator: set backend.slurm.account, or add the agent's user to it (sacctmgr add user).",
    ),
    Trouble(
        "budget_spent",
        "refused_by_site",
        _("The hours that the site gave this account do not allow the job."),
        _("Choose a smaller run, or ask the site for more hours."),
        "Operator: see GrpTRESMins of the account (sacctmgr show assoc) and what it has used (sshare).",
    ),
    Trouble(
        "qos_unknown",
        "refused_by_site",
        _("The site's queue does not know the priority class it was asked for."),
        _TELL_HELPDESK,
        "Operator: set backend.slurm.qos to one of sacctmgr show qos.",
    ),
    Trouble(
        "partition_unknown",
        "refused_by_site",
        _("The site has no such partition."),
        _TELL_HELPDESK,
        "Operator: set backend.slurm.partition to one of sinfo.",
    ),
    Trouble(
        "time_too_long",
        "refused_by_site",
        _("The job asks for more time than the site's partition gives."),
        _("Choose a shorter run, or another site."),
        "Operator: set backend.slurm.max_minutes, and long runs go on in several jobs.",
    ),
    Trouble(
        "shape_unknown",
        "refused_by_site",
        _("The site has no node with that many GPUs, processors or that much memory."),
        _("Choose fewer GPUs, or another site."),
        "Operator: compare backend.slurm with sinfo -o %G.",
    ),
    Trouble(
        "user_refused",
        "refused_by_site",
        _("The site's scheduler does not let the agent's user do that."),
        _TELL_HELPDESK,
        "Operator: check the partition's AllowGroups and AllowAccounts.",
    ),
    Trouble(
        "option_refused",
        "refused_by_site",
        _("The site's scheduler does not understand an option that the site's agent was configured with."),
        _TELL_HELPDESK,
        "Operator: check backend.slurm.extra.",
    ),
    Trouble(
        "job_script_refused",
        "refused_by_site",
        _("The site's own submission rules refused the job."),
        _TELL_HELPDESK,
        "Operator: see slurmctld.log; a job_submit plug-in refused it.",
    ),
    # ---- how a run ended from outside -----------------------------------------------------------------------------
    Trouble(
        "interrupted",
        "interrupted",
        _("The site ended the run."),
        _OTHER_SITE,
        "See the log of the scheduler for who ended it.",
    ),
    Trouble(
        "killed_too_often",
        "interrupted",
        _("The run was ended from outside again and again."),
        _OTHER_SITE,
        "Look on its nodes for what kills the training (dmesg, the scheduler's log).",
    ),
    Trouble(
        "ended_by_operator",
        "interrupted",
        _("The site's operator ended the run."),
        _TELL_HELPDESK,
        "Nothing to do: it is not started again.",
    ),
    Trouble(
        "deadline",
        "not_started_in_time",
        _("The job waited at the site until its latest start had passed."),
        _("Start the job again, or choose a site with a shorter queue."),
        "Nothing to do; a partition of its own would shorten the wait.",
    ),
    Trouble("node_failed", "interrupted", _("The run's node failed."), _AGAIN, "Look at the node (sinfo -R)."),
    Trouble(
        "node_did_not_start",
        "interrupted",
        _("The run's node did not start."),
        _OTHER_SITE,
        "Look at the node's power-up (ResumeProgram, slurmctld.log).",
    ),
    Trouble(
        "preempted",
        "interrupted",
        _("The run made room for a more urgent one."),
        _AGAIN,
        "Nothing to do: the agent hands it over again.",
    ),
    Trouble(
        "requeued",
        "interrupted",
        _("The site queued the run anew."),
        _AGAIN,
        "Nothing to do: both starts are metered.",
    ),
    Trouble(
        "revoked",
        "interrupted",
        _("Another cluster of the site took the run over."),
        _OTHER_SITE,
        "Keep the agent's jobs on one cluster of the federation (backend.slurm.extra: --clusters).",
    ),
    Trouble(
        "lost_by_scheduler",
        "interrupted",
        _("The site's scheduler has no trace of the run any more."),
        _AGAIN,
        "See slurmctld's StateSaveLocation: it forgot a job that had run.",
    ),
    Trouble(
        "no_receipt",
        "never_started",
        _("The site could not start the training program on its node."),
        _TELL_HELPDESK,
        "The program or its Python is not to be found on the node: check backend.slurm.python and shared folders.",
    ),
    Trouble(
        "program_missing",
        "internal",
        _("The site could not start the training program."),
        _TELL_HELPDESK,
        "The program named in the agent's configuration cannot be started; see the job's detail.",
    ),
    # ---- the scheduler is in trouble: said again by itself --------------------------------------------------------
    Trouble(
        "munge_expired",
        "never_started",
        _("The site's scheduler hung up on the request; the clocks inside the site may differ."),
        _WAIT,
        "Operator: slurmctld's log says why. Expired or rewound credential: let chrony or ntpd set the clocks of this "
        "node and of the controller (munge tolerates five minutes), and look whether the controller is overloaded.",
    ),
    Trouble(
        "munge_down",
        "never_started",
        _("The site's scheduler does not know who is asking."),
        _WAIT,
        "Operator: start munge on this node (systemctl start munge) and check that its key is the cluster's.",
    ),
    Trouble(
        "accounting_down",
        "never_started",
        _("The site's accounting does not answer; what ends now is metered when it does."),
        _WAIT,
        "Operator: start slurmdbd and its database; slurmctld keeps the records until then.",
    ),
    Trouble(
        "controller_down",
        "never_started",
        _("The site's scheduler does not answer; what runs goes on."),
        _WAIT,
        "Operator: start slurmctld (scontrol ping says whether it lives).",
    ),
    Trouble(
        "controller_busy",
        "never_started",
        _("The site's scheduler holds as many jobs as it may; the job is handed over again later."),
        _WAIT,
        "Nothing to do; MaxJobCount and MaxSubmitJobs say how many it takes.",
    ),
    Trouble(
        "controller_slow",
        "never_started",
        _("The site's scheduler did not answer in time; it is asked again."),
        _WAIT,
        "Operator: raise backend.slurm.timeout_seconds if that is usual here.",
    ),
    Trouble(
        "configuration_missing",
        "never_started",
        _("The site's agent finds no scheduler."),
        _WAIT,
        "Operator: set backend.slurm.conf to the cluster's slurm.conf, or run the agent on a login node.",
    ),
    Trouble(
        "commands_missing",
        "never_started",
        _("The site's agent cannot speak to its scheduler."),
        _WAIT,
        "Operator: install slurm-client, or set backend.slurm.bin to their folder.",
    ),
    Trouble(
        "scheduler_disk_full",
        "never_started",
        _("The disk of the site's scheduler is full."),
        _WAIT,
        "Operator: make room where slurmctld keeps its state.",
    ),
    Trouble(
        "rest_down",
        "never_started",
        _("The site's scheduler does not answer; what runs goes on."),
        _WAIT,
        "Start slurmrestd, or check backend.slurm.rest_url.",
    ),
    Trouble(
        "token_refused",
        "never_started",
        _("The site's scheduler does not know the site agent at the moment; what runs goes on."),
        _WAIT,
        "Write a fresh token of the agent's own user (scontrol token) into backend.slurm.token_file.",
    ),
    Trouble(
        "image_changed",
        "refused_by_site",
        _("The program that the site would run is not the one that was checked, so it was not started."),
        _("Choose another site, or tell the helpdesk."),
        "The image's file is missing or has another digest: mend backend.slurm.images.",
    ),
    Trouble(
        "budget_not_held",
        "never_started",
        _("The site could not set the limit of hours that your allocation has there."),
        _WAIT,
        "Operator: give the agent's user the right to set limits (sacctmgr: operator or coordinator of the account).",
    ),
    # ---- a Ray cluster's own ways ---------------------------------------------------------------------------------
    Trouble(
        "ray_away",
        "never_started",
        _("The site's cluster does not answer."),
        _WAIT,
        "Operator: look at its head and at backend.ray.address.",
    ),
    Trouble(
        "ray_token_refused",
        "never_started",
        _("The site's cluster refuses the site's own agent."),
        _WAIT,
        "Operator: put the cluster's token into the file backend.ray.token_file.",
    ),
    Trouble(
        "ray_confused",
        "never_started",
        _("The site's cluster answers with an error."),
        _WAIT,
        "Operator: look at dashboard.log of its head; the call is repeated.",
    ),
    Trouble(
        "not_a_ray",
        "never_started",
        _("The site's agent finds no cluster where it looks for one."),
        _WAIT,
        "Operator: name the address of the head's dashboard, usually port 8265, as backend.ray.address.",
    ),
    Trouble(
        "ray_refused",
        "refused_by_site",
        _("The site's cluster does not take a job like this one."),
        _TELL_HELPDESK,
        "Operator: the words of the cluster stand beside this.",
    ),
    Trouble(
        "no_node_so_large",
        "refused_by_site",
        _("No node of the site's cluster has so many GPUs."),
        _("Choose fewer GPUs, or another site."),
        "Lower allow.max_gpus to what one node has.",
    ),
    Trouble(
        "multi_node_unsupported",
        "refused_by_site",
        _("This site runs a job on one node only."),
        _("Choose the GPUs of one node, or another site."),
        "Nothing to do.",
    ),
    Trouble(
        "containers_unsupported",
        "refused_by_site",
        _("This site does not run container images."),
        _("Choose a kind of training that needs no image, or another site."),
        "Nothing to do.",
    ),
    Trouble(
        "ray_head_lost",
        "interrupted",
        _("The head of the site's cluster failed, and the run with it."),
        _AGAIN,
        "Look at the head's logs; keep its state in a store that survives it.",
    ),
    Trouble(
        "wrapper_killed",
        "interrupted",
        _("The run was ended on its node from outside."),
        _AGAIN,
        "Look on its node for what ended it (dmesg, the memory monitor).",
    ),
    Trouble(
        "stopped_by_operator",
        "interrupted",
        _("The site's operator ended the run."),
        _TELL_HELPDESK,
        "Nothing to do: it is not started again.",
    ),
    Trouble(
        "node_out_of_memory",
        "out_of_memory",
        _("The run's node had no memory left."),
        _("Halve the micro-batch or the maximum length, or choose QLoRA or a smaller model."),
        "Give the node fewer jobs at once, or more memory.",
    ),
    Trouble(
        "ray_start_timeout",
        "not_started_in_time",
        _("The job waited too long for a free GPU."),
        _("Start the job again, or choose a site with a shorter queue."),
        "Nothing to do; RAY_JOB_START_TIMEOUT_SECONDS says how long a job may wait.",
    ),
    Trouble(
        "ray_unschedulable",
        "refused_by_site",
        _("No node of the site's cluster fits the job."),
        _SMALLER,
        "Compare the cluster's resources with the table [allow].",
    ),
    Trouble(
        "ray_environment",
        "never_started",
        _("The site could not prepare the job's environment."),
        _TELL_HELPDESK,
        "Look at runtime_env_setup.log on the node.",
    ),
    Trouble(
        "ray_cannot_start",
        "never_started",
        _("The site's cluster could not start the job."),
        _TELL_HELPDESK,
        "Look at the job's supervisor log on the head.",
    ),
    Trouble(
        "ray_node_lost",
        "interrupted",
        _("The run's node failed."),
        _AGAIN,
        "Look at the node's raylet log.",
    ),
    Trouble(
        "slurm_unforeseen",
        "never_started",
        _("The site's scheduler refused with words that we do not know."),
        _TELL_HELPDESK,
        "Tell the helpdesk of the portal what the scheduler said; it stands beside this.",
    ),
)

_BY_CODE = {trouble.code: trouble for trouble in TROUBLES}


def trouble_of(code: str) -> Trouble | None:
    """The row of a code; None for one that this version does not know."""
    return _BY_CODE.get(code)


def named(code: str) -> Trouble:
    """The row of a code of our own; KeyError where somebody forgot to add it to the table."""
    return _BY_CODE[code]
