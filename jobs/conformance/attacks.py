"""Everything a rogue agent tries, and the refusal it must meet. Nothing at the portal may change by any of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.conformance.rogue import Heard, Rogue, Stage
from jobs.conformance.wire import b64, public_of

# Refused in one way or another: not by the protocol, but before it.
ANY = 0
# A lease that is not in force.
OLD = "old"
NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Attack:
    """`act` makes the request; it must be answered with one of `codes`, as a problem of `status`.

    A `status` of 200 means one refused report in an answer that takes in the rest. `recorded`: it smells of forgery, so
    that it must stand in the audit record. `prepare` is honest and may change things.
    """

    id: str
    title: str
    act: Callable[[Stage], Heard]
    status: int
    codes: tuple[str, ...]
    recorded: bool = True
    prepare: Callable[[Stage], Any] = lambda stage: None
    # For forged reports: the words alone, so that they can be hidden among honest ones.
    words: Callable[[Stage], dict[str, Any]] | None = None
    by_other: bool = False

    def met(self, heard: Heard) -> str:
        """What is wrong with the answer; empty when it is the right refusal."""
        if self.status == ANY:
            return "" if 400 <= heard.status < 500 else f"answered {heard.status}"
        if self.status != 200:
            good = heard.status == self.status and heard.code in self.codes
            if good and not {"type", "title", "status", "detail"} <= heard.body.keys():
                return "it is no problem document"
            return "" if good else f"answered {heard.status} {heard.code}, not {self.status} {' or '.join(self.codes)}"
        found = {row["code"] for row in heard.body.get("refused", [])}
        if heard.status != 200:
            return f"answered {heard.status} {heard.code}: one bad report must harm no other"
        return "" if found and found <= set(self.codes) else f"refused {sorted(found)}, not {' or '.join(self.codes)}"


def report(
    id: str,
    title: str,
    words: Callable[[Stage], dict[str, Any]],
    *codes: str,
    recorded: bool = True,
    by_other: bool = False,
) -> Attack:
    def act(stage: Stage) -> Heard:
        return (stage.other if by_other else stage.honest).sync(**words(stage))

    return Attack(id, title, act, 200, codes, recorded=recorded, words=words, by_other=by_other)


def usage(id: str, title: str, code: str, **changes: Any) -> Attack:
    """A forged usage row: `changes` may hold seconds from now in place of moments."""

    def words(stage: Stage) -> dict[str, Any]:
        fixed = {n: stage.moment(v) if n.endswith("_at") else v for n, v in changes.items()}
        return {"usage": [stage.usage(**{"native_id": "78", "id": "78", **fixed})]}

    return report(f"usage.{id}", title, words, code)


def _signed(stage: Stage, **words: Any) -> Heard:
    return stage.honest.call("POST", "/sync", {"epoch": stage.honest.epoch}, **words)


def _replayed(stage: Stage) -> Heard:
    nonce, created = "one-nonce-for-two", int(time.time())
    body = {"epoch": stage.honest.epoch}
    stage.honest.call("POST", "/sync", body, nonce=nonce, created=created)
    return stage.honest.call("POST", "/sync", body, nonce=nonce, created=created)


SIGNATURES = (
    Attack("sign.replay", "A request that was received before", _replayed, 401, ("replayed",)),
    Attack(
        "sign.old",
        "A signature of an hour ago",
        lambda s: _signed(s, created=int(time.time()) - 3600),
        401,
        ("signature_invalid",),
    ),
    Attack(
        "sign.future",
        "A signature of an hour from now",
        lambda s: _signed(s, created=int(time.time()) + 3600),
        401,
        ("signature_invalid",),
    ),
    Attack("sign.body", "Another body than was signed", lambda s: _signed(s, then=b"{}"), 401, ("digest_mismatch",)),
    Attack(
        "sign.path",
        "A signature for another address",
        lambda s: s.honest.call("POST", "/session", {"describe": {}}, to="/sync"),
        401,
        ("signature_invalid",),
    ),
    Attack(
        "sign.narrow",
        "A signature that leaves out the body",
        lambda s: _signed(s, leave_out=("content-digest",)),
        401,
        ("signature_too_narrow",),
    ),
    Attack(
        "sign.token",
        "A lease token the signature does not cover",
        lambda s: s.honest.call("GET", f"/attempts/{s.key}/artefacts", token=s.token, leave_out=("lease-token",)),
        401,
        ("signature_too_narrow",),
    ),
    Attack(
        "sign.other_token",
        "A lease token put in place of the signed one",
        lambda s: s.honest.call("GET", f"/attempts/{s.key}/artefacts", token=OLD, headers={"Lease-Token": s.token}),
        401,
        ("signature_invalid",),
    ),
    Attack(
        "sign.nonce", "A nonce longer than any", lambda s: _signed(s, nonce="n" * 200), 401, ("nonce_missing",), False
    ),
    Attack(
        "sign.another_key",
        "Somebody else's name under one's own key",
        lambda s: _signed(s, key=Ed25519PrivateKey.generate()),
        401,
        ("signature_invalid",),
    ),
    Attack(
        "sign.stranger",
        "The name of another site's agent under one's own key",
        lambda s: s.other.call("POST", "/sync", {"epoch": s.honest.epoch}, key_id=s.honest.id),
        401,
        ("signature_invalid",),
    ),
    Attack(
        "sign.nobody",
        "An agent that does not exist",
        lambda s: _signed(s, key_id=NOBODY),
        401,
        ("signature_invalid",),
        False,
    ),
    Attack(
        "sign.odd_name",
        "A name that is no name",
        lambda s: _signed(s, key_id="' OR 1=1 --"),
        401,
        ("signature_invalid",),
        False,
    ),
    Attack(
        "sign.none",
        "No signature at all",
        lambda s: s.honest.send("POST", f"{s.honest.url}/site/v1/sync", {"Content-Type": "application/json"}, b"{}"),
        401,
        ("signature_invalid",),
        False,
    ),
)

LIMITS = (
    Attack(
        "body.large",
        "A body of more than 4 MiB",
        lambda s: _signed(s, then=b" " * (4 * 1024 * 1024 + 1)),
        413,
        ("body_too_large",),
    ),
    Attack(
        "body.no_json",
        "A body that is no JSON",
        lambda s: s.honest.call("POST", "/sync", b"]["),
        400,
        ("not_json",),
        False,
    ),
    Attack(
        "body.deep",
        "A body nested a hundred thousand deep",
        lambda s: s.honest.call("POST", "/sync", b"[" * 100_000),
        400,
        ("not_json",),
        False,
    ),
    Attack(
        "body.many",
        "More reports than a message holds",
        lambda s: s.honest.sync(usage=[s.usage() for _number in range(501)]),
        400,
        ("malformed",),
        False,
    ),
    Attack("body.epoch", "An epoch that is no number", lambda s: s.honest.sync(epoch="1"), 400, ("malformed",), False),
    Attack(
        "epoch.stale",
        "The epoch of an older session",
        lambda s: s.honest.sync(epoch=s.honest.epoch - 1),
        409,
        ("stale_epoch",),
        prepare=lambda s: s.honest.session(),
    ),
    Attack("epoch.future", "An epoch nobody gave", lambda s: s.honest.sync(epoch=2**40), 409, ("stale_epoch",)),
    Attack(
        "method.wrong",
        "A method the address does not know",
        lambda s: s.honest.call("PUT", "/sync"),
        405,
        ("method_not_allowed",),
        False,
    ),
)


def _enrol_as(stage: Stage, code: str, **changes: Any) -> Heard:
    return Rogue(stage.honest.send, stage.honest.url).enrol(code, **changes)


ENROLMENT = (
    Attack("enrol.used", "A code that was used", lambda s: _enrol_as(s, s.code), 403, ("code_refused",), False),
    Attack(
        "enrol.guess",
        "A code that was guessed",
        lambda s: _enrol_as(s, "AAAAAA-AAAAAA-AAAAAA-AAAAAA"),
        403,
        ("code_refused",),
        False,
    ),
    Attack(
        "enrol.other_key",
        "The key of another agent, with a code",
        lambda s: _enrol_as(s, s.code, public_key=public_of(s.other.key)),
        401,
        ("signature_invalid",),
        False,
    ),
    Attack(
        "enrol.no_key",
        "A key that is none",
        lambda s: _enrol_as(s, s.code, public_key="AAAA"),
        400,
        ("malformed",),
        False,
    ),
)


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

PATHS = (
    "/etc/passwd",
    "a%5Cb",
    ".hidden",
    "a/.b",
    "x" * 400,
    "a%20b",
    "a/b/c/d/e/f/g/h/i",
)
# Characters that no address holds: the web server or the router may refuse them before the protocol is reached.
ODD_PATHS = ("../secret", "a/../../b", "..%2Fsecret", "%2e%2e%2fx", "a%00b")


def _path(number: int, path: str) -> Attack:
    return Attack(
        f"file.path_{number}",
        f"A result that would be called {path[:30]}",
        lambda s: s.artefact(path),
        422,
        ("artefact_path",),
    )


def _odd_path(number: int, path: str) -> Attack:
    title = f"A result that would be called {path}"
    return Attack(f"file.odd_path_{number}", title, lambda s: s.artefact(path), ANY, (), recorded=False)


FILES = (
    *(_path(number, path) for number, path in enumerate(PATHS, 1)),
    *(_odd_path(number, path) for number, path in enumerate(ODD_PATHS, 1)),
    Attack(
        "file.total", "A file of negative length", lambda s: s.artefact("w", total=-1), 422, ("artefact_shape",), False
    ),
    Attack(
        "file.offset", "A piece before its file", lambda s: s.artefact("w", offset=-1), 422, ("artefact_shape",), False
    ),
    Attack(
        "file.more",
        "More than was announced",
        lambda s: s.artefact("w", b"xxx", total=1),
        422,
        ("artefact_shape",),
        False,
    ),
    Attack(
        "file.digest",
        "A digest that is none",
        lambda s: s.artefact("w", sha256="short"),
        422,
        ("artefact_shape",),
        False,
    ),
    Attack(
        "file.huge",
        "A file larger than the job can have",
        lambda s: s.artefact("w", total=10**15, sha256="a" * 64),
        413,
        ("artefact_size",),
        False,
    ),
    Attack(
        "file.input",
        "Data the job does not have",
        lambda s: s.honest.call("GET", f"/attempts/{s.key}/inputs/secret.jsonl", token=s.token),
        404,
        ("input_unknown",),
    ),
)


def _stolen(stage: Stage) -> None:
    """The honest agent has a new key in use; the thief has the old one."""
    new = Ed25519PrivateKey.generate()
    stage.old = stage.honest.key
    stage.old_name = f"{stage.honest.id}:{stage.honest.fingerprint}"
    stage.honest.new_key(new)
    stage.honest.key = new
    stage.honest.sync()


def _with_old(stage: Stage) -> dict[str, Any]:
    return {"key": stage.old, "key_id": stage.old_name}


def _revoked(stage: Stage) -> None:
    """The honest agent has noticed the theft."""
    _stolen(stage)
    name = stage.old_name.partition(":")[2]
    stage.honest.call("DELETE", f"/keys/{name}")


KEYS = (
    Attack(
        "keys.no_proof",
        "A new key without its proof",
        lambda s: s.honest.new_key(Ed25519PrivateKey.generate(), proof=b64(b"x" * 64)),
        422,
        ("key_proof_invalid",),
    ),
    Attack(
        "keys.other_proof",
        "A proof made for another agent",
        lambda s: s.honest.new_key(Ed25519PrivateKey.generate(), agent=s.other.id),
        422,
        ("key_proof_invalid",),
    ),
    Attack(
        "keys.known",
        "The key of another agent as one's own",
        lambda s: s.honest.new_key(s.other.key),
        409,
        ("key_known",),
    ),
    Attack(
        "keys.old_introduces",
        "A replaced key that introduces another",
        lambda s: s.honest.new_key(Ed25519PrivateKey.generate(), **_with_old(s)),
        403,
        ("key_superseded",),
        prepare=_stolen,
    ),
    Attack(
        "keys.old_revokes",
        "A replaced key that revokes its successor",
        lambda s: s.honest.call("DELETE", f"/keys/{s.honest.fingerprint}", **_with_old(s)),
        403,
        ("key_superseded",),
        prepare=_stolen,
    ),
    Attack(
        "keys.revoked",
        "A key that was revoked",
        lambda s: _signed(s, **_with_old(s)),
        403,
        ("key_revoked",),
        prepare=_revoked,
    ),
    Attack(
        "keys.foreign_revoke",
        "The revocation of another agent's key",
        lambda s: s.honest.call("DELETE", f"/keys/{s.other.fingerprint}"),
        404,
        ("key_unknown",),
    ),
    Attack(
        "keys.itself",
        "A key that revokes itself",
        lambda s: s.honest.call("DELETE", f"/keys/{s.honest.fingerprint}"),
        409,
        ("key_in_use",),
        False,
    ),
)


def _address(stage: Stage) -> str:
    """A signed address of the honest agent's data, without the prefix of the protocol."""
    url = next(str(one["url"]) for one in stage.payload["inputs"] if "url" in one)
    return "/inputs/" + url.rpartition("/inputs/")[2]


def _altered(stage: Stage) -> str:
    address = _address(stage)
    middle = len(address) // 2
    return address[:middle] + ("A" if address[middle] != "A" else "B") + address[middle + 1 :]


ADDRESSES = (
    Attack(
        "address.foreign",
        "A signed address of another site",
        lambda s: s.other.call("GET", _address(s)),
        404,
        ("address_unknown",),
    ),
    Attack(
        "address.altered",
        "A signed address that was altered",
        lambda s: s.honest.call("GET", _altered(s)),
        404,
        ("address_unknown",),
    ),
    Attack(
        "address.guessed",
        "A signed address that was guessed",
        lambda s: s.honest.call("GET", "/inputs/abc.def"),
        404,
        ("address_unknown",),
    ),
)

ATTACKS: tuple[Attack, ...] = (
    *SIGNATURES,
    *LIMITS,
    *ENROLMENT,
    *FOREIGN,
    *USAGE,
    *REPORTS,
    *FILES,
    *KEYS,
    *ADDRESSES,
)
