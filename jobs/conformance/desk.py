"""The scripted portal: honest where its script says nothing, and it writes down all it sees.

It is patient on purpose. A flawed signature is noted and the request served all the same, so that one mistake of an
agent fails the case about that mistake and not every case after it.
"""

import secrets
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.conformance import files, reports
from jobs.conformance.seen import PREFIX, Answer, Away, Lost, Plain, Seen, problem
from jobs.conformance.wire import b64, fingerprint, holds, key_from, public_of
from jobs.conformance.work import LEASE_SECONDS, SITE, Job, signed

# What this kit can look at beyond the first version.
FEATURES = (
    "keys", "signed_inputs", "manifest_signature", "reconciliation", "removal", "partitions", "drain", "provisional",
)  # fmt: skip
Rule = Callable[[Seen], Answer | None]
Shape = Callable[[Seen, dict[str, Any]], None]


class Desk:
    """One portal for one agent. All fields may be read by a script while holding `news`, or when nothing moves."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        # What work is signed with: `key` is what agents pin when they enrol.
        self.signing = self.key
        self.code = "-".join(secrets.token_hex(3).upper() for _group in range(4))
        self.url = ""
        self.news = threading.Condition(threading.RLock())
        self.closed = False
        self.seen: list[Seen] = []
        self.rules: list[Rule] = []
        self.shapes: list[Shape] = []
        self.cuts: list[tuple[str, int]] = []
        # ---- what the portal knows ---------------------------------------------------------------------------------
        self.agents: dict[str, str] = {}  # id -> the key it enrolled with
        self.keys: dict[str, dict[str, str]] = {}  # id -> fingerprint -> public key
        self.epoch = 0
        self.described: dict[str, Any] = {}
        self.features: tuple[str, ...] = ()
        self.jobs: dict[str, Job] = {}
        self.tickets: dict[str, tuple[str, str, float]] = {}
        self.ticket_life = 900.0
        self.tokenizers_wanted: list[str] = []
        self.tokenizers: dict[str, dict[str, Any]] = {}
        self.drain: bool | None = None
        self.usage_wanted: list[str] = []
        self.digests: list[dict[str, Any]] = []
        self.portal_keys: list[dict[str, str]] = []
        self.extra_held: list[dict[str, str]] = []
        self.raw_work: list[dict[str, str]] = []
        self.acknowledge_usage = True
        self.acknowledge_removal = True
        self.events_asked: dict[str, int] = {}
        self.log_asked: dict[str, int] = {}
        self.longest_wait = 25.0

    # ---- the script's hand ---------------------------------------------------------------------------------------

    def offer(self, job: Job) -> Job:
        with self.news:
            self.jobs[job.key] = job
            self.news.notify_all()
        return job

    def rule(self, rule: Rule) -> None:
        with self.news:
            self.rules.append(rule)

    def once(self, call: str, answer: Answer, *, when: Callable[[Seen], bool] = lambda seen: True) -> None:
        """The next such request gets that answer."""

        def rule(seen: Seen) -> Answer | None:
            if seen.call == call and when(seen):
                self.rules.remove(rule)
                return answer
            return None

        self.rule(rule)

    def shape(self, shape: Shape) -> None:
        with self.news:
            self.shapes.append(shape)

    def calls(self, *names: str) -> list[Seen]:
        with self.news:
            return [seen for seen in self.seen if seen.call in names]

    def close(self) -> None:
        with self.news:
            self.closed = True
            self.news.notify_all()

    # ---- one request ---------------------------------------------------------------------------------------------

    def cut(self, call: str, where: dict[str, str], length: int) -> int | None:
        """How much of this body is read before the line goes dead; None for all of it."""
        with self.news:
            for index, (wanted, most) in enumerate(self.cuts):
                if wanted == call and length > most:
                    del self.cuts[index]
                    return most
        return None

    def take_cut(self, seen: Seen) -> None:
        """A piece whose rest never came: what came of it is kept, as the portal that reads as it receives does."""
        with self.news:
            self.seen.append(seen)
            if seen.call == "artefact" and seen.key in self.jobs:
                files.keep_piece(self.jobs[seen.key], seen)
            self.news.notify_all()

    def judge(self, seen: Seen, base: str, value: str) -> None:
        """Whether the signature is that of the agent it names."""
        with self.news:
            if seen.call == "enrol":
                public = str(seen.json.get("public_key", ""))
            else:
                if seen.signed.agent not in self.agents:
                    seen.signed.flaws["keyid"] = f"keyid is {seen.signed.parameters.get('keyid')!r}, no agent's id"
                agent = self.who(seen)
                if not agent:
                    return
                known, first = self.keys[agent], self.agents[agent]
                public = known.get(seen.signed.fingerprint, "") if seen.signed.fingerprint else first
            try:
                good = holds(key_from(public), value, base.encode())
            except ValueError:
                good = False
            if not good:
                seen.signed.flaws["wrong"] = "the signature does not fit the request"

    def who(self, seen: Seen) -> str:
        """The agent that speaks: the one it names, or the only one there is."""
        return seen.signed.agent if seen.signed.agent in self.agents else next(iter(self.agents), "")

    def answer(self, seen: Seen) -> Answer:
        with self.news:
            self.seen.append(seen)
            for rule in list(self.rules):
                said = rule(seen)
                if isinstance(said, Plain | Away):
                    return self._noted(seen, said)
                if isinstance(said, Lost):
                    self._noted(seen, self._honest(seen))
                    return said
            return self._noted(seen, self._honest(seen))

    def _noted(self, seen: Seen, answer: Plain | Away) -> Plain | Away:
        if isinstance(answer, Plain):
            seen.status = answer.status
            if isinstance(answer.body, dict):
                for shape in self.shapes:
                    shape(seen, answer.body)
                seen.answer = answer.body
        self.news.notify_all()
        return answer

    def _honest(self, seen: Seen) -> Plain:
        calls: dict[str, Callable[[Seen], Plain]] = {
            "enrol": self._enrol,
            "session": self._session,
            "sync": self._sync,
            "keys": self._new_key,
            "revoke": self._revoke,
            "input": lambda seen: files.give_input(self, seen),
            "artefacts": lambda seen: files.list_files(self, seen),
            "artefact": lambda seen: files.take_piece(self, seen),
            "tokenizer": self._tokenizer,
        }
        call = calls.get(seen.call)
        if call is None:
            return problem(404, "not_found")
        if seen.call != "enrol" and not self.who(seen):
            return problem(401, "signature_invalid", "The kit does not know that agent.")
        return call(seen)

    # ---- calls ---------------------------------------------------------------------------------------------------

    def _enrol(self, seen: Seen) -> Plain:
        if seen.json.get("code") != self.code:
            return problem(403, "code_refused")
        public = str(seen.json.get("public_key", ""))
        known = {key: agent for agent, key in self.agents.items()}
        if self.agents and public not in known:
            return problem(403, "code_refused", "The code was used by another key.")
        agent = known.get(public) or str(uuid.uuid4())
        self.agents[agent] = public
        self.keys[agent] = {fingerprint(public): public}
        about = {"agent_id": agent, "site": SITE, "portal_public_key": public_of(self.key), "protocol": "1"}
        return Plain(201, about)

    def _session(self, seen: Seen) -> Plain:
        self.epoch += 1
        self.described = seen.part("describe")
        offered = self.described.get("features")
        self.features = tuple(name for name in FEATURES if isinstance(offered, list) and name in offered)
        held = [
            {"key": job.key, "token": job.token, "state": job.state or "leased"}
            for job in self.jobs.values()
            if job.handed and not job.final
        ]
        answer = {
            "epoch": self.epoch, "site": SITE, "time": _now(), "lease_seconds": LEASE_SECONDS, "protocol": "1",
            "features": list(self.features), "attempts": [*held, *self.extra_held],
            "tokenizers_wanted": self.tokenizers_wanted,
        }  # fmt: skip
        if "keys" in self.features:
            answer["portal_keys"] = self.portal_keys
        return Plain(200, answer)

    def _sync(self, seen: Seen) -> Plain:
        message = seen.json
        if message.get("epoch") != self.epoch:
            return problem(409, "stale_epoch", "A newer session of this agent has begun.")
        answer = reports.take(self, message)
        began = time.monotonic()
        while not self.closed and message.get("epoch") == self.epoch:
            answer["work"], answer["cancel"] = self._work(message), reports.wishes(self, message)
            left = began + min(float(message.get("wait") or 0), self.longest_wait) - time.monotonic()
            if answer["work"] or answer["cancel"] or left <= 0 or self._wish_changed(message):
                break
            self.news.wait(min(left, 0.5))
        if message.get("epoch") != self.epoch:
            return problem(409, "stale_epoch", "A newer session of this agent has begun.")
        reports.wish(self, message, answer)
        return Plain(200, {**answer, "time": _now(), "poll_after": 0})

    def _wish_changed(self, message: dict[str, Any]) -> bool:
        said = (message.get("capacity") or {}).get("draining")
        if "reconciliation" in self.features and self.usage_wanted:
            return True
        return "drain" in self.features and self.drain is not None and said is not self.drain

    def _work(self, message: dict[str, Any]) -> list[dict[str, str]]:
        """Up to `wanted` jobs that were never handed out, or were and are not spoken of: that answer was lost."""
        spoken = {str(one.get("key")) for one in message.get("attempts") or () if isinstance(one, dict)}
        wanted = message.get("wanted") or 0
        due = [job for job in self.jobs.values() if not (job.reports or job.by_hand or job.key in spoken)][:wanted]
        for job in due:
            job.handed += 1
            job.payload["epoch"] = self.epoch
        by_hand = self.raw_work if wanted else []
        self.raw_work = [] if wanted else self.raw_work
        return [*by_hand, *(signed(self._with_tickets(job), self.signing) for job in due)]

    def _with_tickets(self, job: Job) -> dict[str, Any]:
        if "signed_inputs" not in self.features:
            return job.payload
        urls = {row["name"]: row for row in self.fresh_inputs(job)}
        return {**job.payload, "inputs": [{**one, **urls[one["name"]]} for one in job.payload["inputs"]]}

    def fresh_inputs(self, job: Job) -> list[dict[str, Any]]:
        rows = []
        for name in job.inputs:
            ticket = secrets.token_urlsafe(24)
            self.tickets[ticket] = (job.key, name, time.monotonic() + self.ticket_life)
            expires = datetime.now(UTC) + timedelta(seconds=self.ticket_life)
            rows.append({"name": name, "url": f"{PREFIX}/inputs/{ticket}", "expires_at": expires.isoformat()})
        return rows

    def _new_key(self, seen: Seen) -> Plain:
        agent, public = self.who(seen), str(seen.json.get("public_key", ""))
        words = f"open-paas-key/1\n{agent}\n{public}".encode()
        try:
            proven = holds(key_from(public), str(seen.json.get("proof", "")), words)
        except ValueError:
            proven = False
        if not proven:
            return problem(422, "key_unproven")
        self.keys[agent][fingerprint(public)] = public
        until = (datetime.now(UTC) + timedelta(hours=24)).isoformat()
        return Plain(201, {"fingerprint": fingerprint(public), "old_not_after": until})

    def _revoke(self, seen: Seen) -> Plain:
        gone = self.keys[self.who(seen)].pop(seen.name, None)
        return Plain(200, {"revoked": seen.name}) if gone else problem(404, "key_unknown")

    def _tokenizer(self, seen: Seen) -> Plain:
        self.tokenizers[seen.name] = seen.json
        return Plain(200, {"stored": True})

    def vouch_for(self, new: Ed25519PrivateKey, *, by: Ed25519PrivateKey | None = None) -> dict[str, str]:
        """A new key of the portal with the statement of the pinned one."""
        public = public_of(new)
        return {
            "public_key": public,
            "statement": b64((by or self.key).sign(f"open-paas-portal-key/1\n{public}".encode())),
        }


def _now() -> str:
    return datetime.now(UTC).isoformat()
