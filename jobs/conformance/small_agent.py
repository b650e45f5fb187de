"""A whole agent in one file: what a site may begin with that writes its own. Needs Python and `cryptography`, no more.

    open-paas-conformance agent --command 'python small_agent.py' --rotate 'python small_agent.py rotate'

It runs one job at a time on the machine it is on. It knows every feature of the protocol and keeps to all cases of the
kit; it lacks what a site wants beside that: a scheduler, limits of memory and time, several jobs, a log of its own.
Its words come from the environment: OPEN_PAAS_URL, _CODE, _WORK, _STORE, _TRAINING, _RECIPES, _MAX_GPUS, …
"""

import base64
import contextlib
import hashlib
import http.client
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FEATURES = [
    "keys", "signed_inputs", "manifest_signature", "reconciliation", "removal", "partitions", "drain", "provisional",
]  # fmt: skip
FINAL = ("done", "failed", "cancelled")
SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
GONE = ("stale_lease", "attempt_unknown", "attempt_closed")
PIECE = 1024 * 1024
# The claim is the folder `run`: of two starts of one job the second finds it and leaves.
WRAPPER = """cd "$1" && shift && mkdir run 2>/dev/null || exit 0
echo $$ > run/pid; date +%s.%N > run/began.new; mv run/began.new run/began
"$@" >> log 2>&1; code=$?
date +%s.%N > run/over; echo $code > run/exit.new; mv run/exit.new run/exit"""


class Away(Exception):
    """No answer, or "later": `seconds` says when."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__("The portal is away.")
        self.seconds = seconds


class Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Fenced(Exception):
    """A newer session of this agent has begun."""


class Ended(Exception):
    """SIGTERM: what runs is left running, the next start finds it."""


class Agent:
    pace, longest_wait, tick = 0.1, 25, 0.04

    def __init__(self, words: dict[str, str]) -> None:
        self.words = words
        self.work, self.store = Path(words["WORK"]), Path(words["STORE"])
        self.url = urlsplit(words["URL"])
        self.work.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.memory: dict[str, Any] = {"attempts": {}, "usage": {}, "draining": False, "trusted": []}
        with contextlib.suppress(FileNotFoundError):
            self.memory = json.loads((self.work / "memory.json").read_text())
        self.key = self.read_key()
        self.epoch, self.features = 0, list[str]()
        self.models = self.stored()
        self.failures, self.talk_at = 0, 0.0
        self.line: http.client.HTTPConnection | None = None
        self.digests_due: list[str] = []

    # ---- memory --------------------------------------------------------------------------------------------------

    @property
    def attempts(self) -> dict[str, dict[str, Any]]:
        return self.memory["attempts"]

    def keep(self) -> None:
        """All there is to remember, whole or not at all."""
        draft = self.work / "memory.new"
        with draft.open("w") as file:
            json.dump(self.memory, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.work / "memory.json")

    def read_key(self) -> Ed25519PrivateKey:
        path = self.work / "key.pem"
        if not path.exists():
            self.write_key(Ed25519PrivateKey.generate())
        key = form.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{path} does not hold an Ed25519 key.")
        return key

    def write_key(self, key: Ed25519PrivateKey) -> None:
        draft = self.work / "key.new"
        draft.touch(mode=0o600)
        draft.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()))
        draft.replace(self.work / "key.pem")

    def move(self, attempt: dict[str, Any], state: str, **facts: Any) -> None:
        attempt["state"], attempt["seq"] = state, attempt["seq"] + 1
        attempt["facts"] |= facts
        self.keep()

    # ---- the wire ------------------------------------------------------------------------------------------------

    def covered(self, method: str, path: str, query: str, body: bytes, token: str) -> dict[str, str]:
        return {
            "@method": method,
            "@authority": self.url.netloc.lower(),
            "@path": path,
            "@query": f"?{query}",
            "content-digest": self.digest(body),
            **({"lease-token": token} if token else {}),
        }

    def digest(self, body: bytes) -> str:
        return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"

    def parameters(self) -> str:
        now = int(time.time())
        return (
            f';created={now};expires={now + 300};nonce="{self.nonce()}";keyid="{self.key_id()}"'
            ';alg="ed25519";tag="open-paas-site/1"'
        )

    def nonce(self) -> str:
        return secrets.token_hex(16)

    def key_id(self) -> str:
        agent = self.memory.get("agent_id", "enrol")
        return f"{agent}:{fingerprint(public_of(self.key))}" if "keys" in self.features else agent

    def call(self, method: str, target: str, body: bytes = b"", token: str = "") -> tuple[int, dict[str, str], bytes]:
        path, _mark, query = target.partition("?")
        covered = self.covered(method, path, query, body, token)
        inner = f"({' '.join(json.dumps(name) for name in covered)}){self.parameters()}"
        base = "\n".join([*(f'"{name}": {value}' for name, value in covered.items()), f'"@signature-params": {inner}'])
        headers = {
            "Content-Type": "application/json",
            "Content-Digest": self.digest(body),
            "Signature-Input": f"a={inner}",
            "Signature": f"a=:{base64.b64encode(self.key.sign(base.encode())).decode()}:",
            **({"Lease-Token": token} if token else {}),
        }
        try:
            self.line = self.line or self.connect()
            self.line.request(method, target, body, headers)
            answer = self.line.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.hang_up()
            raise Away from error
        if answer.status >= 300:
            raise self.trouble(answer, content)
        return answer.status, dict(answer.getheaders()), content

    def connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        return kind(self.url.netloc, timeout=60)

    def hang_up(self) -> None:
        if self.line is not None:
            self.line.close()
        self.line = None

    def trouble(self, answer: http.client.HTTPResponse, content: bytes) -> Exception:
        try:
            code = json.loads(content)["title"]
        except (ValueError, KeyError, TypeError):
            code = ""
        if answer.status >= 500 or answer.status in (408, 425, 429) or not code:
            wait = answer.getheader("Retry-After") or ""
            return Away(float(wait) if wait.isdigit() else 0.0)
        return Fenced() if code == "stale_epoch" else Refused(answer.status, code)

    def say(self, method: str, path: str, message: dict[str, Any]) -> dict[str, Any]:
        return json.loads(self.call(method, f"/site/v1{path}", json.dumps(message).encode())[2])

    # ---- who we are ----------------------------------------------------------------------------------------------

    def enrol(self) -> None:
        public = public_of(self.key)
        about = {"name": self.words["NAME"], "version": "1"}
        answer = self.say("POST", "/enrol", {"code": self.words["CODE"], "public_key": public, "agent": about})
        self.memory |= {"agent_id": answer["agent_id"], "site": answer["site"]}
        self.memory["trusted"] = [answer["portal_public_key"]]
        self.keep()

    def open_session(self) -> None:
        self.models = self.stored()
        answer = self.say("POST", "/session", {"protocols": ["1"], "version": "1", "describe": self.describe()})
        self.epoch = answer["epoch"]
        self.features = [name for name in answer.get("features", []) if name in FEATURES]
        self.trust(answer.get("portal_keys", []))
        for held in answer["attempts"]:
            if held["state"] in ("submitted", "running", "collecting") and held["key"] not in self.attempts:
                lost = self.remember(held["key"], held["token"], {})
                self.move(lost, "failed", hint_code="site_lost", sentence="The site lost its record of this run.")
        for slug in answer.get("tokenizers_wanted", []):
            file = self.store / slug / "tokenizer.json"
            if SAFE.fullmatch(slug) and file.is_file():
                config = json.loads((self.store / slug / "tokenizer_config.json").read_text())
                self.say("PUT", f"/models/{slug}/tokenizer", {"tokenizer": file.read_text(), "config": config})
        self.digests_due = [now()[:10]] if "reconciliation" in self.features else []

    def describe(self) -> dict[str, Any]:
        return {
            "backend": "small",
            "recipes": self.words["RECIPES"].split(","),
            "limits": {"gpus": int(self.words["MAX_GPUS"]), "max_seconds": 60 * int(self.words["MAX_MINUTES"])},
            "models": self.models,
            "features": FEATURES,
        }

    def trust(self, announced: list[dict[str, str]]) -> None:
        """A new key of the portal counts when one that counts has signed for it."""
        for one in announced:
            words = f"open-paas-portal-key/1\n{one['public_key']}".encode()
            if any(holds(key, one["statement"], words) for key in self.memory["trusted"]):
                self.memory["trusted"] = [*{*self.memory["trusted"], one["public_key"]}]
        self.keep()

    def rotate(self) -> None:
        new = Ed25519PrivateKey.generate()
        public = public_of(new)
        proof = base64.b64encode(new.sign(f"open-paas-key/1\n{self.memory['agent_id']}\n{public}".encode())).decode()
        (self.work / "rotate").unlink()
        with contextlib.suppress(Refused):
            self.say("POST", "/keys", {"public_key": public, "proof": proof})
            self.write_key(new)
            self.key = new

    def stored(self) -> list[dict[str, str]]:
        seals = sorted(self.store.glob("*/store.json"))
        return [{name: json.loads(seal.read_text())[name] for name in ("id", "revision")} for seal in seals]

    # ---- the conversation ----------------------------------------------------------------------------------------

    def run(self) -> int:
        signal.signal(signal.SIGTERM, self.on_term)
        try:
            while True:
                if time.monotonic() >= self.talk_at:
                    self.talk()
                for attempt in list(self.attempts.values()):
                    self.guarded(attempt)
                time.sleep(self.tick)
        except Fenced:
            return 3
        except Ended:
            return 0

    def on_term(self, number: int, frame: Any) -> None:
        raise Ended

    def talk(self) -> None:
        try:
            if "agent_id" not in self.memory:
                self.enrol()
            if not self.epoch:
                self.open_session()
            if "keys" in self.features and (self.work / "rotate").exists():
                self.rotate()
            pause = self.exchange()
            self.failures = 0
            self.talk_at = time.monotonic() + pause
        except (Away, Refused) as trouble:
            self.failures += 1
            if isinstance(trouble, Refused):
                self.epoch = 0
            self.talk_at = time.monotonic() + self.pause_after(trouble)

    def pause_after(self, trouble: Exception) -> float:
        asked = trouble.seconds if isinstance(trouble, Away) else 0.0
        return max(asked, min(30.0, 0.25 * 2**self.failures))

    def exchange(self) -> float:
        message = self.message()
        answer = self.say("POST", "/sync", message)
        self.hear(answer)
        if message.get("models") is not None:
            self.open_session()
        return max(float(answer.get("poll_after") or 0), 0.0 if message["wait"] else self.pace)

    def message(self) -> dict[str, Any]:
        open_ones = [one for one in self.attempts.values() if not (one["wiped"] or one["closed"] or one["dropped"])]
        message: dict[str, Any] = {
            "epoch": self.epoch,
            "wait": self.wait(),
            "wanted": self.wanted(),
            "capacity": self.capacity(),
            "stopping": [one["key"] for one in open_ones if one["cancel"]],
            "attempts": [self.report(one) for one in open_ones],
            "events": [], "logs": [], "usage": self.usage_to_say(),
        }  # fmt: skip
        for one in open_ones:
            self.add_streams(message, one)
        if "removal" in self.features:
            message["removed"] = self.removals()
        if "signed_inputs" in self.features:
            message["inputs_wanted"] = [one["key"] for one in open_ones if one.get("inputs_wanted")]
        if self.digests_due and not message["usage"]:
            message["digests"] = [self.book_of(day) for day in self.digests_due]
            self.digests_due = []
        if self.stored() != self.models:
            message["models"] = self.stored()
        return message

    def removals(self) -> list[dict[str, str]]:
        owed = [one for one in self.attempts.values() if one.get("removed_at") and not one.get("removal_heard")]
        return [{"key": one["key"], "token": one["token"], "at": one["removed_at"]} for one in owed]

    def wait(self) -> int:
        owed = self.usage_to_say() or self.digests_due or self.removals()
        return 0 if owed or any(not one["wiped"] for one in self.attempts.values()) else self.longest_wait

    def wanted(self) -> int:
        return 0 if self.busy() or self.memory["draining"] else 1

    def busy(self) -> bool:
        return any(one["state"] not in FINAL for one in self.attempts.values())

    def capacity(self) -> dict[str, Any]:
        free = 0 if self.busy() else 1
        found: dict[str, Any] = {
            "gpus_total": 1, "gpus_free": free, "queue": 0, "draining": self.memory["draining"],
        }  # fmt: skip
        if "partitions" in self.features:
            one = {"name": "small", "gpus_total": 1, "gpus_free": free, "queued": 0, "health": "ok"}
            found |= {"measured_at": now(), "good_for_seconds": 60, "partitions": [one]}
        return found

    def report(self, attempt: dict[str, Any]) -> dict[str, Any]:
        said = {name: attempt[name] for name in ("key", "token", "seq", "state")}
        facts = {name: value for name, value in attempt["facts"].items() if value is not None}
        if attempt["state"] not in FINAL:
            facts = {name: facts[name] for name in ("native_id", "started_at") if name in facts}
        if "provisional" in self.features:
            facts["held_gpu_seconds"] = self.held(attempt)
        return {**said, **facts}

    def held(self, attempt: dict[str, Any]) -> int:
        began, over = self.began(attempt), self.over(attempt)
        return int((over or time.time()) - began) * attempt["payload"]["gpus"] if began else 0

    def usage_to_say(self) -> list[dict[str, Any]]:
        return [
            {"id": name, "token": self.attempts[row["key"]]["token"], **row}
            for name, row in self.memory["usage"].items()
            if name not in self.memory.get("usage_heard", [])
        ]

    def add_streams(self, message: dict[str, Any], attempt: dict[str, Any]) -> None:
        folder = self.folder(attempt)
        with contextlib.suppress(FileNotFoundError):
            whole = (folder / "out/events.jsonl").read_text().rpartition("\n")[0]
            lines = [json.loads(line) for line in whole.splitlines()]
            events = [event for event in lines if event["seq"] > attempt["events"]][:200]
            if events:
                message["events"].append({"key": attempt["key"], "token": attempt["token"], "events": events})
        with contextlib.suppress(FileNotFoundError):
            raw = (folder / "log").read_bytes()[attempt["log"] :][:100_000]
            text = self.as_text(raw, whole=attempt["state"] in ("collecting", *FINAL))
            if text:
                piece = {"key": attempt["key"], "token": attempt["token"], "offset": attempt["log"], "text": text}
                message["logs"].append(piece)

    def as_text(self, raw: bytes, *, whole: bool) -> str:
        """As long in UTF-8 as its bytes: what is no text becomes "?", a character cut at the end waits for its rest."""
        text = ""
        while raw:
            try:
                return (text + raw.decode()).replace("\0", "?")
            except UnicodeDecodeError as error:
                text += raw[: error.start].decode()
                if error.end == len(raw) and error.reason == "unexpected end of data" and not whole:
                    break
                text += "?" * (error.end - error.start)
                raw = raw[error.end :]
        return text.replace("\0", "?")

    def hear(self, answer: dict[str, Any]) -> None:
        acks = answer["acks"]
        for name in ("events", "logs"):
            for key, number in acks[name].items():
                if key in self.attempts:
                    self.attempts[key][{"events": "events", "logs": "log"}[name]] = number
        self.memory["usage_heard"] = sorted({*self.memory.get("usage_heard", []), *acks["usage"]})
        # What must stop is written down before what may go on.
        for row in answer["refused"]:
            self.refused(row)
        for key in answer["closed"]:
            if key in self.attempts and self.all_said(self.attempts[key]):
                self.attempts[key]["closed"] = True
        for key, seq in acks["attempts"].items():
            if key in self.attempts:
                self.attempts[key]["acked"] = max(seq, self.attempts[key]["acked"])
        for key in answer["cancel"]:
            if key in self.attempts:
                self.attempts[key]["cancel"] = True
        for key in acks.get("removed", []):
            self.attempts[key]["removal_heard"] = True
        self.hear_wishes(answer)
        for work in answer["work"]:
            self.take(work)
        self.keep()

    def hear_wishes(self, answer: dict[str, Any]) -> None:
        if answer.get("drain") is not None:
            self.memory["draining"] = answer["drain"]
        for day in answer.get("usage_wanted", []):
            of_day = {name for name, row in self.memory["usage"].items() if row["ended_at"][:10] == day}
            self.memory["usage_heard"] = [one for one in self.memory["usage_heard"] if one not in of_day]
            self.digests_due.append(day)
        for key, rows in answer.get("inputs", {}).items():
            attempt = self.attempts[key]
            attempt["urls"] = {row["name"]: row["url"] for row in rows}
            attempt["inputs_wanted"] = False

    def refused(self, row: dict[str, Any]) -> None:
        if row["kind"] == "usage" and row["code"] != "internal":
            self.memory["usage_heard"] = [*self.memory["usage_heard"], row["id"]]
        if row["code"] in GONE and row["key"] in self.attempts:
            self.attempts[row["key"]]["dropped"] = True

    def all_said(self, attempt: dict[str, Any]) -> bool:
        if attempt["state"] not in FINAL:
            return True
        message: dict[str, Any] = {"events": [], "logs": []}
        self.add_streams(message, attempt)
        return not (message["events"] or message["logs"])

    def book_of(self, day: str) -> dict[str, Any]:
        rows = [row for row in self.memory["usage"].values() if row["ended_at"][:10] == day]
        lines = sorted(
            "|".join(str(row[name]) for name in ("key", "cluster", "native_id"))
            + f"|{utc(row['started_at'])}|{utc(row['ended_at'])}|{row['method']}|{row['gpus']}|{row['gpu_seconds']}\n"
            for row in rows
        )
        digest = hashlib.sha256("".join(lines).encode()).hexdigest()
        return {"day": day, "rows": len(rows), "gpu_seconds": sum(row["gpu_seconds"] for row in rows), "digest": digest}

    # ---- work ----------------------------------------------------------------------------------------------------

    def take(self, work: dict[str, str]) -> None:
        raw = base64.b64decode(work["payload"])
        if not self.signed_by_portal(work["signature"], raw):
            return
        payload = json.loads(raw)
        if not self.for_us(payload) or not self.safe(payload["key"]) or payload["key"] in self.attempts:
            return
        attempt = self.remember(payload["key"], payload["token"], payload)
        objection = self.objection(payload)
        if objection:
            attempt["payload"] = {}
            self.move(attempt, "failed", hint_code="refused_by_site", sentence=objection)

    def for_us(self, payload: dict[str, Any]) -> bool:
        return payload.get("schema") == "open-paas/work/1" and payload.get("site") == self.memory["site"]

    def remember(self, key: str, token: str, payload: dict[str, Any]) -> dict[str, Any]:
        urls = {one["name"]: one["url"] for one in payload.get("inputs", []) if "url" in one}
        self.attempts[key] = {
            "key": key, "token": token, "payload": payload, "state": "leased", "seq": 1, "acked": 0, "cancel": False,
            "closed": False, "dropped": False, "wiped": False, "events": 0, "log": 0, "facts": {}, "urls": urls,
            "wrong": 0, "not_before": 0.0,
        }  # fmt: skip
        self.keep()
        return self.attempts[key]

    def signed_by_portal(self, signature: str, raw: bytes) -> bool:
        return any(holds(key, signature, raw) for key in self.memory["trusted"])

    def objection(self, payload: dict[str, Any]) -> str:
        """Why this site does not run it; empty when it does."""
        spec = payload["spec"]
        canonical = json.dumps(spec, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        if hashlib.sha256(canonical).hexdigest() != payload["spec_hash"]:
            return "The spec is not the one that was hashed."
        if not self.understood(spec):
            return "The spec cannot be understood."
        if spec["recipe"] not in self.words["RECIPES"].split(","):
            return "This site does not run that recipe."
        if payload["gpus"] > int(self.words["MAX_GPUS"]):
            return "This site gives fewer GPUs."
        if payload["max_seconds"] > 60 * int(self.words["MAX_MINUTES"]):
            return "This site gives less time."
        return "" if payload["tenant"] == self.words["TENANT"] else "This site does not work for that organisation."

    def understood(self, spec: dict[str, Any]) -> bool:
        """A real agent checks every field; this one checks what it uses itself."""
        names = [spec["data"][split]["name"] for split in ("train", "validation", "test")]
        return "epochs" in spec["train"] and all(self.safe(name) for name in names)

    def safe(self, name: str) -> bool:
        return bool(SAFE.fullmatch(name))

    # ---- steps ---------------------------------------------------------------------------------------------------

    def guarded(self, attempt: dict[str, Any]) -> None:
        if time.monotonic() < attempt["not_before"] < time.monotonic() + 60:
            return
        try:
            self.step(attempt)
        except Away:
            attempt["not_before"] = time.monotonic() + 0.5
        except Refused as refusal:
            attempt["not_before"] = time.monotonic() + 0.5
            if refusal.code in GONE:
                attempt["dropped"] = True
                self.keep()

    def step(self, attempt: dict[str, Any]) -> None:
        if attempt["wiped"]:
            return
        self.meter(attempt)
        state = attempt["state"]
        if attempt["dropped"] or (attempt["closed"] and state not in FINAL):
            self.drop(attempt)
        elif state in FINAL:
            if attempt["closed"] and not self.owes(attempt):
                self.wipe(attempt)
        elif attempt["cancel"] and state in ("leased", "staging", "submitted") and not self.claimed(attempt):
            self.move(attempt, "cancelled", ended_at=now())
        else:
            {
                "leased": self.stage, "staging": self.stage, "submitted": self.submit, "running": self.watch,
                "collecting": self.collect,
            }[state](attempt)  # fmt: skip

    def folder(self, attempt: dict[str, Any]) -> Path:
        return self.work / "jobs" / attempt["key"]

    def stage(self, attempt: dict[str, Any]) -> None:
        if attempt["state"] == "leased":
            self.move(attempt, "staging")
        data = self.folder(attempt) / "data"
        data.mkdir(parents=True, exist_ok=True)
        for one in (attempt["payload"]["spec"]["data"][split] for split in ("train", "validation", "test")):
            if (data / one["name"]).exists():
                continue
            content = self.fetch(attempt, one["name"])
            if content is None:
                return
            if not self.right(content, one):
                attempt["wrong"] += 1
                if attempt["wrong"] >= 3:
                    self.move(attempt, "failed", hint_code="data_mismatch", sentence="The data is not what was named.")
                return
            (data / "part").write_bytes(content)
            (data / "part").replace(data / one["name"])
        self.move(attempt, "submitted")

    def right(self, content: bytes, named: dict[str, Any]) -> bool:
        return hashlib.sha256(content).hexdigest() == named["sha256"]

    def fetch(self, attempt: dict[str, Any], name: str) -> bytes | None:
        url = attempt["urls"].get(name, "")
        target = urlsplit(url).path or f"/site/v1/attempts/{quote(attempt['key'])}/inputs/{quote(name)}"
        try:
            return self.call("GET", target, token=attempt["token"])[2]
        except Refused as refusal:
            if url and refusal.code == "address_expired":
                attempt["inputs_wanted"], attempt["not_before"] = True, time.monotonic() + 0.1
                return None
            raise

    def claimed(self, attempt: dict[str, Any]) -> bool:
        return (self.folder(attempt) / "run").is_dir()

    def submit(self, attempt: dict[str, Any]) -> None:
        """Only after the portal has said that it gives the work to nobody else."""
        if self.claimed(attempt):
            began = self.began(attempt)
            if began:
                self.move(attempt, "running", native_id=attempt["key"], started_at=iso(began))
        elif self.committed(attempt):
            if self.late(attempt):
                self.move(attempt, "failed", hint_code="not_started_in_time", sentence="It came too late.")
            else:
                self.launch(attempt)

    def committed(self, attempt: dict[str, Any]) -> bool:
        return attempt["acked"] >= attempt["seq"]

    def late(self, attempt: dict[str, Any]) -> bool:
        return datetime.now(UTC) > datetime.fromisoformat(attempt["payload"]["not_after"])

    def launch(self, attempt: dict[str, Any]) -> None:
        folder = self.folder(attempt)
        (folder / "spec.json").write_text(json.dumps(attempt["payload"]["spec"]))
        words = {"spec": folder / "spec.json", "data": folder / "data", "store": self.store, "out": folder / "out"}
        options = [str(word) for name, value in words.items() for word in (f"--{name}", value)]
        command = [*shlex.split(self.words["TRAINING"]), "run", *options]
        (folder / "out").mkdir(exist_ok=True)
        subprocess.Popen(["sh", "-c", WRAPPER, "sh", str(folder), *command], start_new_session=True)
        give_up = time.monotonic() + 5
        while not self.claimed(attempt) and time.monotonic() < give_up:
            time.sleep(0.005)

    def watch(self, attempt: dict[str, Any]) -> None:
        if attempt["cancel"]:
            (self.folder(attempt) / "out" / "STOP").touch()
        if self.over(attempt):
            self.move(attempt, "collecting")

    def began(self, attempt: dict[str, Any]) -> float | None:
        return number_in(self.folder(attempt) / "run" / "began")

    def over(self, attempt: dict[str, Any]) -> float | None:
        """When the run ended; for one whose wrapper is gone without a word, the moment this was seen."""
        run = self.folder(attempt) / "run"
        if (run / "exit").exists():
            return number_in(run / "over")
        pid = number_in(run / "pid")
        if pid and not alive(int(pid)) and not (run / "exit").exists():
            (run / "over").write_text(str(time.time()))
            (run / "exit").write_text("137")
            return number_in(run / "over")
        return None

    def meter(self, attempt: dict[str, Any]) -> None:
        began, over = self.began(attempt), self.over(attempt)
        if began and over and attempt["key"] not in self.memory["usage"]:
            gpus = attempt["payload"]["gpus"]
            self.memory["usage"][attempt["key"]] = {
                "key": attempt["key"], "cluster": "small", "native_id": attempt["key"], "started_at": iso(began),
                "ended_at": iso(over), "gpus": gpus, "gpu_seconds": gpus * int(over - began), "cpu_seconds": 0,
                "energy_joules": None, "method": "receipt",
            }  # fmt: skip
            self.keep()

    def owes(self, attempt: dict[str, Any]) -> bool:
        key = attempt["key"]
        return key in self.memory["usage"] and key not in self.memory["usage_heard"]

    def collect(self, attempt: dict[str, Any]) -> None:
        folder = self.folder(attempt)
        code = int(number_in(folder / "run" / "exit") or 0)
        result = json.loads((folder / "out/result.json").read_text()) if (folder / "out/result.json").exists() else {}
        ends = {"succeeded": "done", "stopped": "cancelled" if attempt["cancel"] else "failed"}
        state = ends.get(result.get("state", ""), "failed")
        facts: dict[str, Any] = {
            "exit_code": code,
            "ended_at": iso(self.over(attempt) or time.time()),
            "result": result,
        }
        if state == "failed":
            hint = result.get("hint_code") or ("interrupted" if result else "internal")
            facts |= {"hint_code": hint, "sentence": result.get("sentence") or "The run broke down."}
        else:
            self.upload(attempt, folder / "out" / "artefacts")
            facts |= self.seal(folder / "out/artefacts/manifest.json")
        self.move(attempt, state, **facts)

    def seal(self, manifest: Path) -> dict[str, str]:
        if "manifest_signature" not in self.features:
            return {}
        signature = base64.b64encode(self.key.sign(manifest.read_bytes())).decode()
        return {"manifest_signature": signature, "manifest_key": fingerprint(public_of(self.key))}

    def upload(self, attempt: dict[str, Any], folder: Path) -> None:
        """Whole files from where the portal stands, the manifest last."""
        base = f"/site/v1/attempts/{attempt['key']}/artefacts"
        known = json.loads(self.call("GET", base, token=attempt["token"])[2])["artefacts"]
        arrived = {one["path"]: one for one in known}
        for path in self.order(json.loads((folder / "manifest.json").read_text())):
            content = (folder / path).read_bytes()
            about = f"bytes={len(content)}&sha256={hashlib.sha256(content).hexdigest()}"
            one = arrived.get(path, {"received": 0, "complete": False})
            offset, complete = one["received"], one["complete"]
            while not complete:
                piece = content[offset : offset + PIECE]
                target = f"{base}/{quote(path)}?offset={offset}&{about}"
                answer = json.loads(self.call("PUT", target, piece, attempt["token"])[2])
                offset, complete = answer["received"], answer["complete"]

    def order(self, manifest: dict[str, Any]) -> list[str]:
        return [*(one["path"] for one in manifest["files"]), "manifest.json"]

    def drop(self, attempt: dict[str, Any]) -> None:
        """The portal has given up on it, or given it to somebody else."""
        if self.claimed(attempt) and not self.over(attempt):
            self.end_run(attempt)
        elif attempt["dropped"] or not self.owes(attempt):
            attempt["state"] = attempt["state"] if attempt["state"] in FINAL else "cancelled"
            self.wipe(attempt)

    def end_run(self, attempt: dict[str, Any]) -> None:
        pid = number_in(self.folder(attempt) / "run" / "pid")
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(pid), signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(int(pid), 0)

    def wipe(self, attempt: dict[str, Any]) -> None:
        shutil.rmtree(self.folder(attempt), ignore_errors=True)
        attempt["wiped"], attempt["removed_at"] = True, now()
        self.keep()


def public_of(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)).decode()


def fingerprint(public_key: str) -> str:
    return hashlib.sha256(public_key.encode()).hexdigest()[:16]


def holds(public_key: str, signature: str, content: bytes) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        key.verify(base64.b64decode(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def number_in(path: Path) -> float | None:
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return None


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now() -> str:
    return datetime.now(UTC).isoformat()


def main(kind: type[Agent] = Agent) -> int:
    words = {name.removeprefix("OPEN_PAAS_"): v for name, v in os.environ.items() if name.startswith("OPEN_PAAS_")}
    if sys.argv[1:] == ["rotate"]:
        (Path(words["WORK"]) / "rotate").touch()
        return 0
    return kind(words).run()


if __name__ == "__main__":
    sys.exit(main())
