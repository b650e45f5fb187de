"""Agents with one fault each, and the cases that must find it: `python -m tests.jobs.conformance.broken NAME`.

Each is the kit's small agent with one method changed. `breaks` are the cases that fail; `cuts_off` those that cannot be
reached any more, where the fault ends the agent or blocks its one slot.
"""

import base64
import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.conformance import small_agent
from jobs.conformance.small_agent import FINAL, Agent, Away, Fenced, Refused


@dataclass(frozen=True)
class Broken:
    scenario: str
    kind: type[Agent]
    breaks: frozenset[str]
    cuts_off: frozenset[str]


BROKEN: dict[str, Broken] = {}


def broken(scenario: str, *breaks: str, cuts_off: tuple[str, ...] = ()) -> Callable[[type[Agent]], type[Agent]]:
    def note(kind: type[Agent]) -> type[Agent]:
        BROKEN[kind.__name__] = Broken(scenario, kind, frozenset(breaks), frozenset(cuts_off))
        return kind

    return note


# ---- one plain job -----------------------------------------------------------------------------------------------


@broken("plain", "enrol.shape")
class Nameless(Agent):
    def __init__(self, words):
        super().__init__({**words, "NAME": ""})


class OtherKey(Agent):
    """Signs some requests with a key nobody knows."""

    where = ""

    def call(self, method, target, body=b"", token=""):
        kept = self.key
        if self.where in target:
            self.key = Ed25519PrivateKey.generate()
        try:
            return super().call(method, target, body, token)
        finally:
            self.key = kept


@broken("plain", "enrol.proof", "sign.holds")
class EnrolsWithAnotherKey(OtherKey):
    where = "/enrol"


@broken("plain", "sign.holds")
class SignsUploadsWrong(OtherKey):
    where = "/artefacts/result.json"


class Covers(Agent):
    without = ""

    def covered(self, *words):
        return {name: value for name, value in super().covered(*words).items() if name != self.without}


@broken("plain", "sign.covered")
class LeavesOutTheQuery(Covers):
    without = "@query"


@broken("plain", "sign.token")
class LeavesOutTheToken(Covers):
    without = "lease-token"


class Parameters(Agent):
    change = ("", "")

    def parameters(self):
        return super().parameters().replace(*self.change)


@broken("plain", "sign.algorithm")
class CallsItHmac(Parameters):
    change = ('"ed25519"', '"hmac-sha256"')


@broken("plain", "sign.life")
class SignsForAnHour(Agent):
    def parameters(self):
        return super().parameters().replace("expires=", "expires=9")


@broken("plain", "sign.keyid")
class CallsItselfOtherwise(Agent):
    def key_id(self):
        return "login-1"


@broken("plain", "sign.nonce")
class HasOneNonce(Agent):
    def nonce(self):
        return "always-the-same"


@broken("plain", "sign.digest")
class DigestsOfEmptyBodiesWrong(Agent):
    def digest(self, body):
        return super().digest(body or b"null")


class Describes(Agent):
    changes: dict[str, Any] = {}

    def describe(self):
        return {**super().describe(), **self.changes}


@broken("plain", "session.recipes")
class ClaimsMoreRecipes(Describes):
    changes = {"recipes": ["classify", "chat"]}


@broken("plain", "session.limits")
class ClaimsMoreGpus(Describes):
    changes = {"limits": {"gpus": 8, "max_seconds": 3600}}


@broken("plain", "session.models")
class ClaimsOtherModels(Describes):
    changes = {"models": [{"id": "another", "revision": "1"}]}


class Says(Agent):
    """Changes what it says in some call."""

    def say(self, method, path, message):
        return super().say(method, path, self.changed(path, message))

    def changed(self, path, message):
        return message


@broken("plain", "session.protocol")
class SpeaksAnotherProtocol(Says):
    def changed(self, path, message):
        return {**message, "protocols": ["9"]} if path == "/session" else message


@broken("plain", "session.first")
class SpeaksBeforeItsSession(Agent):
    def open_session(self):
        if not self.features:
            with contextlib.suppress(Fenced):
                self.say("POST", "/sync", {"epoch": 1, "wait": 0, "capacity": self.capacity()})
        super().open_session()


@broken("plain", "sync.epoch")
class ForgetsItsEpoch(Agent):
    def exchange(self):
        with contextlib.suppress(Fenced):
            self.say("POST", "/sync", {**self.message(), "epoch": self.epoch + 7})
        return super().exchange()


@broken("plain", "sync.wait")
class WaitsWithNews(Agent):
    def wait(self):
        return 1 if any(one["state"] == "running" for one in self.attempts.values()) else super().wait()


@broken("plain", "lease.heartbeat")
class ForgetsItsHeartbeat(Says):
    count = 0

    def changed(self, path, message):
        self.count += 1
        final = all(one["state"] in FINAL for one in message.get("attempts", []))
        return message if final or self.count % 2 else {**message, "attempts": []}


class Moves(Agent):
    def move(self, attempt, state, **facts):
        super().move(attempt, *self.to(attempt, state, facts), **facts)

    def to(self, attempt, state, facts):
        return (state,)


@broken("plain", "state.done")
class CallsSuccessFailure(Moves):
    def to(self, attempt, state, facts):
        return ("failed",) if state == "done" else (state,)


@broken("plain", "state.seq")
class ReusesItsNumbers(Moves):
    def to(self, attempt, state, facts):
        attempt["seq"] -= state == "running"
        return (state,)


class Reports(Agent):
    def report(self, attempt):
        return self.changed(attempt, super().report(attempt))

    def changed(self, attempt, report):
        return report


@broken("plain", "state.forward")
class WalksBack(Reports):
    def changed(self, attempt, report):
        return {**report, "state": "staging"} if report["state"] == "running" else report


@broken("plain", "state.native_id")
class NamesNoJob(Reports):
    def changed(self, attempt, report):
        return {name: value for name, value in report.items() if name != "native_id"}


class Streams(Agent):
    def add_streams(self, message, attempt):
        super().add_streams(message, attempt)
        self.spoil(message)

    def spoil(self, message):
        raise NotImplementedError


@broken("plain", "events.whole")
class RoundsItsLosses(Streams):
    def spoil(self, message):
        for group in message["events"]:
            for event in group["events"]:
                event["loss"] = 0


@broken("plain", "log.whole")
class ShoutsItsLog(Streams):
    def spoil(self, message):
        for piece in message["logs"]:
            piece["text"] = piece["text"].upper()


@broken("plain", "files.whole")
class ForgetsAFile(Agent):
    def order(self, manifest):
        return [path for path in super().order(manifest) if path != "result.json"]


@broken("plain", "files.manifest_last")
class SendsTheManifestFirst(Agent):
    def order(self, manifest):
        return super().order(manifest)[::-1]


class Calls(Agent):
    def call(self, method, target, body=b"", token=""):
        return super().call(method, self.target(target), body, token)

    def target(self, target):
        return target


@broken("plain", "files.pieces")
class LeavesOutTheOffset(Calls):
    def target(self, target):
        return target.replace("offset=0&", "")


@broken("plain", "files.whole", "files.manifest_last", "files.before_done", "manifest.signed", "closed.kept")
class EndsBeforeItsFiles(Reports):
    def changed(self, attempt, report):
        return {**report, "state": "done"} if report["state"] == "collecting" else report

    def collect(self, attempt):
        if attempt["acked"] >= attempt["seq"]:
            super().collect(attempt)


@broken("plain", "manifest.signed")
class SignsSomethingElse(Agent):
    def seal(self, manifest):
        (manifest.parent / "other").write_text("other")
        return super().seal(manifest.parent / "other")


class Meters(Agent):
    def usage_to_say(self):
        return [self.changed(row) for row in super().usage_to_say()]

    def changed(self, row):
        return row


@broken("plain", "usage.row")
class GuessesItsUsage(Meters):
    def changed(self, row):
        return {**row, "method": "guess"}


@broken("plain", "usage.resent")
class SaysUsageOnce(Agent):
    def message(self):
        message = super().message()
        self.memory["usage_heard"] = [*self.memory.get("usage_heard", []), *(row["id"] for row in message["usage"])]
        return message


@broken("plain", "usage.immutable")
class ChangesItsUsage(Meters):
    count = 0

    def changed(self, row):
        self.count += 1
        return {**row, "cpu_seconds": self.count}


@broken("plain", "usage.quiet")
class RepeatsItsUsage(Agent):
    def usage_to_say(self):
        heard, self.memory["usage_heard"] = self.memory.get("usage_heard", []), []
        rows = super().usage_to_say()
        self.memory["usage_heard"] = heard
        return rows


@broken("plain", "usage.arithmetic")
class CountsTenfold(Meters):
    def changed(self, row):
        return {**row, "gpu_seconds": 10 * row["gpu_seconds"] + 100}


@broken("plain", "usage.true")
class BillsAnHourMore(Meters):
    def changed(self, row):
        early = small_agent.iso(time.time() - 3600)
        self.memory.setdefault("early", early)
        return {**row, "started_at": self.memory["early"], "gpu_seconds": self.seconds(row)}

    def seconds(self, row):
        over, began = (datetime.fromisoformat(text) for text in (row["ended_at"], self.memory["early"]))
        return int((over - began).total_seconds())


@broken("plain", "closed.kept")
class RemovesTooSoon(Agent):
    def step(self, attempt):
        final = attempt["state"] in FINAL and attempt["acked"] >= attempt["seq"] and self.all_said(attempt)
        if final and not attempt["wiped"]:
            self.wipe(attempt)
        super().step(attempt)


@broken("plain", "closed.removed")
class RemovesNothing(Agent):
    def wipe(self, attempt):
        attempt["wiped"], attempt["removed_at"] = True, small_agent.now()


@broken("plain", "run.once")
class RunsTwice(Agent):
    def collect(self, attempt):
        run_again(self, attempt)
        super().collect(attempt)


def run_again(agent, attempt, *, wait=True):
    """A second start of the same job, beside every claim."""
    folder = agent.folder(attempt)
    out = folder / ("out" if wait else "out-again")
    command = [*agent.words["TRAINING"].split(), "run", "--spec", folder / "spec.json", "--data", folder / "data"]
    process = subprocess.Popen([*command, "--store", agent.store, "--out", out], start_new_session=True)
    if wait:
        process.wait()


class Capacity(Agent):
    def capacity(self):
        return self.changed(super().capacity())

    def changed(self, capacity):
        return capacity


@broken("plain", "capacity.shape")
class HasMoreFreeThanAll(Capacity):
    def changed(self, capacity):
        return {**capacity, "gpus_free": 5}


@broken("plain", "capacity.partitions")
class IsAlwaysFine(Capacity):
    def changed(self, capacity):
        for one in capacity.get("partitions", []):
            one["health"] = "fine"
        return capacity


@broken("plain", "removal.reported", "removal.resent")
class RemovesInSilence(Agent):
    def removals(self):
        return []


@broken("plain", "removal.resent")
class SaysRemovalsOnce(Says):
    said: set[str] = set()

    def changed(self, path, message):
        fresh = [row for row in message.get("removed", []) if row["key"] not in self.said]
        self.said |= {row["key"] for row in fresh}
        return {**message, "removed": fresh} if path == "/sync" else message


@broken("plain", "inputs.whole")
class LeavesOutTheTests(Agent):
    def fetch(self, attempt, name):
        return b"" if name == "test.jsonl" else super().fetch(attempt, name)

    def right(self, content, named):
        return not content or super().right(content, named)


# ---- commitment ----------------------------------------------------------------------------------------------------


@broken("commitment", "commit.waits", "commit.closed")
class StartsWithoutTheWord(Agent):
    def committed(self, attempt):
        return True


@broken("commitment", "commit.waits", "commit.closed")
class TakesAnyWordForTheWord(Agent):
    def stage(self, attempt):
        if attempt["acked"] >= attempt["seq"]:
            super().stage(attempt)

    def committed(self, attempt):
        return attempt["acked"] > 0


@broken("commitment", "commit.closed")
class TakesClosedForGo(Agent):
    taken: set[str] = set()

    def hear(self, answer):
        self.taken |= {key for key in answer["closed"] if self.attempts[key]["state"] == "submitted"}
        for key in self.taken.intersection(answer["closed"]):
            self.attempts[key]["acked"] = self.attempts[key]["seq"]
        final = {key for key in self.taken if self.attempts[key]["state"] in FINAL}
        super().hear({**answer, "closed": [key for key in answer["closed"] if key not in self.taken - final]})


@broken("commitment", "commit.starts", "commit.goes_on")
class NeverStarts(Agent):
    def late(self, attempt):
        return True


@broken("commitment", "commit.goes_on")
class SulksAfterALoss(Agent):
    def wanted(self):
        given_up = any(one["state"] == "cancelled" for one in self.attempts.values())
        return 0 if given_up else super().wanted()


# ---- work ------------------------------------------------------------------------------------------------------------


@broken("forged", "forged.key", "forged.altered")
class TrustsAnybody(Agent):
    def signed_by_portal(self, signature, raw):
        return True


@broken("forged", "forged.altered")
class TrustsTheNameOfTheKey(Agent):
    def take(self, work):
        self.named = work["key_id"] in {small_agent.fingerprint(key) for key in self.memory["trusted"]}
        super().take(work)

    def signed_by_portal(self, signature, raw):
        return self.named


@broken("forged", "forged.site")
class WorksForAnySite(Agent):
    def for_us(self, payload):
        return payload["schema"] == "open-paas/work/1"


@broken("forged", "forged.schema")
class ReadsAnySchema(Agent):
    def for_us(self, payload):
        return payload["site"] == self.memory["site"]


@broken("forged", "forged.goes_on")
class DiesOfForgeries(Agent):
    def signed_by_portal(self, signature, raw):
        if not super().signed_by_portal(signature, raw):
            sys.exit(1)
        return True


class Allows(Agent):
    what = ""

    def objection(self, payload):
        said = super().objection(payload)
        return "" if self.what in said else said


@broken("disallowed", "allow.recipe")
class AllowsAnyRecipe(Allows):
    what = "recipe"


@broken("disallowed", "allow.gpus")
class AllowsAnyGpus(Allows):
    what = "GPUs"


@broken("disallowed", "allow.seconds")
class AllowsAnyTime(Allows):
    what = "less time"


@broken("disallowed", "allow.tenant")
class AllowsAnybody(Allows):
    what = "organisation"


@broken("disallowed", "allow.hash")
class DoesNotHash(Allows):
    what = "hashed"


@broken("disallowed", "allow.spec")
class UnderstandsAnything(Agent):
    def understood(self, spec):
        return all(self.safe(spec["data"][split]["name"]) for split in ("train", "validation", "test"))


@broken("disallowed", "allow.goes_on")
class SulksWhenLate(Agent):
    def wanted(self):
        late = any(one["facts"].get("hint_code") == "not_started_in_time" for one in self.attempts.values())
        return 0 if late else super().wanted()


@broken("disallowed", "path.input")
class FollowsNamesOfInputs(Agent):
    def safe(self, name):
        return super().safe(name) or name.endswith("jsonl")


@broken("disallowed", "path.key")
class FollowsKeys(Agent):
    def safe(self, name):
        return super().safe(name) or not name.endswith("jsonl")


@broken("disallowed", "late.never_starts", "late.failed")
class IsNeverLate(Agent):
    def late(self, attempt):
        return False


@broken("disallowed", "late.failed")
class CallsLatenessAWish(Moves):
    def to(self, attempt, state, facts):
        return ("cancelled",) if facts.get("hint_code") == "not_started_in_time" else (state,)


@broken("damaged", "inputs.damaged", "inputs.mismatch")
class ChecksNoDigest(Agent):
    def right(self, content, named):
        return True


@broken("damaged", "inputs.mismatch")
class GivesNoReason(Moves):
    def move(self, attempt, state, **facts):
        super().move(attempt, state, **{**facts, **({"hint_code": "internal"} if "hint_code" in facts else {})})


# ---- trouble ---------------------------------------------------------------------------------------------------------


@broken("lost", "lost.enrol", "lost.session", "lost.work", cuts_off=("lost.end", "lost.once"))
class EnrolsWithANewKeyEachTime(Agent):
    def enrol(self):
        self.key = Ed25519PrivateKey.generate()
        self.write_key(self.key)
        super().enrol()


@broken("lost", "lost.session", "lost.work", cuts_off=("lost.end", "lost.once"))
class SpeaksInItsOldSession(Agent):
    def open_session(self):
        super().open_session()
        self.epoch -= self.epoch > 1


@broken("lost", "lost.work", cuts_off=("lost.end", "lost.once"))
class AsksForWorkOnce(Agent):
    asked = False

    def wanted(self):
        wanted, self.asked = 0 if self.asked else super().wanted(), True
        return wanted


@broken("lost", "lost.end")
class SaysItsEndOnce(Says):
    said: set[str] = set()

    def changed(self, path, message):
        ends = {one["key"] for one in message.get("attempts", []) if one["state"] in FINAL}
        kept = [one for one in message.get("attempts", []) if one["key"] not in self.said]
        self.said |= ends
        return {**message, "attempts": kept} if path == "/sync" else message


@broken("lost", "lost.once")
class RunsTwiceAfterALoss(RunsTwice):
    pass


@broken("twice", "twice.work", "twice.after_end")
class StartsWhatItHas(Agent):
    def take(self, work):
        key = json.loads(base64.b64decode(work["payload"]))["key"]
        known = self.attempts.get(key)
        if known and known["state"] not in FINAL and (self.folder(known) / "spec.json").exists():
            if not known.get("again"):
                known["again"] = True
                run_again(self, known, wait=False)
            return
        super().take(work)


@broken("twice", "twice.answers")
class RunsForEachAnswer(Agent):
    answers: Counter[str] = Counter()

    def take(self, work):
        self.answers[json.loads(base64.b64decode(work["payload"]))["key"]] += 1
        super().take(work)

    def collect(self, attempt):
        if attempt["payload"]["spec"]["name"].startswith("ok") and self.answers[attempt["key"]] > 1:
            run_again(self, attempt)
        super().collect(attempt)


@broken("twice", "twice.after_end")
class TakesWhatHasEnded(Agent):
    def take(self, work):
        known = self.attempts.get(json.loads(base64.b64decode(work["payload"]))["key"])
        if known and known["wiped"] and not known.get("again"):
            known |= {"wiped": False, "closed": False, "again": True, "state": "leased"}
        super().take(work)


@broken("away", "away.retry_after")
class DoesNotWaitAsLongAsAsked(Agent):
    def pause_after(self, trouble):
        return min(30.0, 0.25 * 2**self.failures)


@broken("away", "away.patience")
class StormsThePortal(Agent):
    def pause_after(self, trouble):
        return trouble.seconds if isinstance(trouble, Away) else 0.3


@broken(
    "away", "away.gateway", "away.replayed", "away.patience", "away.whole",
    cuts_off=("away.poll_after",),
)  # fmt: skip
class DiesOfHtml(Agent):
    def trouble(self, answer, content):
        if not content.startswith(b"{"):
            sys.exit(1)
        return super().trouble(answer, content)


@broken("away", "away.replayed")
class RepeatsItsNonce(Agent):
    last = ""

    def nonce(self):
        nonce, self.last = self.last or super().nonce(), ""
        self.kept = nonce
        return nonce

    def trouble(self, answer, content):
        trouble = super().trouble(answer, content)
        if isinstance(trouble, Refused):
            self.last = self.kept
        return trouble


@broken("away", "away.runs_on", "away.whole")
class EndsWhatRunsWhenAlone(Agent):
    def pause_after(self, trouble):
        if self.failures > 1:
            for attempt in self.attempts.values():
                self.end_run(attempt)
        return super().pause_after(trouble)


@broken("away", "away.whole")
class ForgetsWhatItCouldNotSay(Agent):
    def pause_after(self, trouble):
        for attempt in self.attempts.values():
            attempt["events"] += 2
        return super().pause_after(trouble)

    def hear(self, answer):
        kept = {key: one["events"] for key, one in self.attempts.items()}
        super().hear(answer)
        for key, number in kept.items():
            self.attempts[key]["events"] = max(number, self.attempts[key]["events"])

    def all_said(self, attempt):
        return True


@broken("away", "away.poll_after")
class ComesBackAtOnce(Agent):
    def exchange(self):
        return min(super().exchange(), self.pace)


@broken("fenced", "fence.ends", "fence.no_session", "fence.silent")
class FightsBack(Agent):
    def exchange(self):
        try:
            return super().exchange()
        except Fenced:
            self.epoch = 0
            return 0.0


@broken("fenced", "fence.ends", "fence.silent")
class SpeaksAfterItsTime(Agent):
    def exchange(self):
        with contextlib.suppress(Fenced):
            return super().exchange()
        return self.pace


@broken("fenced", "fence.ends")
class LingersOn(Agent):
    def exchange(self):
        try:
            return super().exchange()
        except Fenced:
            return 1000.0


@broken("fenced", "fence.no_session")
class FencesBeforeItEnds(Agent):
    def exchange(self):
        try:
            return super().exchange()
        except Fenced:
            self.open_session()
            raise


@broken("revoked", "revoked.patience")
class DoesNotTakeNo(Agent):
    def pause_after(self, trouble):
        return 0.05


# ---- ends ------------------------------------------------------------------------------------------------------------


@broken("cancel", "cancel.before_start")
class StopsOnlyWhatRuns(Agent):
    def claimed(self, attempt):
        return super().claimed(attempt) or attempt["cancel"]

    def submit(self, attempt):
        kept, attempt["cancel"] = attempt["cancel"], False
        super().submit(attempt)
        attempt["cancel"] = kept

    def watch(self, attempt):
        if attempt["payload"]["spec"]["name"].startswith("ok"):
            attempt["cancel"] = False
        super().watch(attempt)


@broken("cancel", "cancel.noted")
class NotesNoWish(Says):
    def changed(self, path, message):
        return {**message, "stopping": []} if path == "/sync" else message


@broken("cancel", "cancel.asks", "cancel.delivers")
class ShootsInsteadOfAsking(Agent):
    def watch(self, attempt):
        if attempt["cancel"]:
            self.end_run(attempt)
        super().watch(attempt)


@broken("cancel", "cancel.delivers")
class ThrowsAwayWhatWasTrained(Agent):
    def upload(self, attempt, folder):
        if not attempt["cancel"]:
            super().upload(attempt, folder)


@broken("cancel", "cancel.usage")
class MetersNoStoppedRun(Agent):
    def meter(self, attempt):
        if not attempt["cancel"]:
            super().meter(attempt)


@broken("cancel", "cancel.late")
class ChangesItsMind(Reports):
    def changed(self, attempt, report):
        late = attempt["cancel"] and report["state"] == "done"
        return {**report, "state": "cancelled", "seq": report["seq"] + 1} if late else report


@broken("cancel", "cancel.unknown")
class DiesOfStrangeWishes(Agent):
    def hear(self, answer):
        if set(answer["cancel"]) - set(self.attempts):
            sys.exit(1)
        super().hear(answer)


class Deaf(Agent):
    """Does not hear a certain refusal."""

    code = ""

    def refused(self, row):
        if row["code"] != self.code:
            super().refused(row)


@broken("gone", "gone.stale")
class KeepsStaleWork(Deaf):
    code = "stale_lease"


@broken("gone", "gone.unknown")
class KeepsUnknownWork(Deaf):
    code = "attempt_unknown"


@broken("gone", "gone.goes_on")
class SulksAfterTwoLosses(Agent):
    def wanted(self):
        return 0 if sum(one["dropped"] for one in self.attempts.values()) > 1 else super().wanted()


@broken("closed", "closed.ends")
class RunsOnWhenClosed(Agent):
    def drop(self, attempt):
        if self.over(attempt) or attempt["dropped"]:
            super().drop(attempt)


@broken("closed", "closed.usage")
class MetersNothingClosed(Agent):
    def meter(self, attempt):
        if not attempt["closed"]:
            super().meter(attempt)


@broken("closed", "closed.upload")
class UploadsToNobody(Agent):
    def guarded(self, attempt):
        before = attempt["dropped"]
        super().guarded(attempt)
        if attempt["state"] == "collecting":
            attempt["dropped"] = before


@broken("closed", "closed.goes_on")
class SulksAfterClosing(Agent):
    def wanted(self):
        return 0 if sum(one["state"] == "cancelled" for one in self.attempts.values()) > 1 else super().wanted()


@broken("refused", "refused.others", cuts_off=("refused.internal",))
class DropsAllForOne(Agent):
    def collect(self, attempt):
        if attempt["dropped"]:
            super().collect(attempt)

    def refused(self, row):
        super().refused(row)
        self.attempts[row["key"]]["dropped"] = True


@broken("refused", "refused.usage", "refused.removed", cuts_off=())
class InsistsOnItsUsage(Agent):
    def refused(self, row):
        pass


@broken("refused", "refused.removed")
class KeepsDataForRefusedUsage(Agent):
    spurned: set[str] = set()

    def refused(self, row):
        super().refused(row)
        if row["code"] != "internal":
            self.spurned.add(row["key"])

    def owes(self, attempt):
        return attempt["key"] in self.spurned or super().owes(attempt)


@broken("refused", "refused.internal")
class TakesOurMistakeForItsOwn(Agent):
    def refused(self, row):
        super().refused({**row, "code": "usage_conflict"} if row["code"] == "internal" else row)


@broken("failures", "fail.named")
class ForgetsTheName(Moves):
    def move(self, attempt, state, **facts):
        super().move(attempt, state, **{**facts, **({"hint_code": "internal"} if state == "failed" else {})})


@broken("failures", "fail.crash")
class ForgetsTheExitCode(Moves):
    def move(self, attempt, state, **facts):
        super().move(attempt, state, **{**facts, "exit_code": None})


@broken("failures", "fail.usage")
class MetersOnlySuccess(Agent):
    def meter(self, attempt):
        if attempt["payload"].get("spec", {}).get("name", "").startswith("ok"):
            super().meter(attempt)


# ---- streams and files -----------------------------------------------------------------------------------------------


@broken("streams", "log.bytes")
class ThrowsAwayOddBytes(Agent):
    def as_text(self, raw, *, whole):
        return raw.decode(errors="ignore").replace("\0", "")


class NeverGoesBack(Agent):
    name = ""

    def hear(self, answer):
        kept = {key: one[self.name] for key, one in self.attempts.items()}
        super().hear(answer)
        for key, number in kept.items():
            self.attempts[key][self.name] = max(number, self.attempts[key][self.name])

    def all_said(self, attempt):
        return True


@broken("streams", "log.offset", "log.places")
class NeverGoesBackInTheLog(NeverGoesBack):
    name = "log"


@broken("streams", "events.gap", "events.numbers")
class NeverGoesBackInTheEvents(NeverGoesBack):
    name = "events"


@broken("streams", "log.places")
class RewritesItsLog(Streams):
    def spoil(self, message):
        for piece in message["logs"]:
            piece["text"] = piece["text"].replace("step 2\n", "step X\n")


@broken("streams", "events.numbers")
class RenumbersItsEvents(Streams):
    def spoil(self, message):
        for group in message["events"]:
            for event in group["events"]:
                event["step"] = 0


@broken("streams", "streams.quiet")
class RepeatsItsEvents(Agent):
    def add_streams(self, message, attempt):
        kept, attempt["events"] = attempt["events"], 0
        super().add_streams(message, attempt)
        attempt["events"] = kept

    def all_said(self, attempt):
        return True


class Lists(Agent):
    def call(self, method, target, body=b"", token=""):
        status, headers, content = super().call(method, target, body, token)
        if method == "GET" and target.endswith("/artefacts"):
            found = self.known(json.loads(content)["artefacts"])
            content = json.dumps({"artefacts": found}).encode()
        return status, headers, content

    def known(self, found):
        return found


@broken("upload", "upload.resumes", "upload.skips")
class BeginsAnew(Lists):
    def known(self, found):
        return []


@broken("upload", "upload.skips")
class SendsWhatIsThere(Lists):
    def known(self, found):
        return [{**one, "complete": False} for one in found]


@broken("upload", "upload.resumes", "upload.whole")
class GivesUpOnACut(Agent):
    def upload(self, attempt, folder):
        with contextlib.suppress(Away):
            super().upload(attempt, folder)


class Skips(Agent):
    """Passes a file over when it is refused for that reason."""

    code = ""

    def upload(self, attempt, folder):
        try:
            super().upload(attempt, folder)
        except Refused as refusal:
            if refusal.code != self.code:
                raise
            self.passed = getattr(self, "passed", set()) | {self.current}
            self.upload(attempt, folder)

    def order(self, manifest):
        for path in super().order(manifest):
            self.current = path
            if path not in getattr(self, "passed", set()):
                yield path


@broken("damage", "upload.offset")
class SkipsWhatIsOutOfPlace(Skips):
    code = "artefact_offset"


@broken("damage", "upload.digest")
class SkipsWhatIsDamaged(Skips):
    code = "artefact_digest"


class PlainAddresses(Agent):
    def fetch(self, attempt, name):
        if not attempt.get("inputs_wanted"):
            attempt["urls"] = {}
        return super().fetch(attempt, name)


@broken("expired", "signed.used", "signed.renewed")
class IgnoresSignedAddresses(PlainAddresses):
    pass


@broken("expired", "signed.used")
class RenewsAndDoesNotUse(Agent):
    def hear_wishes(self, answer):
        super().hear_wishes(answer)
        for key in answer.get("inputs", {}):
            self.attempts[key]["urls"] = {}


# ---- kills -----------------------------------------------------------------------------------------------------------


def forgetful(name: str) -> None:
    """Remembers nothing over a restart: enrols again, and knows nothing of its work."""

    class Forgets(Agent):
        def __init__(self, words):
            super().__init__(words)
            self.memory = {"attempts": {}, "usage": {}, "draining": False, "trusted": []}

    Forgets.__name__ = f"Forgets_{name}"
    broken(f"kill-{name}", f"kill.{name}")(Forgets)


for _name in ("staging", "waiting", "running", "collecting", "ending"):
    forgetful(_name)


class Restarted(Agent):
    """Does something wrong with what it finds on its second start."""

    def __init__(self, words):
        super().__init__(words)
        for attempt in self.attempts.values():
            self.found(attempt)

    def found(self, attempt):
        raise NotImplementedError


@broken("kill-waiting", "kill.waiting")
class StartsAfterARestart(Restarted):
    def found(self, attempt):
        attempt["acked"] = attempt["seq"]


@broken("kill-running", "kill.running")
class RunsAgainAfterARestart(Restarted):
    def found(self, attempt):
        run_again(self, attempt, wait=False)


@broken("kill-collecting", "kill.collecting")
class SendsNothingAfterARestart(Restarted):
    def found(self, attempt):
        self.move(attempt, "done")


@broken("kill-ending", "kill.ending")
class SaysNothingAfterARestart(Restarted):
    def found(self, attempt):
        attempt["wiped"] = True


@broken("orderly", "term.ends")
class DoesNotEnd(Agent):
    def on_term(self, number, frame):
        pass


@broken("orderly", "term.goes_on")
class EndsItsRuns(Agent):
    def on_term(self, number, frame):
        for attempt in self.attempts.values():
            self.end_run(attempt)
        super().on_term(number, frame)


@broken("orderly", "term.goes_on", "term.seq")
class CountsFromOneAgain(Restarted):
    def found(self, attempt):
        attempt["seq"] = 0


@broken("orderly", "term.usage")
class MetersNothingAfterARestart(Restarted):
    def found(self, attempt):
        attempt["unmetered"] = True

    def meter(self, attempt):
        if not attempt.get("unmetered"):
            super().meter(attempt)


# ---- the site --------------------------------------------------------------------------------------------------------


@broken("idle", "idle.waits")
class AsksAgainAndAgain(Agent):
    def wait(self):
        return 0


@broken("idle", "wanted.idle")
class WantsNothingAtFirst(Agent):
    def wanted(self):
        return super().wanted() if len(self.stored()) > 1 else 0


@broken("idle", "wanted.full", "drain.no_work")
class AlwaysWantsMore(Agent):
    def wanted(self):
        return 0 if self.memory["draining"] else 1


@broken("idle", "models.changed")
class LooksAtItsStoreOnce(Agent):
    def message(self):
        message = super().message()
        message.pop("models", None)
        return message


@broken("idle", "tokenizer.sent")
class SendsAnEmptyTokenizer(Says):
    def changed(self, path, message):
        return {**message, "tokenizer": "{}"} if path.endswith("tokenizer") else message


@broken("idle", "tokenizer.unknown")
class SendsAnyTokenizer(Agent):
    def open_session(self):
        super().open_session()
        self.say("PUT", "/models/never-heard-of/tokenizer", {"tokenizer": "{}", "config": {}})


@broken("idle", "provisional.held")
class HoldsAMillionSeconds(Reports):
    def changed(self, attempt, report):
        return {**report, "held_gpu_seconds": 10**6}


@broken("idle", "drain.on", "drain.no_work")
class DoesNotDrain(Agent):
    def hear_wishes(self, answer):
        super().hear_wishes({**answer, "drain": None})


@broken("idle", "drain.runs_on")
class DrainsByEnding(Agent):
    def hear_wishes(self, answer):
        super().hear_wishes(answer)
        if answer.get("drain"):
            for attempt in self.attempts.values():
                pid = small_agent.number_in(self.folder(attempt) / "run" / "pid")
                with contextlib.suppress(ProcessLookupError, TypeError):
                    os.killpg(int(pid), 15)


@broken("idle", "drain.no_work")
class SaysItDrains(Agent):
    def wanted(self):
        return 0 if self.busy() else 1


@broken("idle", "drain.off")
class DrainsForEver(Agent):
    def hear_wishes(self, answer):
        super().hear_wishes({**answer, "drain": answer.get("drain") or None})


@broken("strangers", "session.lost")
class DoesNotMissItsWork(Agent):
    def say(self, method, path, message):
        return {**super().say(method, path, message), **({"attempts": []} if path == "/session" else {})}


@broken("strangers", "session.leased")
class MissesTooMuch(Agent):
    def say(self, method, path, message):
        answer = super().say(method, path, message)
        for held in answer.get("attempts", []) if path == "/session" else []:
            held["state"] = "running"
        return answer


@broken("newer", "newer.fields")
class ReadsTooStrictly(Agent):
    def hear(self, answer):
        if "from_the_future" in answer:
            sys.exit(1)
        super().hear(answer)


@broken("clock", "clock.skew")
class WantsTheSameClock(Agent):
    def hear(self, answer):
        if answer["time"] > small_agent.iso(time.time() + 60):
            sys.exit(1)
        super().hear(answer)


@broken("portal-keys", "keys.portal_new")
class KnowsOneKeyOnly(Agent):
    def trust(self, announced):
        pass


@broken("portal-keys", "keys.portal_forged")
class TrustsEveryKeyItHears(Agent):
    def trust(self, announced):
        self.memory["trusted"] += [one["public_key"] for one in announced]


@broken("rotation", "keys.proof", "keys.used")
class ProvesNothing(Says):
    def changed(self, path, message):
        return {**message, "proof": "AAAA"} if path == "/keys" else message


@broken("rotation", "keys.used")
class KeepsItsOldKey(Agent):
    def write_key(self, key):
        if not (self.work / "key.pem").exists():
            super().write_key(key)

    def rotate(self):
        kept = self.key
        super().rotate()
        self.key = kept


@broken("rotation", "keys.proof", "keys.no_gap")
class ChangesBeforeItAsks(Agent):
    def rotate(self):
        self.call_with = Ed25519PrivateKey.generate()
        kept, self.key = self.key, self.call_with
        with contextlib.suppress(Refused):
            self.say("POST", "/keys", {"public_key": small_agent.public_of(self.key), "proof": "AAAA"})
        self.key = kept
        super().rotate()


@broken("book", "book.rows")
class SendsOnlyTheDigest(Agent):
    def hear_wishes(self, answer):
        kept = list(self.memory.get("usage_heard", []))
        super().hear_wishes(answer)
        self.memory["usage_heard"] = kept


@broken("book", "book.digest")
class AddsUpWrong(Agent):
    def book_of(self, day):
        return {**super().book_of(day), "digest": "0" * 64}


if __name__ == "__main__":
    name = sys.argv.pop(1)
    sys.exit(small_agent.main(BROKEN[name].kind))
