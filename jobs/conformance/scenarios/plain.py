"""One honest job from enrolment to the removal of its data, looked at from every side."""

import base64
import hashlib
import json
import math
from collections import Counter
from datetime import datetime
from typing import Any

from jobs.conformance.case import Scenario, cases
from jobs.conformance.lab import Lab
from jobs.conformance.seen import Seen
from jobs.conformance.wire import holds, key_from
from jobs.conformance.work import FINAL, Job

WALK = ("leased", "staging", "submitted", "running", "collecting")
PIECE = 4 * 1024 * 1024


def plain(lab: Lab) -> None:
    desk = lab.desk
    desk.acknowledge_usage = False
    desk.acknowledge_removal = False
    job = lab.offer("wait")
    job.kept_open = True
    lab.start()
    lab.until(lambda: desk.calls("enrol"), "the agent enrols")
    _enrolment(lab)
    lab.until(lambda: desk.calls("session"), "the agent opens a session")
    _session(lab)
    # Long enough that every state has its turn in a message.
    lab.until(lambda: len(job.events) > 8, "the training's events arrive")
    lab.let_go()
    lab.until(lambda: job.final, "the job's end is reported")
    _run(lab, job)
    with lab.case("usage.resent"):
        lab.until(lambda: most_often(job.usage_said) > 1, "a usage row that is not acknowledged is said again")
    desk.acknowledge_usage = True
    with lab.case("closed.kept"):
        lab.stays(lambda: not lab.gone(job), "the data was removed before the portal had closed the attempt")
    _usage(lab, job)
    job.kept_open = False
    with lab.case("closed.removed"):
        lab.until(lambda: lab.gone(job), "the data of a closed attempt is removed")
    with lab.case("removal.reported"):
        lab.until(lambda: job.removed, "the removal is reported")
        lab.check("at" in job.removed[0] and moment(job.removed[0]["at"]), f"without a moment: {job.removed[0]}")
    with lab.case("removal.resent"):
        lab.until(lambda: len(job.removed) > 1, "a removal that is not acknowledged is said again")
        desk.acknowledge_removal = True
        count = len(job.removed)
        lab.stays(lambda: len(job.removed) <= count + 1, "the removal is said again after its acknowledgement")
    with lab.case("usage.quiet"):
        count = len(job.usage_said)
        lab.stays(lambda: len(job.usage_said) == count, "an acknowledged usage row is said again")
    _signatures(lab)
    _messages(lab, job)
    with lab.case("run.once"):
        lab.once(job)


def most_often(rows: list[dict[str, Any]]) -> int:
    return max(Counter(str(row.get("started_at")) for row in rows).values(), default=0)


def moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _enrolment(lab: Lab) -> None:
    first = lab.desk.calls("enrol")[0]
    with lab.case("enrol.shape"):
        about = first.json.get("agent")
        lab.check(first.json.get("code") == lab.desk.code, f"the code is {first.json.get('code')!r}")
        lab.check(isinstance(about, dict) and about.get("name") and about.get("version"), f"agent is {about!r}")
        try:
            raw = base64.b64decode(str(first.json.get("public_key")), validate=True)
        except ValueError:
            raw = b""
        lab.check(len(raw) == 32, "public_key is not base64 of 32 bytes")
    with lab.case("enrol.proof"):
        lab.check("wrong" not in first.signed.flaws and "unsigned" not in first.signed.flaws, str(first.signed.flaws))


def _session(lab: Lab) -> None:
    opened = lab.desk.calls("session")[0]
    first, about = opened.json, opened.part("describe")
    with lab.case("session.protocol"):
        lab.check("1" in (first.get("protocols") or []), f"protocols is {first.get('protocols')!r}")
        lab.check(isinstance(first.get("version"), str) and first["version"], f"version is {first.get('version')!r}")
    with lab.case("session.recipes"):
        lab.check(about.get("recipes") == [lab.words["recipes"]], f"recipes is {about.get('recipes')!r}")
    with lab.case("session.limits"):
        limits = about.get("limits") or {}
        lab.check(limits.get("gpus") == int(lab.words["max_gpus"]), f"limits.gpus is {limits.get('gpus')!r}")
        longest = 60 * int(lab.words["max_minutes"])
        lab.check(limits.get("max_seconds") == longest, f"limits.max_seconds is {limits.get('max_seconds')!r}")
    with lab.case("session.models"):
        named = [one.get("id") for one in about.get("models") or () if isinstance(one, dict)]
        lab.check(named == ["kit-encoder"], f"models is {about.get('models')!r}, the store holds kit-encoder")
    with lab.case("session.first"):
        early = [seen.call for seen in lab.desk.seen if seen.call not in ("enrol", "session")]
        calls = [seen.call for seen in lab.desk.seen]
        lab.check(not early or calls.index(early[0]) > calls.index("session"), f"{early} before the session")


def _run(lab: Lab, job: Job) -> None:
    (start, *_more) = lab.until(lambda: lab.starts(job), "the training is started")
    with lab.case("inputs.whole"):
        lab.check(sorted(set(job.fetched)) == sorted(job.inputs), f"fetched was {job.fetched}")
        lab.check(not start.wrong, f"the training found other data in {start.wrong}")
    with lab.case("state.done"):
        lab.check(job.state == "done", f"the end is {job.newest}")
    with lab.case("state.native_id"):
        lab.check(any(report.get("native_id") for report in job.reports), "no report names the job in the scheduler")
    with lab.case("events.whole"):
        wanted = [json.loads(line) for line in start.events]
        lab.until(lambda: len(job.events) >= len(wanted), f"all {len(wanted)} events arrive")
        got = [job.events[number] for number in sorted(job.events)]
        lab.check(got == wanted, f"not the lines of events.jsonl: {got} instead of {wanted}")
    with lab.case("log.whole"):
        lab.until(lambda: b"step 3\n" in job.whole_log(), "the whole log arrives")
    with lab.case("files.whole"):
        manifest = json.loads(bytes(job.files["manifest.json"].content)) if "manifest.json" in job.files else {}
        named = {one["path"]: one["sha256"] for one in manifest.get("files", [])}
        whole = {path: hashlib.sha256(file.content).hexdigest() for path, file in job.files.items() if file.complete}
        lab.check(
            named and {**named, "manifest.json": whole.get("manifest.json")} == whole, f"arrived: {sorted(whole)}"
        )
    with lab.case("files.manifest_last"):
        lab.check(job.completed[-1:] == ["manifest.json"], f"the order was {job.completed}")
    with lab.case("files.before_done"):
        ends = [seen.at for seen in lab.syncs() if reported(seen, job) in FINAL]
        pieces = [seen.at for seen in lab.desk.calls("artefact") if seen.key == job.key]
        lab.check(ends and pieces and max(pieces) < min(ends), "the end was reported before the files had arrived")
    with lab.case("manifest.signed"):
        _manifest(lab, job)


def _manifest(lab: Lab, job: Job) -> None:
    signature, name = job.newest.get("manifest_signature"), job.newest.get("manifest_key")
    (known,) = lab.desk.keys.values()
    lab.check(name in known, f"manifest_key is {name!r}, no key of this agent")
    content = bytes(job.files["manifest.json"].content)
    lab.check(holds(key_from(known[str(name)]), str(signature), content), "the signature is not over manifest.json")


def reported(seen: Seen, job: Job) -> str:
    for one in seen.json.get("attempts") or ():
        if isinstance(one, dict) and one.get("key") == job.key:
            return str(one.get("state"))
    return ""


def _usage(lab: Lab, job: Job) -> None:
    (start, *_more) = lab.starts(job)
    with lab.case("usage.row"):
        lab.check(len(job.usage) == 1, f"one start, and {len(job.usage)} usage rows")
        (row,) = job.usage.values()
        named = row.get("cluster") and row.get("native_id") and row.get("id")
        lab.check(named and row.get("method") in ("accounting", "receipt"), f"the row says {row}")
        lab.check(moment(row.get("started_at")) and moment(row.get("ended_at")), f"the moments are {row}")
    with lab.case("usage.immutable"):
        facts = {json.dumps(row, sort_keys=True) for row in job.usage_said}
        lab.check(len(facts) == len(job.usage), f"the same start was reported with different words: {facts}")
    rows = list(job.usage.values())
    with lab.case("usage.arithmetic"):
        for row in rows:
            began, over = moment(row.get("started_at")), moment(row.get("ended_at"))
            lab.check(began and over, "the moments cannot be read")
            wall = (over - began).total_seconds() if began and over else 0.0
            most, least = row["gpus"] * math.ceil(wall), row["gpus"] * (math.floor(wall) - 1)
            lab.check(least <= row["gpu_seconds"] <= most, f"{row['gpu_seconds']} GPU-s in {wall:.1f} s")
            lab.check(row["gpus"] == job.payload["gpus"], f"{row['gpus']} GPUs were said")
    with lab.case("usage.true"):
        lab.check(rows, "no usage")
        began, over = moment(rows[0].get("started_at")), moment(rows[0].get("ended_at"))
        lab.check(began and over, "the moments cannot be read")
        early = start.started - (began.timestamp() if began else 0)
        late = (over.timestamp() if over else 0) - (start.ended or start.started)
        lab.check(
            -1 <= early <= 30 and -1 <= late <= 30, f"starts {early:.1f} s before, ends {late:.1f} s after the run"
        )


def _signatures(lab: Lab) -> None:
    flaws = {
        "sign.holds": ("unsigned", "wrong"),
        "sign.covered": ("narrow",),
        "sign.life": ("life", "clock"),
        "sign.algorithm": ("alg",),
        "sign.digest": ("digest",),
        "sign.keyid": ("keyid",),
        "sign.token": ("token",),
    }
    for name, kinds in flaws.items():
        with lab.case(name):
            for seen in lab.desk.seen:
                found = [seen.signed.flaws[kind] for kind in kinds if kind in seen.signed.flaws]
                lab.check(not found, f"{seen.method} {seen.target}: {'; '.join(found)}")
    with lab.case("sign.nonce"):
        nonces = Counter(str(seen.signed.parameters.get("nonce", "")) for seen in lab.desk.seen)
        wrong = [seen.signed.flaws["nonce"] for seen in lab.desk.seen if "nonce" in seen.signed.flaws]
        lab.check(not wrong, f"{wrong}")
        lab.check(max(nonces.values()) == 1, f"{sum(1 for count in nonces.values() if count > 1)} nonces came twice")


def _messages(lab: Lab, job: Job) -> None:
    syncs = lab.syncs()
    with lab.case("sync.epoch"):
        lab.check(all(seen.json.get("epoch") == lab.desk.epoch for seen in syncs), "a sync without the session's epoch")
    with lab.case("sync.wait"):
        waits = [seen.json.get("wait", 0) for seen in syncs]
        lab.check(all(isinstance(wait, int) and 0 <= wait <= 25 for wait in waits), f"wait is {waits}")
        lab.check(not _waits_for_its_word(syncs, job), "it waits although the portal's word on a state is due")
    with lab.case("lease.heartbeat"):
        states = [reported(seen, job) for seen in syncs]
        first = next(index for index, state in enumerate(states) if state)
        last = next(index for index, state in enumerate(states) if state in FINAL)
        lab.check(all(states[first:last]), f"a message without the attempt in hand: {states}")
    said = [(one["seq"], one["state"]) for seen in syncs for one in _of(seen, job)]
    with lab.case("state.seq"):
        lab.check(len(dict(said)) == len(set(said)), f"one seq, two states: {sorted(set(said))}")
    with lab.case("state.forward"):
        walked = [state for _seq, state in sorted(dict(said).items()) if state in WALK]
        lab.check(walked == sorted(walked, key=WALK.index), f"walked {walked}")
        unknown = {state for _seq, state in said} - {*WALK, *FINAL}
        lab.check(not unknown, f"states nobody knows: {unknown}")
    with lab.case("files.pieces"):
        for seen in lab.desk.calls("artefact"):
            words = {name: seen.asked(name) for name in ("offset", "bytes", "sha256")}
            lab.check(all(words.values()) and len(seen.body) <= PIECE, f"{words} with {len(seen.body)} bytes")
    with lab.case("capacity.shape"):
        for seen in syncs:
            found = seen.json.get("capacity")
            free, total = (found.get("gpus_free"), found.get("gpus_total")) if isinstance(found, dict) else (None, None)
            good = isinstance(free, int) and isinstance(total, int) and 0 <= free <= total
            lab.check(good, f"capacity is {found!r}")
    with lab.case("capacity.partitions"):
        _partitions(lab, syncs)


def _waits_for_its_word(syncs: list[Seen], job: Job) -> bool:
    """Whether a message brought a state that had not been acknowledged before, and let the answer wait."""
    acked = 0
    for seen in syncs:
        if any(one["seq"] > acked for one in _of(seen, job)) and seen.json.get("wait"):
            return True
        acked = max(acked, int((seen.answer.get("acks") or {}).get("attempts", {}).get(job.key, 0)))
    return False


def _partitions(lab: Lab, syncs: list[Seen]) -> None:
    told = [seen.json["capacity"] for seen in syncs if (seen.json.get("capacity") or {}).get("partitions") is not None]
    lab.check(told, "no message names partitions")
    for capacity in told:
        lab.check(moment(capacity.get("measured_at")), f"measured_at is {capacity.get('measured_at')!r}")
        lab.check(isinstance(capacity.get("good_for_seconds"), int), "good_for_seconds is no whole number")
        for one in capacity["partitions"]:
            lab.check(one.get("name") and one.get("health") in ("ok", "degraded", "down"), f"partition {one}")
            lab.check(0 <= one.get("gpus_free", -1) <= one.get("gpus_total", -1), f"partition {one}")


def _of(seen: Seen, job: Job) -> list[dict[str, Any]]:
    return [one for one in seen.json.get("attempts") or () if isinstance(one, dict) and one.get("key") == job.key]


PLAIN = Scenario(
    "plain",
    plain,
    (
        *cases(
            "Enrolment",
            enrol__shape="Enrolment says the code, a raw Ed25519 key and who the agent is",
            enrol__proof="Enrolment is signed with the very key it presents",
        ),
        *cases(
            "Signatures",
            sign__holds="Every request carries a signature that holds",
            sign__covered="Method, authority, path, query and body digest are covered",
            sign__token="A Lease-Token that is sent is covered",  # noqa: S106
            sign__life="Signatures are fresh and live at most five minutes",
            sign__algorithm="The algorithm is named: ed25519",
            sign__digest="The Content-Digest is that of the body, also of an empty one",
            sign__keyid="The keyid is the id given at enrolment",
            sign__nonce="No nonce is used twice",
        ),
        *cases(
            "Session",
            session__protocol="The session names the protocols and the version spoken",
            session__recipes="The session names the recipes of the allow-list",
            session__limits="The session names the GPUs and seconds of the allow-list",
            session__models="The session names the sealed models of the store",
            session__first="Nothing is said before a session is open",
        ),
        *cases(
            "Sync",
            sync__epoch="Every sync carries the epoch of its session",
            sync__wait="A message that brings a new state does not wait",
            lease__heartbeat="Every message lists every attempt in hand",
            state__done="A job that succeeds is reported as done",
            state__seq="Each change of state has a seq of its own, and none has two meanings",
            state__forward="States are the protocol's and never walk back",
            state__native_id="The job's name in the scheduler is reported",
            events__whole="Events arrive as the runtime wrote them, all of them",
            log__whole="The log arrives whole",
            usage__row="One start is one usage row with all it needs",
            usage__resent="Usage is said again until it is acknowledged",
            usage__immutable="The same start is always reported with the same numbers",
            usage__quiet="Acknowledged usage is not said again",
            usage__arithmetic="GPU-seconds are GPUs times wall-clock time",
            usage__true="The wall-clock time is that of the run",
            closed__kept="Data stays until the portal has closed the attempt",
            closed__removed="Data of a closed attempt is removed",
            run__once="One job is one start",
            capacity__shape="Each message says how many GPUs there are and how many are free",
        ),
        *cases("Capacity", "partitions", capacity__partitions="Partitions come with health, age and promise"),
        *cases(
            "Closed",
            "removal",
            removal__reported="The removal of the data is reported",
            removal__resent="A removal is said until it is acknowledged, and not after",
        ),
        *cases(
            "Files",
            inputs__whole="All inputs are fetched and reach the training unchanged",
            files__whole="Every file of the manifest arrives with its digest",
            files__manifest_last="The manifest is the last file",
            files__pieces="Pieces of at most 4 MiB with offset, length and digest",
            files__before_done="The end is reported after the files have arrived",
        ),
        *cases("Files", "manifest_signature", manifest__signed="The manifest is signed with the agent's key"),
    ),
)
