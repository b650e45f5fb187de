"""The site beside its jobs: waiting, capacity, models, draining, strangers, the future, keys and books."""

import hashlib
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.conformance.case import Scenario, cases
from jobs.conformance.lab import Lab
from jobs.conformance.scenarios.plain import moment
from jobs.conformance.seen import Seen
from jobs.conformance.wire import fingerprint
from jobs.conformance.work import new_job, signed


def idle(lab: Lab) -> None:
    lab.desk.tokenizers_wanted = ["kit-encoder", "never-heard-of"]
    lab.start()
    lab.until(lambda: lab.syncs(), "the agent speaks")
    with lab.case("idle.waits"):
        began = len(lab.syncs())
        time.sleep(2.0)
        lab.check(len(lab.syncs()) - began <= 3, f"{len(lab.syncs()) - began} messages in two idle seconds")
    with lab.case("wanted.idle"):
        lab.check(lab.syncs()[-1].json.get("wanted", 0) >= 1, "an idle agent wants no work")
    with lab.case("tokenizer.sent"):
        lab.until(lambda: "kit-encoder" in lab.desk.tokenizers, "the tokenizer arrives")
        wanted = (lab.store / "kit-encoder" / "tokenizer.json").read_text()
        lab.check(lab.desk.tokenizers["kit-encoder"].get("tokenizer") == wanted, "it is not the one of the store")
    with lab.case("tokenizer.unknown"):
        lab.check("never-heard-of" not in lab.desk.tokenizers, "a tokenizer was sent that the store does not hold")
    lab.desk.longest_wait = 0.5
    lab.add_model("kit-second")
    with lab.case("models.changed"):
        lab.until(lambda: _models(lab) == ["kit-encoder", "kit-second"], "a model that came is reported")
    lab.desk.longest_wait = 25.0
    job = lab.running()
    with lab.case("wanted.full"):
        lab.stays(lambda: not lab.syncs()[-1].json.get("wanted"), "it wants work although its GPUs are taken")
    second = lab.offer("ok")
    with lab.case("provisional.held"):
        _provisional(lab, job)
    lab.desk.drain = True
    with lab.case("drain.on"):
        lab.until(
            lambda: (lab.syncs()[-1].json.get("capacity") or {}).get("draining") is True, "it says that it drains"
        )
    with lab.case("drain.runs_on"):
        lab.check(lab.starts(job)[0].runs, "draining ended what ran")
        lab.let_go()
        lab.done(job)
    with lab.case("drain.no_work"):
        lab.stays(lambda: not second.handed, "a draining agent takes new work")
    lab.desk.drain = False
    with lab.case("drain.off"):
        lab.done(second)


def _models(lab: Lab) -> list[str]:
    told: list[Any] = [seen.json["models"] for seen in lab.syncs() if seen.json.get("models") is not None]
    told += [seen.json["describe"].get("models") for seen in lab.desk.calls("session")[1:]]
    return [one["id"] for one in told[-1]] if told else []


def _provisional(lab: Lab, job: Any) -> None:
    def held() -> list[int]:
        rows = [one for seen in lab.syncs() for one in seen.json.get("attempts") or () if one["key"] == job.key]
        return [row["held_gpu_seconds"] for row in rows if row.get("held_gpu_seconds") is not None]

    lab.until(lambda: len(held()) > 1 and held()[-1] > 0, "GPU-seconds held so far are said while the job runs")
    most = time.time() - lab.starts(job)[0].started + 5
    lab.check(held() == sorted(held()) and held()[-1] <= most, f"{held()} after {most:.0f} s")


def strangers(lab: Lab) -> None:
    """The portal believes that the agent holds what the agent knows nothing of: its state was lost."""
    committed, leased = new_job(key="ft-00000000aaaa-1"), new_job(key="ft-00000000bbbb-1")
    for job, state in ((committed, "running"), (leased, "leased")):
        job.by_hand = True
        lab.desk.offer(job)
        lab.desk.extra_held.append({"key": job.key, "token": job.token, "state": state})
    lab.start()
    with lab.case("session.lost"):
        lab.until(lambda: committed.final, "what it had committed to is reported as lost")
        ended = (committed.state, committed.newest.get("hint_code"))
        lab.check(ended == ("failed", "site_lost"), f"reported as {ended}")
    with lab.case("session.leased"):
        lab.stays(lambda: not leased.reports, "work it never committed to was reported as lost")
        leased.by_hand = False
        lab.done(leased)


def newer(lab: Lab) -> None:
    """A newer portal says more than this agent knows."""

    def more(seen: Seen, answer: dict[str, Any]) -> None:
        answer["from_the_future"] = {"nested": [1, {"deep": None}]}
        for name in ("acks", "gaps"):
            if isinstance(answer.get(name), dict):
                answer[name]["new_kind"] = {"ft-1": 1}
        if seen.call == "session":
            answer["features"] = [*answer["features"], "time_travel"]
        if seen.call == "sync" and seen.status == 200:
            answer["refused"] = [
                *answer["refused"], {"kind": "new_kind", "key": "ft-1", "id": "", "code": "new_code", "detail": "?"}
            ]  # fmt: skip

    lab.desk.shape(more)
    lab.start()
    job = lab.offer("ok", from_the_future={"a": [1]}, priority=7)
    with lab.case("newer.fields"):
        lab.done(job)
        lab.until(lambda: lab.gone(job), "its data is removed")


def clock(lab: Lab) -> None:
    """The portal's clock is four minutes from the agent's."""

    def skewed(seen: Seen, answer: dict[str, Any]) -> None:
        if "time" in answer:
            answer["time"] = (datetime.now(UTC) + timedelta(minutes=4)).isoformat()

    lab.desk.shape(skewed)
    lab.start()
    issued = (datetime.now(UTC) + timedelta(minutes=4)).isoformat()
    with lab.case("clock.skew"):
        lab.done(lab.offer("ok", issued_at=issued))


def portal_keys(lab: Lab) -> None:
    """The portal takes a new key into use, and somebody else claims to."""
    new, thief = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    lab.desk.portal_keys = [lab.desk.vouch_for(new), lab.desk.vouch_for(thief, by=thief)]
    lab.start()
    lab.until(lambda: lab.desk.calls("session"), "the agent opens a session")
    stolen = new_job()
    stolen.by_hand = True
    lab.desk.offer(stolen)
    lab.desk.raw_work = [signed(stolen.payload, thief)]
    lab.until(lambda: not lab.desk.raw_work, "the agent asks for work")
    lab.desk.signing = new
    with lab.case("keys.portal_new"):
        lab.done(lab.offer("ok"))
    with lab.case("keys.portal_forged"):
        lab.check(not stolen.fetched and not stolen.said("leased", "staging", "submitted"), "forged work was taken")


def rotation(lab: Lab) -> None:
    """The agent's own key is renewed while a job runs."""
    lab.start()
    job = lab.running()
    if lab.offers("keys") and lab.settings.rotate:
        lab.agent.run(lab.settings.rotate)
    with lab.case("keys.proof"):
        lab.check(lab.settings.rotate, "name the command that renews the key: --rotate")
        asked = lab.until(lambda: lab.desk.calls("keys"), "a new key is presented")[0]
        lab.check(asked.status == 201, f"the proof of the new key does not hold: {asked.answer}")
        lab.check("wrong" not in asked.signed.flaws, "the request is not signed with the old key")
    with lab.case("keys.used"):
        lab.until(lambda: _by_new_key(lab), "the new key is used")
    with lab.case("keys.no_gap"):
        wrong = [seen for seen in lab.desk.seen if "wrong" in seen.signed.flaws or "keyid" in seen.signed.flaws]
        lab.check(not wrong, f"{len(wrong)} requests were signed with a key the portal does not know")
        lab.let_go()
        lab.done(job)
        lab.once(job)


def _by_new_key(lab: Lab) -> list[Seen]:
    (agent,) = lab.desk.agents
    first = fingerprint(lab.desk.agents[agent])
    return [s for s in lab.syncs() if s.signed.fingerprint not in ("", first) and "wrong" not in s.signed.flaws]


def book(lab: Lab) -> None:
    """The site's book of a day against the portal's."""
    lab.start()
    jobs = [lab.offer("ok"), lab.offer("ok")]
    for job in jobs:
        lab.done(job)
    lab.until(lambda: all(job.usage for job in jobs), "their usage arrives")
    rows = {json.dumps(row, sort_keys=True): row for job in jobs for row in job.usage.values()}
    day = max(str(row["ended_at"]) for row in rows.values())[:10]
    said = {job.key: len(job.usage_said) for job in jobs}
    lab.desk.digests.clear()
    lab.desk.usage_wanted.append(day)
    with lab.case("book.rows"):
        lab.until(lambda: all(len(job.usage_said) > said[job.key] for job in jobs), "the rows of that day come again")
    with lab.case("book.digest"):
        found = lab.until(lambda: [one for one in lab.desk.digests if one.get("day") == day], "its digest comes")[-1]
        wanted = digest_of([row for row in rows.values() if str(row["ended_at"])[:10] == day])
        lab.check({name: found.get(name) for name in wanted} == wanted, f"{found} instead of {wanted}")


def digest_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One line a row, sorted, each ended by a line feed; SHA-256 over all of them."""
    lines = sorted(
        f"{row['key']}|{row['cluster']}|{row['native_id']}|{_utc(row['started_at'])}|{_utc(row['ended_at'])}"
        f"|{row['method']}|{row['gpus']}|{row['gpu_seconds']}\n"
        for row in rows
    )
    return {
        "rows": len(rows),
        "gpu_seconds": sum(row["gpu_seconds"] for row in rows),
        "digest": hashlib.sha256("".join(lines).encode()).hexdigest(),
    }


def _utc(text: str) -> str:
    found = moment(text)
    return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if found else text


IDLE = Scenario(
    "idle",
    idle,
    (
        *cases(
            "Sync",
            idle__waits="An idle agent waits at the portal instead of asking again and again",
            wanted__idle="An idle agent wants work",
            wanted__full="An agent whose GPUs are taken wants no work",
            models__changed="A model that comes into the store is reported",
        ),
        *cases(
            "Session",
            tokenizer__sent="A tokenizer the portal lacks is sent as it is in the store",
            tokenizer__unknown="No tokenizer is sent that the store does not hold",
        ),
        *cases("Sync", "provisional", provisional__held="GPU-seconds held so far rise with the clock"),
        *cases(
            "Drain",
            "drain",
            drain__on="An operator's wish to drain at the portal is taken up",
            drain__runs_on="Draining lets what runs go on",
            drain__no_work="A draining agent takes no new work",
            drain__off="When draining ends it takes work again",
        ),
    ),
)
STRANGERS = Scenario(
    "strangers",
    strangers,
    cases(
        "Session",
        session__lost="What it committed to and knows nothing of is reported as `site_lost`",
        session__leased="What was only leased is not reported as lost, and runs when it comes again",
    ),
)
NEWER = Scenario("newer", newer, cases("Messages", newer__fields="Unknown fields, features and codes are passed over"))
CLOCK = Scenario("clock", clock, cases("Signatures", clock__skew="Clocks may be four minutes apart"))
PORTAL_KEYS = Scenario(
    "portal-keys",
    portal_keys,
    cases(
        "Keys",
        "keys",
        keys__portal_new="Work signed with a new key that the pinned one vouches for is done",
        keys__portal_forged="Work signed with a key nobody vouches for is not touched",
    ),
)
ROTATION = Scenario(
    "rotation",
    rotation,
    cases(
        "Keys",
        "keys",
        keys__proof="A new key is presented under the old one, with the proof that it is held",
        keys__used="The new key is taken into use",
        keys__no_gap="No request fails while the key changes, and what runs goes on",
    ),
)
BOOK = Scenario(
    "book",
    book,
    cases(
        "Daily comparison",
        "reconciliation",
        book__rows="A day's usage that is asked for is sent again",
        book__digest="The digest of a day is that of its rows",
    ),
)
