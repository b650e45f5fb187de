"""The place in which one scenario is played: a portal, an agent, a stand-in training, and a clock."""

import contextlib
import json
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.conformance import stand_in
from jobs.conformance.case import Broken, Case, Result, Scenario, Status
from jobs.conformance.desk import Desk
from jobs.conformance.launch import Launch
from jobs.conformance.server import Server
from jobs.conformance.work import MAX_GPUS, MAX_MINUTES, MODEL, RECIPE, REVISION, TENANT, Job, new_job

# What runs on without its agent may still say something for so long.
AFTER_DEATH = 1.0
# What a message that is not as it should be makes of the look at it.
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, StopIteration)


@dataclass(frozen=True)
class Settings:
    """`patience`: how long something that must happen may take; `quiet`: how long one watches that nothing happens."""

    command: str
    rotate: str = ""
    patience: float = 30.0
    quiet: float = 2.0


@dataclass(frozen=True)
class Start:
    """One start of the stand-in training, from the note it left."""

    pid: int
    started: float
    ended: float | None
    data: Path
    out: Path
    wrong: list[str]
    stopped: bool
    events: list[str]

    @property
    def runs(self) -> bool:
        try:
            status = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return self.ended is None and status not in ("Z", "X")


class Lab:
    def __init__(self, scenario: Scenario, settings: Settings, folder: Path) -> None:
        self.scenario, self.settings, self.folder = scenario, settings, folder
        self.desk = Desk()
        self.cases = {case.id: case for case in scenario.cases}
        self.results: dict[str, Result] = {}
        # Inside a case of a feature that is not offered nothing is waited for.
        self._passing_over = False
        self._training = folder / "training"
        self._training.mkdir(parents=True)
        self.store = folder / "store"
        script = self._training / "stand_in.py"
        shutil.copy(stand_in.__file__, script)
        self.words = {
            "code": self.desk.code, "work": str(folder / "work"), "store": str(self.store), "name": "conformance",
            "training": shlex.join([sys.executable, str(script)]), "python": sys.executable, "recipes": RECIPE,
            "max_gpus": str(MAX_GPUS), "max_minutes": str(MAX_MINUTES), "tenant": TENANT,
        }  # fmt: skip
        self.add_model(MODEL, tokenizer=True)
        self.agent = Launch(settings.command, words=self.words, log=folder / "agent.log")

    # ---- the whole -----------------------------------------------------------------------------------------------

    def play(self) -> list[Result]:
        trouble = "the scenario ended before this was looked at"
        with Server(self.desk) as server:
            self.desk.url = self.words["url"] = server.url
            try:
                self.scenario.play(self)
            except (Broken, *UNREADABLE) as broken:
                trouble = _words(broken)
            finally:
                self.desk.close()
                self.agent.end()
                self._clear_away()
        for case in self.scenario.cases:
            if case.id not in self.results:
                offered = not case.feature or case.feature in self.desk.features or not self.desk.epoch
                self._note(case, Status.NOT_REACHED if offered else Status.NOT_OFFERED, trouble if offered else "")
        return [self.results[case.id] for case in self.scenario.cases]

    def _clear_away(self) -> None:
        for start in self.all_starts():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if start.runs:
                    os.kill(start.pid, signal.SIGKILL)

    # ---- cases ---------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def case(self, name: str) -> Iterator[None]:
        """What is found broken inside is this case's failure, and the scenario goes on."""
        case = self.cases[name]
        if case.feature and self.desk.epoch and not self.offers(case.feature):
            self._note(case, Status.NOT_OFFERED)
            self._passing_over = True
            with contextlib.suppress(Broken, *UNREADABLE):
                yield
            self._passing_over = False
            return
        began = time.monotonic()
        try:
            yield
        except (Broken, *UNREADABLE) as broken:
            self._note(case, Status.FAIL, _words(broken), time.monotonic() - began)
        else:
            if name not in self.results:
                self._note(case, Status.PASS, "", time.monotonic() - began)

    def _note(self, case: Case, status: Status, detail: str = "", seconds: float = 0.0) -> None:
        self.results[case.id] = Result(case, self.scenario.name, status, detail[:1000], round(seconds, 2))

    def offers(self, feature: str) -> bool:
        return feature in self.desk.features

    def check(self, truth: object, words: str) -> None:
        if not truth:
            raise Broken(words)

    def until(self, condition: Callable[[], Any], words: str, *, seconds: float | None = None) -> Any:
        """Waits for what must happen; else it is broken."""
        give_up = time.monotonic() + (0.0 if self._passing_over else seconds or self.settings.patience)
        while True:
            with self.desk.news:
                returned = self.agent.returned
                found = condition()
                if found:
                    return found
                if returned is not None and not self.agent.alive:
                    give_up = min(give_up, time.monotonic() + AFTER_DEATH)
                left = give_up - time.monotonic()
                if left <= 0:
                    gone = f"; the agent had ended with {returned}{self._last_words()}" if returned is not None else ""
                    raise Broken(f"did not happen in time: {words}{gone}")
                # Files change without a word, so one looks again soon.
                self.desk.news.wait(min(left, 0.05))

    def _last_words(self) -> str:
        words = [line.strip() for line in self.agent.log().splitlines() if line.strip()]
        return f", its last line: {words[-1][:200]}" if words else ""

    def stays(self, condition: Callable[[], Any], words: str, *, seconds: float | None = None) -> None:
        """Watches for a while that something stays true."""
        give_up = time.monotonic() + (0.0 if self._passing_over else seconds or self.settings.quiet)
        while time.monotonic() < give_up:
            self.check(condition(), words)
            time.sleep(0.02)
        self.check(condition(), words)

    # ---- acts ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.agent.start()

    def offer(self, play: str = "ok", **changes: Any) -> Job:
        return self.desk.offer(new_job(play, **changes))

    def running(self, play: str = "wait") -> Job:
        """A job of that play that the agent has started, and said so."""
        job = self.offer(play)
        self.until(lambda: job.said("running") and self.starts(job), "the job starts")
        return job

    def ended(self, job: Job) -> None:
        self.until(lambda: job.final, "the job's end is reported")

    def done(self, job: Job) -> None:
        self.ended(job)
        self.check(job.state == "done", f"the job ended as {job.newest}")

    def let_go(self) -> None:
        """What waits comes to its end."""
        (self._training / "go").touch()

    def hold(self) -> None:
        (self._training / "go").unlink(missing_ok=True)

    def add_model(self, slug: str, *, tokenizer: bool = False) -> None:
        folder = self.store / slug
        folder.mkdir(parents=True)
        if tokenizer:
            (folder / "tokenizer.json").write_text('{"model": {"type": "WordLevel", "vocab": {"a": 0}}}')
            (folder / "tokenizer_config.json").write_text('{"eos_token": "a"}')
        (folder / "store.json").write_text(json.dumps({"id": slug, "revision": REVISION}))

    # ---- looks ---------------------------------------------------------------------------------------------------

    def all_starts(self) -> list[Start]:
        found = []
        for path in sorted((self._training / "trace").glob("[!.]*.json")):
            note = json.loads(path.read_text())
            found.append(
                Start(
                    pid=note["pid"], started=note["started"], ended=note.get("ended"), data=Path(note["data"]),
                    out=Path(note["out"]), wrong=note["wrong"], stopped=note.get("stopped", False),
                    events=note.get("events", []),
                )
            )  # fmt: skip
        return sorted(found, key=lambda start: start.started)

    def starts(self, job: Job) -> list[Start]:
        keys = {json.loads(path.read_text())["pid"] for path in (self._training / "trace").glob(f"{job.key}.*.json")}
        return [start for start in self.all_starts() if start.pid in keys]

    def once(self, job: Job) -> None:
        count = len(self.starts(job))
        self.check(count == 1, f"the training was started {count} times")

    def gone(self, job: Job) -> bool:
        """Whether the job's data and results are no longer at the site."""
        starts = self.starts(job)
        return bool(starts) and not any(
            (start.data / name).exists() or (start.out / "artefacts").exists()
            for start in starts
            for name in job.inputs
        )

    def syncs(self) -> list[Any]:
        return self.desk.calls("sync")


def _words(trouble: Exception) -> str:
    return str(trouble) if isinstance(trouble, Broken) else f"a message is not as it should be: {trouble!r}"
