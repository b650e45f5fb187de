"""Work no agent should touch, one flaw at a time, and honest work between."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.conformance.case import Scenario, cases
from jobs.conformance.lab import Lab
from jobs.conformance.wire import b64, canonical
from jobs.conformance.work import Job, new_job, signed


def forged(lab: Lab) -> None:
    """Work that is not the portal's, or not for this site: an agent touches nothing of it."""
    key = lab.desk.key
    stranger, altered, foreign, odd = (lab.desk.offer(_by_hand(new_job())) for _number in range(4))
    foreign.payload["site"] = "elsewhere"
    odd.payload["schema"] = "open-paas/work/2"
    spoiled = signed(altered.payload, key)
    richer = {**altered.payload, "max_seconds": 601}
    lab.desk.raw_work = [
        signed(stranger.payload, Ed25519PrivateKey.generate()),
        {**spoiled, "payload": b64(canonical(richer))},
        signed(foreign.payload, key),
        signed(odd.payload, key),
    ]
    lab.start()
    lab.until(lambda: lab.desk.calls("sync"), "the agent speaks")
    lab.until(lambda: not lab.desk.raw_work, "the agent asks for work")
    honest = lab.offer("ok")
    with lab.case("forged.goes_on"):
        lab.done(honest)
    for name, job in {"key": stranger, "altered": altered, "site": foreign, "schema": odd}.items():
        with lab.case(f"forged.{name}"):
            _untouched(lab, job)


def _by_hand(job: Job) -> Job:
    job.by_hand = True
    return job


def _untouched(lab: Lab, job: Job) -> None:
    lab.check(not job.fetched, "its data was fetched")
    lab.check(not lab.starts(job), "its training was started")
    lab.check(not job.said("leased", "staging", "submitted", "running", "done"), f"it was taken: {job.newest}")


def disallowed(lab: Lab) -> None:
    """Work the portal did sign, against the site's own list, or that cannot be understood in full."""
    lab.start()
    minutes = 60 * int(lab.words["max_minutes"]) + 1
    wrong: dict[str, dict[str, Any]] = {
        "recipe": {"spec": {"recipe": "chat", "method": "full", "data": None}},
        "gpus": {"gpus": int(lab.words["max_gpus"]) + 1},
        "seconds": {"max_seconds": minutes},
        "tenant": {"tenant": "00000000-0000-4000-8000-000000000000"},
        "hash": {"spec_hash": "0" * 64},
        "spec": {"spec": {"train": {}}},
    }
    for name, changes in wrong.items():
        job = new_job(**_readable(changes))
        lab.desk.offer(job)
        with lab.case(f"allow.{name}"):
            lab.ended(job)
            lab.check(not job.fetched and not lab.starts(job), "it was acted on")
            ended = (job.state, job.newest.get("hint_code"))
            lab.check(ended == ("failed", "refused_by_site"), f"reported as {ended}")
            lab.check(job.newest.get("sentence"), "no sentence says why")
    for name, job in _escapes(lab).items():
        with lab.case(f"path.{name}"):
            lab.desk.offer(job)
            _stays_inside(lab, job, name)
        job.by_hand = job.closed_at_once = True
    late = lab.offer("ok", not_after=(datetime.now(UTC) - timedelta(hours=1)).isoformat())
    with lab.case("late.never_starts"):
        lab.until(lambda: late.final, "the end is reported")
        lab.check(not lab.starts(late), "it was started after its latest moment")
    with lab.case("late.failed"):
        lab.check(late.state == "failed" and late.newest.get("hint_code"), f"reported as {late.newest}")
    with lab.case("allow.goes_on"):
        lab.done(lab.offer("ok"))


def _stays_inside(lab: Lab, job: Job, name: str) -> None:
    lab.until(lambda: job.handed, "it is handed out")
    lab.stays(lambda: not list(lab.folder.rglob(f"escape-{name}*")), "a name led out of the agent's folder")


def _readable(changes: dict[str, Any]) -> dict[str, Any]:
    """A recipe of another kind needs data of its kind, or the spec would be refused for that."""
    spec = changes.get("spec")
    if spec and spec.get("recipe") == "chat":
        data = new_job().payload["spec"]["data"]
        return {"spec": {**spec, "data": {**data, "format": "chat", "labels": []}}}
    return changes


def _escapes(lab: Lab) -> dict[str, Job]:
    """Names that lead elsewhere: an input's, and the key itself."""
    way = "../../../escape-input.jsonl"
    plain = new_job()
    spec, inputs = (json.loads(json.dumps(plain.payload[n]).replace("train.jsonl", way)) for n in ("spec", "inputs"))
    sly = new_job(spec=spec, inputs=inputs)
    sly.inputs = {way: plain.inputs["train.jsonl"], **plain.inputs}
    return {"input": sly, "key": new_job(key="../../escape-key-1")}


def damaged(lab: Lab) -> None:
    """Data that is not what the spec names never reaches a training."""
    job = new_job("ok")
    job.inputs["train.jsonl"] = job.inputs["train.jsonl"].replace(b"train", b"trial")
    lab.desk.offer(job)
    lab.start()
    lab.until(lambda: "train.jsonl" in job.fetched, "the data is fetched")
    with lab.case("inputs.damaged"):
        lab.until(lambda: job.final or lab.starts(job), "something comes of it")
        lab.stays(lambda: not lab.starts(job), "a training was started with other data than its spec names")
    with lab.case("inputs.mismatch"):
        lab.until(lambda: job.final, "the end is reported")
        ended = (job.state, job.newest.get("hint_code"))
        lab.check(ended == ("failed", "data_mismatch"), f"reported as {ended}")


FORGED = Scenario(
    "forged",
    forged,
    cases(
        "Work",
        forged__key="Work another key has signed is not touched",
        forged__altered="Work that was altered after signing is not touched",
        forged__site="Work for another site is not touched",
        forged__schema="Work of a schema nobody knows is not touched",
        forged__goes_on="Honest work runs after forged work came",
    ),
)
DISALLOWED = Scenario(
    "disallowed",
    disallowed,
    cases(
        "Work",
        allow__recipe="A recipe that is not on the site's list is refused with a reason",
        allow__gpus="More GPUs than the site's list allows are refused with a reason",
        allow__seconds="More time than the site's list allows is refused with a reason",
        allow__tenant="An organisation that is not on the site's list is refused with a reason",
        allow__hash="A spec that is not the one that was hashed is refused",
        allow__spec="A spec that cannot be understood in full is refused",
        allow__goes_on="Allowed work runs after other work was refused",
        path__input="The name of an input leads nowhere",
        path__key="The key of an attempt leads nowhere",
        late__never_starts="Nothing starts after `not_after`",
        late__failed="Work that came too late is reported as failed with a reason",
    ),
)
DAMAGED = Scenario(
    "damaged",
    damaged,
    cases(
        "Files",
        inputs__damaged="Data with another digest never reaches a training",
        inputs__mismatch="Data that stays damaged ends the attempt as `data_mismatch`",
    ),
)
