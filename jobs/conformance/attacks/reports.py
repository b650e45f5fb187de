"""Reports of foreign work, under leases not in force, of usage that cannot be, and of what nobody can read."""

from jobs.conformance.attacks.base import OLD, Attack, report, usage
from jobs.conformance.rogue import Heard, Rogue, Stage


def _input(rogue: Rogue, stage: Stage, token: str) -> Heard:
    return rogue.call("GET", f"/attempts/{stage.key}/inputs/train.jsonl", token=token)


FOREIGN = (
    report(
        "foreign.state",
        "Another site's job is done",
        lambda s: {"attempts": [{**s.about, "seq": 99, "state": "done"}]},
        "attempt_unknown",
        by_other=True,
    ),
    report(
        "foreign.usage",
        "Usage of another site's job",
        lambda s: {"usage": [s.usage(native_id="79")]},
        "attempt_unknown",
        by_other=True,
    ),
    report(
        "foreign.events",
        "Events of another site's job",
        lambda s: {"events": [{**s.about, "events": [{"seq": 1, "t": 0, "type": "state"}]}]},
        "attempt_unknown",
        by_other=True,
    ),
    report(
        "foreign.log",
        "The log of another site's job",
        lambda s: {"logs": [{**s.about, "offset": 0, "text": "x"}]},
        "attempt_unknown",
        by_other=True,
    ),
    report(
        "foreign.removed",
        "Another site's data are gone",
        lambda s: {"removed": [{**s.about, "at": s.moment(0)}]},
        "attempt_unknown",
        by_other=True,
    ),
    Attack("foreign.input", "Another site's data", lambda s: _input(s.other, s, s.token), 404, ("attempt_unknown",)),
    Attack(
        "foreign.listing",
        "The files of another site's job",
        lambda s: s.other.call("GET", f"/attempts/{s.key}/artefacts", token=s.token),
        404,
        ("attempt_unknown",),
    ),
    Attack(
        "foreign.artefact",
        "A result for another site's job",
        lambda s: s.artefact("model/w", by=s.other),
        404,
        ("attempt_unknown",),
    ),
    report(
        "lease.state",
        "A lease that is not in force",
        lambda s: {"attempts": [{"key": s.key, "token": "old", "seq": 99, "state": "done"}]},
        "stale_lease",
    ),
    report(
        "lease.usage",
        "Usage under a lease that is not in force",
        lambda s: {"usage": [s.usage(token=OLD, native_id="79")]},
        "stale_lease",
    ),
    Attack("lease.input", "Data without the lease", lambda s: _input(s.honest, s, "old"), 409, ("stale_lease",)),
    Attack(
        "lease.artefact",
        "A result without the lease",
        lambda s: s.artefact("model/w", token=OLD),
        409,
        ("stale_lease",),
    ),
    Attack(
        "model.unreported",
        "A tokenizer of a model the site does not hold",
        lambda s: s.other.call("PUT", "/models/not-there/tokenizer", {"tokenizer": "{}", "config": {}}),
        404,
        ("model_unknown",),
        False,
    ),
)

USAGE = (
    usage("negative", "Negative GPU-seconds", "usage_negative", gpu_seconds=-5),
    usage("negative_gpus", "A negative number of GPUs", "usage_negative", gpus=-1),
    usage("negative_cpu", "Negative CPU-seconds", "usage_negative", cpu_seconds=-1),
    usage("backwards", "An end before the start", "usage_negative", started_at=-40, ended_at=-50, gpu_seconds=0),
    usage("future", "An end in the future", "usage_in_the_future", ended_at=3600, gpu_seconds=10),
    usage("before_lease", "A start before the lease", "usage_before_lease", started_at=-86400, ended_at=-86300),
    usage("gpus", "More GPUs than the job was given", "usage_too_many_gpus", started_at=-40, ended_at=-30, gpus=64),
    usage(
        "wall",
        "More GPU-seconds than GPUs times wall-clock time",
        "usage_beyond_wall_time",
        started_at=-40,
        ended_at=-30,
        gpu_seconds=11,
    ),
    usage(
        "receipt",
        "A receipt of more than there was time for",
        "usage_beyond_wall_time",
        started_at=-40,
        ended_at=-30,
        receipt_gpu_seconds=10**6,
    ),
    usage("overlap", "A start that overlaps with another", "usage_overlaps", started_at=-55, ended_at=-45),
    usage("overlap_cluster", "The same time on another cluster", "usage_overlaps", cluster="second"),
    usage("conflict", "A known start with other numbers", "usage_conflict", native_id="77", gpu_seconds=9),
    usage(
        "method",
        "A correction, which only people make",
        "usage_method",
        started_at=-40,
        ended_at=-30,
        method="correction",
    ),
)

REPORTS = (
    report(
        "state.unknown",
        "A state no site reports",
        lambda s: {"attempts": [{**s.about, "seq": 99, "state": "queued"}]},
        "state_unknown",
        recorded=False,
    ),
    report(
        "state.backwards",
        "A state before the present one",
        lambda s: {"attempts": [{**s.about, "seq": 99, "state": "leased"}]},
        "state_backwards",
        recorded=False,
    ),
    report(
        "state.seq",
        "A number beyond all numbers",
        lambda s: {"attempts": [{**s.about, "seq": 2**80, "state": "done"}]},
        "malformed",
        recorded=False,
    ),
    report(
        "events.number",
        "An event beyond all numbers",
        lambda s: {"events": [{**s.about, "events": [{"seq": 2**40, "t": 0, "type": "x"}]}]},
        "event_number",
        recorded=False,
    ),
    report(
        "events.time",
        "An event at no time",
        lambda s: {"events": [{**s.about, "events": [{"seq": 1, "t": 1e300, "type": "x"}]}]},
        "malformed",
        recorded=False,
    ),
    report(
        "log.offset",
        "A log before its beginning",
        lambda s: {"logs": [{**s.about, "offset": -1, "text": "x"}]},
        "malformed",
        recorded=False,
    ),
    report(
        "log.long",
        "A log without end",
        lambda s: {"logs": [{**s.about, "offset": 2**24 - 10, "text": "x" * 100}]},
        "log_too_long",
        recorded=False,
    ),
    report(
        "removed.open",
        "The data of a running job are gone",
        lambda s: {"removed": [{**s.about, "at": s.moment(0)}]},
        "attempt_open",
        recorded=False,
    ),
    report(
        "capacity.forged",
        "Fewer GPUs than none",
        lambda s: {"capacity": {"partitions": [{"name": "a", "gpus_total": -5, "gpus_free": 9}]}},
        "malformed",
        recorded=False,
    ),
    report(
        "digests.forged",
        "A day's digest that is none",
        lambda s: {"digests": [{"day": "yesterday", "rows": -1, "gpu_seconds": -1, "digest": "x"}]},
        "malformed",
        recorded=False,
    ),
)
