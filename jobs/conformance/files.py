"""The scripted portal's files: inputs out, result files in by pieces."""

import hashlib
import time
from typing import TYPE_CHECKING

from jobs.conformance.seen import Plain, Seen, problem
from jobs.conformance.wire import b64
from jobs.conformance.work import Job, ResultFile

if TYPE_CHECKING:
    from jobs.conformance.desk import Desk


def give_input(desk: "Desk", seen: Seen) -> Plain:
    key, name = seen.key, seen.name
    if "ticket" in seen.where:
        key, name, until = desk.tickets.get(seen.where["ticket"], ("", "", 0.0))
        if not key:
            return problem(404, "address_unknown")
        if time.monotonic() > until:
            return problem(410, "address_expired", "The address has expired; ask for a fresh one.")
    else:
        refusal = _refusal(desk, seen)
        if refusal:
            return refusal
    job = desk.jobs.get(key)
    if job is None or name not in job.inputs:
        return problem(404, "input_unknown")
    job.fetched.append(name)
    content = job.inputs[name]
    digest = b64(hashlib.sha256(content).digest())
    return Plain(200, content, {"Content-Type": "application/jsonl", "Repr-Digest": f"sha-256=:{digest}:"})


def list_files(desk: "Desk", seen: Seen) -> Plain:
    refusal = _refusal(desk, seen)
    if refusal:
        return refusal
    job = desk.jobs[seen.key]
    return Plain(200, {"artefacts": [file.listed(path) for path, file in sorted(job.files.items())]})


def take_piece(desk: "Desk", seen: Seen) -> Plain:
    refusal = _refusal(desk, seen)
    if refusal:
        return refusal
    job = desk.jobs[seen.key]
    file = keep_piece(job, seen)
    if isinstance(file, Plain):
        return file
    if len(file.content) == file.bytes and not file.complete:
        if hashlib.sha256(file.content).hexdigest() != file.sha256:
            file.content.clear()
            return problem(422, "artefact_digest", "The file arrived damaged. Send it again from its start.")
        file.complete = True
        job.completed.append(seen.name)
    said = file.listed(seen.name)
    return Plain(200, {name: said[name] for name in ("received", "bytes", "complete")})


def keep_piece(job: Job, seen: Seen) -> ResultFile | Plain:
    try:
        offset, total = int(seen.asked("offset") or 0), int(seen.asked("bytes"))
    except ValueError:
        return problem(400, "artefact_shape")
    sha256 = seen.asked("sha256")
    file = job.files.get(seen.name)
    if file is None or (file.bytes, file.sha256) != (total, sha256):
        file = job.files[seen.name] = ResultFile(bytes=total, sha256=sha256)
    if file.complete:
        return file
    if offset > len(file.content):
        return problem(
            409, "artefact_offset", f"The piece begins at {offset}, but the file is whole up to {len(file.content)}."
        )
    file.content += seen.body[len(file.content) - offset :]
    return file


def _refusal(desk: "Desk", seen: Seen) -> Plain | None:
    job = desk.jobs.get(seen.key)
    if job is None:
        return problem(404, "attempt_unknown")
    if seen.headers.get("lease-token") != job.token:
        return problem(409, "stale_lease")
    if job.final or job.closed_at_once:
        return problem(410, "attempt_closed")
    return None
