"""The way between is bad: answers are lost, come twice, or the portal is away."""

import time
from typing import Any

from jobs.conformance.case import Scenario, cases
from jobs.conformance.lab import Lab
from jobs.conformance.scenarios.plain import reported
from jobs.conformance.seen import Away, Lost, Plain, Seen, problem
from jobs.conformance.work import FINAL, Job


def lost(lab: Lab) -> None:
    """Every kind of request is dealt with once without its answer arriving."""
    desk = lab.desk
    desk.once("enrol", Lost())
    desk.once("session", Lost())
    job = lab.offer("ok")
    desk.once("sync", Lost(), when=lambda seen: bool(seen.json.get("wanted")))
    desk.once("sync", Lost(), when=lambda seen: reported(seen, job) == "running")
    desk.once("sync", Lost(), when=lambda seen: reported(seen, job) in FINAL)
    lab.start()
    with lab.case("lost.enrol"):
        lab.until(lambda: len(desk.calls("enrol")) > 1, "it enrols again")
        first, again = (seen.json for seen in desk.calls("enrol")[:2])
        same = all(first.get(name) == again.get(name) for name in ("code", "public_key"))
        lab.check(same, "the second enrolment came with another key or code")
    with lab.case("lost.session"):
        lab.until(lambda: lab.syncs(), "it speaks")
        lab.check(lab.syncs()[0].json.get("epoch") == desk.epoch, "it does not speak in its newest session")
    with lab.case("lost.work"):
        lab.until(lambda: job.reports, "work whose message was lost is taken when it comes again")
        lab.check(job.handed > 1, "it was handed out once only")
    lab.until(lambda: job.final, "the job's end is reported")
    with lab.case("lost.end"):
        lab.until(lambda: _said_again(lab, job), "an end whose answer was lost is said again")
    with lab.case("lost.once"):
        lab.check(job.state == "done", f"the end is {job.newest}")
        lab.once(job)


def _said_again(lab: Lab, job: Job) -> bool:
    """The end was said at least twice: the first answer was lost."""
    return sum(reported(seen, job) in FINAL for seen in lab.syncs()) > 1


def twice(lab: Lab) -> None:
    """The same work, and whole answers, come again."""
    copies: list[dict[str, Any]] = []

    def again(seen: Seen, answer: dict[str, Any]) -> None:
        if seen.call == "sync" and seen.status == 200:
            copies.extend(answer["work"])
            answer["work"] = list(copies)

    lab.desk.shape(again)
    lab.start()
    job = lab.running()
    with lab.case("twice.work"):
        lab.stays(lambda: len(lab.starts(job)) == 1, "the same work was started again")
    lab.let_go()
    lab.done(job)
    lab.until(lambda: lab.gone(job), "its data is removed")
    with lab.case("twice.after_end"):
        lab.stays(lambda: len(lab.starts(job)) == 1 and not job.fetched[3:], "work that had ended was taken again")
    copies.clear()
    lab.desk.shapes.remove(again)
    whole: dict[str, dict[str, Any]] = {}

    def repeat(seen: Seen, answer: dict[str, Any]) -> None:
        """An answer with work, and every second one without, comes again word for word in place of the next."""
        if seen.call == "sync" and seen.status == 200:
            if answer["work"] or not whole:
                whole["answer"] = dict(answer)
            else:
                answer.clear()
                answer.update(whole.pop("answer"))

    lab.desk.shape(repeat)
    second = lab.offer("ok")
    with lab.case("twice.answers"):
        lab.done(second)
        lab.once(second)
        lab.until(lambda: len(second.events) == len(lab.starts(second)[0].events), "its events arrive")


def away(lab: Lab) -> None:
    """The portal asks for patience, is away, or an intermediary speaks in its place, while a training runs."""
    desk = lab.desk
    lab.start()
    job = lab.running()
    desk.once("sync", problem(503, "unavailable", Retry_After="2"))
    with lab.case("away.retry_after"):
        refused = lab.until(lambda: [seen for seen in lab.syncs() if seen.status == 503], "it meets the 503")[0]
        after = lab.until(lambda: [seen for seen in lab.syncs() if seen.at > refused.at], "it comes back")[0]
        lab.check(after.at - refused.at >= 1.9, f"it came back after {after.at - refused.at:.1f} s, not 2")
    desk.once("sync", Plain(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"}))
    with lab.case("away.gateway"):
        bad = lab.until(lambda: [seen for seen in lab.syncs() if seen.status == 502], "it meets the 502")[0]
        lab.until(
            lambda: any(seen.at > bad.at and seen.status == 200 for seen in lab.syncs()), "it goes on after a 502"
        )
    desk.once("sync", problem(401, "replayed"))
    with lab.case("away.replayed"):
        bad = lab.until(lambda: [seen for seen in lab.syncs() if seen.status == 401], "it meets the 401")[0]
        lab.until(lambda: any(seen.at > bad.at and seen.status == 200 for seen in lab.syncs()), "it signs anew")
        nonces = [seen.signed.parameters.get("nonce") for seen in desk.seen]
        lab.check(nonces.count(bad.signed.parameters.get("nonce")) == 1, "it repeated the request with the same nonce")
    with lab.case("away.patience"):
        _silence(lab)
    with lab.case("away.runs_on"):
        lab.once(job)
        lab.check(lab.starts(job)[0].runs, "the training did not outlive the portal's absence")
    lab.let_go()
    with lab.case("away.whole"):
        lab.done(job)
        wanted = len(lab.starts(job)[0].events)
        lab.until(lambda: len(job.events) == wanted, f"all {wanted} events arrive after all")
    lab.until(lambda: lab.gone(job), "its data is removed")
    time.sleep(lab.settings.quiet)  # until there is nothing left to say
    _poll_after(lab)


def _silence(lab: Lab) -> None:
    """Three seconds without an answer: a few requests, further and further apart, not a storm."""
    gone = [True]
    lab.desk.rule(lambda seen: Away() if gone[0] else None)
    began = len(lab.desk.seen)
    time.sleep(3.0)
    tried = len(lab.desk.seen) - began
    gone[0] = False
    lab.check(tried <= 15, f"{tried} requests in three seconds to a portal that does not answer")
    lab.until(lambda: any(seen.status == 200 for seen in lab.desk.seen[began + tried :]), "it comes back")


def _poll_after(lab: Lab) -> None:
    asked: list[float] = []

    def later(seen: Seen, answer: dict[str, Any]) -> None:
        if seen.call == "sync" and seen.status == 200 and not asked:
            answer["poll_after"] = 2
            answer["work"], answer["cancel"] = [], []
            asked.append(time.monotonic())

    lab.desk.longest_wait = 0.2
    lab.desk.shape(later)
    with lab.case("away.poll_after"):
        (moment,) = lab.until(lambda: asked, "it speaks")
        after = lab.until(lambda: [seen for seen in lab.syncs() if seen.at > moment], "it comes back")[0]
        lab.check(after.at - moment >= 1.9, f"asked to come back in 2 s it came after {after.at - moment:.1f} s")


def fenced(lab: Lab) -> None:
    """A newer session of the same agent has begun."""
    lab.start()
    lab.running()
    with lab.desk.news:
        lab.desk.epoch += 1
    refused = lab.until(lambda: [seen for seen in lab.syncs() if seen.status == 409], "it hears of the newer session")[
        0
    ]
    with lab.case("fence.ends"):
        lab.until(lambda: not lab.agent.alive, "the older agent ends")
    with lab.case("fence.no_session"):
        late = [seen for seen in lab.desk.calls("session") if seen.at > refused.at]
        lab.check(not late, "the older agent opened a session of its own and fenced the newer one")
    with lab.case("fence.silent"):
        more = [seen for seen in lab.syncs() if seen.at > refused.at]
        lab.check(len(more) <= 1, f"the older agent spoke {len(more)} times more")


def revoked(lab: Lab) -> None:
    """The agent's key counts no more: it says so to its operator, and does not storm the portal."""
    lab.desk.rule(lambda seen: problem(403, "agent_revoked") if seen.call not in ("enrol",) else None)
    lab.start()
    lab.until(lambda: lab.desk.calls("session", "sync"), "it speaks")
    began = len(lab.desk.seen)
    time.sleep(3.0)
    with lab.case("revoked.patience"):
        tried = len(lab.desk.seen) - began
        lab.check(tried <= 10, f"{tried} requests in three seconds after its key was revoked")


LOST = Scenario(
    "lost",
    lost,
    cases(
        "When things go wrong",
        lost__enrol="A lost answer to the enrolment: the same code with the same key again",
        lost__session="A lost answer to the session: it speaks in the newest",
        lost__work="Work whose message was lost is taken when it comes again",
        lost__end="An end whose answer was lost is said again",
        lost__once="Lost answers make no second start and no second end",
    ),
)
TWICE = Scenario(
    "twice",
    twice,
    cases(
        "Work",
        twice__work="Work that comes again while it runs is not started again",
        twice__after_end="Work that comes again after its end is not taken again",
        twice__answers="Whole answers that come twice change nothing",
    ),
)
AWAY = Scenario(
    "away",
    away,
    cases(
        "Refusals",
        away__retry_after="Retry-After is kept",
        away__gateway="An intermediary's answer that is no JSON is outlived",
        away__replayed="A refused request is signed anew, not repeated",
        away__patience="A portal that is away is not stormed",
        away__runs_on="What runs goes on while the portal is away",
        away__whole="After an absence everything is said, and the job is done",
        away__poll_after="`poll_after` is kept",
    ),
)
FENCED = Scenario(
    "fenced",
    fenced,
    cases(
        "Session",
        fence__ends="An agent whose epoch is stale ends",
        fence__no_session="It does not open a session of its own against the newer one",
        fence__silent="It says nothing more under the old epoch",
    ),
)
REVOKED = Scenario(
    "revoked", revoked, cases("Refusals", revoked__patience="An agent that was revoked does not storm the portal")
)
