"""kill -9 at every step, and an orderly end: nothing is lost, nothing runs twice."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

from jobs.conformance.case import Scenario, cases
from jobs.conformance.lab import Lab
from jobs.conformance.scenarios.plain import moment, reported
from jobs.conformance.seen import Away
from jobs.conformance.work import FINAL, Job


def killed(
    lab: Lab, name: str, *, blocked: Callable[[Lab, Job], None], reached: Callable[[Lab, Job], object], play: str = "ok"
) -> None:
    """The agent is held at a step, killed there, and started again with the way free."""
    job = lab.offer(play)
    blocked(lab, job)
    lab.start()
    lab.until(lambda: reached(lab, job), f"the agent comes to {name}")
    before = len(lab.starts(job))
    lab.agent.kill()
    epoch, enrolled = lab.desk.epoch, len(lab.desk.calls("enrol"))
    with lab.desk.news:
        lab.desk.rules.clear()
    lab.start()
    with lab.case(f"kill.{name}"):
        lab.until(lambda: lab.desk.epoch > epoch, "the agent opens a new session")
        lab.check(len(lab.desk.calls("enrol")) == enrolled, "it enrolled anew")
        if before == 0:
            lab.stays(lambda: "submitted" not in job.withheld or not lab.starts(job), "it started without our word")
        job.withheld = frozenset()
        lab.let_go()
        lab.done(job)
        lab.once(job)
        lab.check("manifest.json" in job.completed, f"of its results arrived {job.completed}")
        lab.until(lambda: job.usage, "its usage arrives")


def _hold(*calls: str) -> Callable[[Lab, Job], None]:
    return lambda lab, job: lab.desk.rule(lambda seen: Away() if seen.call in calls else None)


def _withhold(lab: Lab, job: Job) -> None:
    job.withheld = frozenset({"submitted"})


def _mute(lab: Lab, job: Job) -> None:
    lab.desk.rule(lambda seen: Away() if seen.call == "sync" and reported(seen, job) in FINAL else None)


def _nothing(lab: Lab, job: Job) -> None:
    """The job itself waits."""


STEPS = {
    "staging": partial(
        killed, name="staging", blocked=_hold("input"), reached=lambda lab, job: lab.desk.calls("input")
    ),
    "waiting": partial(killed, name="waiting", blocked=_withhold, reached=lambda lab, job: job.said("submitted")),
    "running": partial(
        killed, name="running", blocked=_nothing, play="wait",
        reached=lambda lab, job: job.said("running") and lab.starts(job),
    ),
    "collecting": partial(
        killed, name="collecting", blocked=_hold("artefact"), reached=lambda lab, job: lab.desk.calls("artefact")
    ),
    "ending": partial(
        killed, name="ending", blocked=_mute,
        reached=lambda lab, job: any(reported(seen, job) in FINAL for seen in lab.syncs()),
    ),
}  # fmt: skip
TITLES = {
    "staging": "Killed while it fetches the data, it fetches again and runs the job once",
    "waiting": "Killed before its commitment was acknowledged, it still waits for it",
    "running": "Killed while the training runs, it finds it again and starts no second one",
    "collecting": "Killed while it sends the results, it sends the rest",
    "ending": "Killed before its last word was heard, it says it again",
}
KILLS = tuple(
    Scenario(f"kill-{name}", STEPS[name], cases("When things go wrong", **{f"kill__{name}": TITLES[name]}))
    for name in STEPS
)


def orderly(lab: Lab) -> None:
    lab.start()
    job = lab.running()
    lab.agent.ask_to_end()
    with lab.case("term.ends"):
        lab.until(lambda: not lab.agent.alive, "the agent ends after SIGTERM")
    lab.agent.kill()
    seq = max(report["seq"] for report in job.reports)
    lab.start()
    with lab.case("term.goes_on"):
        lab.until(lambda: any(start.runs for start in lab.starts(job)), "the training goes on")
        lab.stays(lambda: sum(start.runs for start in lab.starts(job)) <= 1, "it runs twice at the same time")
        lab.let_go()
        lab.done(job)
    with lab.case("term.seq"):
        later = [one["seq"] for seen in lab.syncs() for one in seen.json["attempts"] if one["key"] == job.key]
        lab.check(
            later[-1] > seq and later == sorted(later), "seq fell after the restart, so that reports are passed over"
        )
    with lab.case("term.usage"):
        starts = lab.starts(job)
        lab.until(lambda: len(job.usage) == len(starts), f"each of {len(starts)} starts is reported")
        rows = sorted((str(row["started_at"]), str(row["ended_at"])) for row in job.usage.values())
        times = [(moment(began), moment(over)) for began, over in rows]
        overlaps = [one for one, other in pairwise(times) if one[1] and other[0] and one[1] > other[0]]
        lab.check(not overlaps, "usage rows overlap")


ORDERLY = Scenario(
    "orderly",
    orderly,
    cases(
        "When things go wrong",
        term__ends="The agent ends after SIGTERM",
        term__goes_on="Its running job goes on after the next start, once",
        term__seq="seq goes on rising over a restart",
        term__usage="Each start of a job that went on is one usage row",
    ),
)
