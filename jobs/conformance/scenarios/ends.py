"""How an attempt ends before its time: stopped by its owner, given up by the portal, refused in part."""

from typing import Any

from jobs.conformance.case import Scenario, cases
from jobs.conformance.lab import Lab
from jobs.conformance.scenarios.plain import most_often, reported
from jobs.conformance.seen import Seen, problem
from jobs.conformance.work import Job


def cancel(lab: Lab) -> None:
    def stranger(seen: Seen, answer: dict[str, Any]) -> None:
        if seen.call == "sync" and seen.status == 200:
            answer["cancel"] = [*answer["cancel"], "ft-000000000000-1"]

    lab.start()
    waiting = lab.offer("ok")
    waiting.withheld = frozenset({"submitted"})
    lab.until(lambda: waiting.said("submitted"), "submitted is said")
    waiting.cancel = True
    with lab.case("cancel.before_start"):
        lab.until(lambda: waiting.final, "the end is reported")
        lab.check(waiting.state == "cancelled" and not lab.starts(waiting), f"it ended as {waiting.newest}")
    waiting.withheld = frozenset()
    job = lab.running()
    job.cancel = True
    with lab.case("cancel.noted"):
        lab.until(
            lambda: any(job.key in (s.json.get("stopping") or ()) for s in lab.syncs()), "it is noted in `stopping`"
        )
    with lab.case("cancel.asks"):
        lab.until(lambda: lab.starts(job)[0].ended, "the training ends")
        lab.check(lab.starts(job)[0].stopped, "the training was not asked to stop")
    with lab.case("cancel.delivers"):
        lab.until(lambda: job.final, "the end is reported")
        lab.check(job.state == "cancelled", f"it ended as {job.newest}")
        lab.check("manifest.json" in job.completed, f"of what was trained arrived {job.completed}")
    with lab.case("cancel.usage"):
        lab.until(lambda: job.usage, "its usage is reported")
    late = lab.offer("ok")
    late.kept_open = True
    lab.done(late)
    began = len(lab.syncs())
    with lab.desk.news:
        lab.desk.shapes.append(lambda seen, answer: answer.update(cancel=[late.key]) if "cancel" in answer else None)
    with lab.case("cancel.late"):
        lab.until(lambda: len(lab.syncs()) > began + 1, "it hears of the wish")
        lab.stays(lambda: _ends_of(lab, late, began + 1) <= {"", "done"}, "an end was changed afterwards")
    lab.desk.shapes.clear()
    late.kept_open = False
    lab.desk.shape(stranger)
    with lab.case("cancel.unknown"):
        lab.done(lab.offer("ok"))


def _ends_of(lab: Lab, job: Job, began: int) -> set[str]:
    return {reported(seen, job) for seen in lab.syncs()[began:]}


def gone(lab: Lab) -> None:
    """The portal hears no more of it, or has given it to somebody else."""
    lab.start()
    for name, code in {"gone.stale": "stale_lease", "gone.unknown": "attempt_unknown"}.items():
        job = lab.running()
        job.refused = ("attempts", code)
        with lab.case(name):
            _ended(lab, job)
        job.refused, job.cancel = None, True
    with lab.case("gone.goes_on"):
        lab.done(lab.offer("ok"))


def closed(lab: Lab) -> None:
    lab.start()
    job = lab.running()
    job.closed_at_once = True
    with lab.case("closed.ends"):
        _ended(lab, job)
    lab.let_go()
    with lab.case("closed.usage"):
        lab.until(lambda: job.usage, "what it held until then is reported")
    late = lab.offer("ok")
    lab.desk.rule(
        lambda seen: (
            problem(410, "attempt_closed") if seen.key == late.key and seen.call in ("artefact", "artefacts") else None
        )
    )
    with lab.case("closed.upload"):
        lab.until(lambda: lab.starts(late), "it starts")
        lab.until(lambda: lab.desk.calls("artefact", "artefacts"), "its files come")
        lab.until(lambda: lab.gone(late), "its data is removed")
    with lab.desk.news:
        lab.desk.rules.clear()
    with lab.case("closed.goes_on"):
        lab.done(lab.offer("ok"))


def _ended(lab: Lab, job: Job) -> None:
    lab.until(lambda: not lab.starts(job)[0].runs, "the run is ended")
    lab.until(lambda: lab.gone(job), "its data is removed")
    lab.once(job)


def refused(lab: Lab) -> None:
    """One report is refused; the others are none the worse."""
    job = lab.offer("ok")
    job.kept_open = True
    job.refused = ("usage", "usage_conflict")
    lab.start()
    with lab.case("refused.others"):
        lab.done(job)
    with lab.case("refused.usage"):
        lab.until(lambda: _usage_in(lab, job), "usage is reported")
        lab.stays(
            lambda: len(_usage_in(lab, job)) <= 2, "a usage row that was refused for good is said again and again"
        )
    job.kept_open = False
    with lab.case("refused.removed"):
        lab.until(lambda: lab.gone(job), "its data is removed although its usage was refused")
    later = lab.offer("ok")
    later.kept_open = True
    later.refused = ("usage", "internal")
    lab.done(later)
    with lab.case("refused.internal"):
        lab.until(lambda: most_often(_usage_in(lab, later)) > 1, "what the portal failed to take in is said again")
        later.refused = None
        lab.until(lambda: later.usage, "and arrives in the end")


def _usage_in(lab: Lab, job: Job) -> list[dict[str, Any]]:
    return [row for seen in lab.syncs() for row in seen.json.get("usage") or () if row.get("key") == job.key]


def failures(lab: Lab) -> None:
    """A training that fails says why, and one that breaks down is not called a success."""
    lab.start()
    named = lab.offer("fail")
    with lab.case("fail.named"):
        lab.until(lambda: named.final, "the end is reported")
        ended = (named.state, named.newest.get("hint_code"), named.newest.get("sentence"))
        lab.check(ended == ("failed", "diverged", "It did not learn."), f"reported as {ended}")
    broken = lab.offer("crash")
    with lab.case("fail.crash"):
        lab.until(lambda: broken.final, "the end is reported")
        lab.check(broken.state == "failed" and broken.newest.get("hint_code"), f"reported as {broken.newest}")
        lab.check(broken.newest.get("exit_code") == 3, f"exit_code is {broken.newest.get('exit_code')!r}")
    with lab.case("fail.usage"):
        lab.until(lambda: named.usage and broken.usage, "failed runs are metered too")


CANCEL = Scenario(
    "cancel",
    cancel,
    cases(
        "Sync",
        cancel__before_start="Work that is stopped before its start never starts",
        cancel__noted="A wish to stop is noted in `stopping`",
        cancel__asks="The training is asked to stop, not shot",
        cancel__delivers="What was trained until then is delivered, and the end is `cancelled`",
        cancel__usage="A stopped run is metered",
        cancel__late="A wish to stop what has ended changes nothing",
        cancel__unknown="A wish to stop what nobody knows is passed over",
    ),
)
GONE = Scenario(
    "gone",
    gone,
    cases(
        "Refusals",
        gone__stale="`stale_lease`: the run is ended and its data removed",
        gone__unknown="`attempt_unknown`: the run is ended and its data removed",
        gone__goes_on="After an attempt was dropped the next job runs",
    ),
)
CLOSED = Scenario(
    "closed",
    closed,
    cases(
        "Sync",
        closed__ends="A run whose attempt is closed is ended and its data removed",
        closed__usage="What a closed attempt held is reported all the same",
        closed__upload="`attempt_closed` during an upload: the data is removed",
        closed__goes_on="After an attempt was closed the next job runs",
    ),
)
REFUSED = Scenario(
    "refused",
    refused,
    cases(
        "Sync",
        refused__others="A refused report harms no other",
        refused__usage="A usage row that was refused for good is not said for ever",
        refused__removed="Refused usage does not keep data at the site",
        refused__internal="What failed by the portal's own mistake is said again",
    ),
)
FAILURES = Scenario(
    "failures",
    failures,
    cases(
        "Sync",
        fail__named="A failure keeps the name and the sentence of the runtime",
        fail__crash="A program that breaks down is a failure with its exit code",
        fail__usage="Failed runs are metered",
    ),
)
