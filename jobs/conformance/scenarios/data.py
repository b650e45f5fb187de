"""Streams and files: what is missing is sent again from the right place, and nothing twice for nothing."""

import json
from typing import Any

from jobs.conformance import stand_in
from jobs.conformance.case import Scenario, cases
from jobs.conformance.lab import Lab
from jobs.conformance.seen import Plain, Seen, problem
from jobs.conformance.work import Job

WEIGHTS = "model/weights.bin"


def streams(lab: Lab) -> None:
    lab.start()
    noisy = lab.offer("noisy")
    with lab.case("log.bytes"):
        lab.until(lambda: noisy.final and b"step 3\n" in noisy.whole_log(), "the whole log arrives")
        wanted = _as_text(stand_in.NOISE)
        lab.check(noisy.whole_log().startswith(wanted), f"{noisy.whole_log()[:40]!r} instead of {wanted!r}")
    job = lab.running()
    lab.until(lambda: len(job.events) > 6 and len(job.whole_log()) > 40, "its streams come")
    lab.desk.log_asked[job.key] = 7
    lab.desk.events_asked[job.key] = 3
    lab.until(
        lambda: job.key not in lab.desk.log_asked and job.key not in lab.desk.events_asked, "the portal goes back"
    )
    with lab.case("events.gap"):
        lab.until(lambda: job.whole_events() > 6, "missing events are sent again")
    with lab.case("log.offset"):
        lab.until(lambda: len(job.whole_log()) > 40, "the log goes on from where the portal stands")
        pieces = [piece for seen in lab.syncs() for piece in seen.json.get("logs") or () if piece["key"] == job.key]
        lab.check(any(piece["offset"] == 7 for piece in pieces), f"offsets were {[p['offset'] for p in pieces]}")
    lab.let_go()
    lab.done(job)
    with lab.case("events.numbers"):
        written = {event["seq"]: event for event in map(json.loads, lab.starts(job)[0].events)}
        lab.until(lambda: job.whole_events() == len(written), "all events arrive")
        lab.check(job.events == written, "an event came under another number than the runtime gave it")
    with lab.case("log.places"):
        text = "".join(f"step {number}\n" for number in range(1, len(written) - 1)).encode()
        lab.until(lambda: len(job.whole_log()) >= len(text), "the whole log arrives")
        lab.check(job.whole_log() == text, "the log is not what the training wrote, byte for byte")
    with lab.case("streams.quiet"):
        lab.check(_twice(lab, job) <= 5, f"{_twice(lab, job)} events were sent although acknowledged")


def _as_text(raw: bytes) -> bytes:
    """What is no UTF-8, and NUL, becomes a question mark, one for one."""
    return raw.replace(b"\xe9", b"?").replace(b"\0", b"?")


def _twice(lab: Lab, job: Job) -> int:
    """Events sent in a message that began after their acknowledgement had been given."""
    acked, count = 0, 0
    for seen in lab.syncs():
        for group in seen.json.get("events") or ():
            if group["key"] == job.key:
                count += sum(1 for event in group["events"] if event["seq"] <= acked)
        acked = int((seen.answer.get("acks") or {}).get("events", {}).get(job.key, acked))
    return count


def upload(lab: Lab) -> None:
    """The line is cut in the middle of a large file."""
    lab.desk.cuts.append(("artefact", 300_000))
    lab.start()
    job = lab.offer("big")
    lab.until(lambda: any(seen.name == WEIGHTS and not seen.status for seen in lab.desk.calls("artefact")), "the cut")
    cut = next(seen for seen in lab.desk.calls("artefact") if seen.name == WEIGHTS and not seen.status)
    with lab.case("upload.resumes"):
        after = lab.until(lambda: _pieces(lab, cut), "the upload goes on")[0]
        lab.check(
            0 < int(after.asked("offset")) <= 300_000, f"it went on from {after.asked('offset')}, not from 300000"
        )
    with lab.case("upload.whole"):
        lab.done(job)
        lab.check(job.files[WEIGHTS].complete, "the file did not arrive whole")
    with lab.case("upload.skips"):
        again = [seen for seen in lab.desk.calls("artefact") if seen.status == 200 and seen.answer.get("complete")]
        names = [seen.name for seen in again]
        lab.check(len(names) == len(set(names)), f"files that were there came again: {names}")


def _pieces(lab: Lab, after: Seen) -> list[Seen]:
    return [seen for seen in lab.desk.calls("artefact") if seen.name == WEIGHTS and seen.at > after.at]


def damage(lab: Lab) -> None:
    """The portal stands elsewhere than the agent thinks, and a file arrives damaged."""
    jobs: dict[str, Job] = {}

    def forgets(seen: Seen) -> Plain | None:
        """The second piece is refused: the portal has lost half of the first."""
        if seen.call == "artefact" and seen.name == WEIGHTS and int(seen.asked("offset")) > 0:
            lab.desk.rules.remove(forgets)
            content = jobs["big"].files[WEIGHTS].content
            del content[len(content) // 2 :]
            jobs["place"] = jobs["big"]
            return problem(409, "artefact_offset", f"The file is whole up to {len(content)}.")
        return None

    def spoils(seen: Seen) -> Plain | None:
        if seen.call == "artefact" and seen.name == "result.json":
            lab.desk.rules.remove(spoils)
            jobs["big"].files.pop("result.json", None)
            return problem(422, "artefact_digest", "The file arrived damaged. Send it again from its start.")
        return None

    lab.desk.rule(forgets)
    lab.desk.rule(spoils)
    jobs["big"] = lab.offer("big")
    lab.start()
    with lab.case("upload.offset"):
        lab.until(
            lambda: jobs["big"].files.get(WEIGHTS) and jobs["big"].files[WEIGHTS].complete, "it goes on from there"
        )
        lab.check("place" in jobs, "the file came in one piece, so that nothing could be lost between two")
    with lab.case("upload.digest"):
        lab.done(jobs["big"])
        lab.check("result.json" in jobs["big"].completed, "a damaged file was not sent again")


def expired(lab: Lab) -> None:
    """Addresses of inputs that have expired are asked for anew."""
    lab.desk.ticket_life = -1.0
    lab.start()
    job = lab.offer("ok")

    def asked() -> bool:
        return any(job.key in (seen.json.get("inputs_wanted") or ()) for seen in lab.syncs())

    with lab.case("signed.renewed"):
        lab.until(lambda: _by_ticket(lab, 410), "the expired address is tried")
        lab.until(asked, "fresh addresses are asked for")
    lab.desk.ticket_life = 900.0
    with lab.case("signed.used"):
        lab.done(job)
        lab.check(_by_ticket(lab, 200), "the signed addresses were not used")


def _by_ticket(lab: Lab, status: int) -> list[Any]:
    return [seen for seen in lab.desk.calls("input") if "ticket" in seen.where and seen.status == status]


STREAMS = Scenario(
    "streams",
    streams,
    cases(
        "Sync",
        log__bytes="Bytes that are no text become question marks, one for one",
        log__offset="The log goes on from the byte the portal acknowledges, also when it goes back",
        log__places="The log is placed by its bytes and arrives as it was written",
        events__gap="Events the portal misses are sent again",
        events__numbers="Events keep their numbers",
        streams__quiet="What is acknowledged is not sent again",
    ),
)
UPLOAD = Scenario(
    "upload",
    upload,
    cases(
        "Files",
        upload__resumes="After a cut the upload goes on where the portal stands",
        upload__whole="After a cut the file arrives whole",
        upload__skips="Files that have arrived are not sent again",
    ),
)
DAMAGE = Scenario(
    "damage",
    damage,
    cases(
        "Files",
        upload__offset="`artefact_offset`: the upload goes on from where the portal stands",
        upload__digest="`artefact_digest`: the file is sent again from its start",
    ),
)
EXPIRED = Scenario(
    "expired",
    expired,
    cases(
        "Files",
        "signed_inputs",
        signed__used="Inputs are fetched from their signed addresses",
        signed__renewed="Expired addresses are asked for anew",
    ),
)
