"""The supervisor (supervisord, from the package of that name): started, asked, watched and stopped."""

import contextlib
import os
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterator, Mapping
from typing import IO

from portal.embedded import processes
from portal.embedded.layout import ROOT, EmbeddedError, Layout
from portal.embedded.programs import Program, render

STOP_PATIENCE = 60.0
GOOD = {"RUNNING", "STARTING"}


class Supervisor:
    """Our supervisord. Talks to it over its Unix socket."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, programs: list[Program], environ: Mapping[str, str]) -> None:
        """Writes the configuration and starts the supervisor, with the data programs, in a session of its own: a
        Ctrl-C in the terminal then reaches us alone, and we stop everything in order."""
        self.layout.supervisor_config.write_text(render(programs, self.layout))
        self.layout.supervisor_socket.unlink(missing_ok=True)
        with (self.layout.data / "logs" / "supervisord.err").open("wb") as errors:
            self.process = self._spawn(environ, errors)
        wait_for(self._answers, seconds=20, sentence=self._start_failure, alive=self.is_alive)

    def _spawn(self, environ: Mapping[str, str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(self.layout.supervisor_config)],
            cwd=ROOT,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            preexec_fn=processes.end_with_parent,  # one prctl call, nothing that could lock
        )

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def run(self, program: Program) -> None:
        self._ask().startProcess(program.name, False)

    def states(self) -> dict[str, dict[str, object]]:
        """Each program's name with what the supervisor says of it; empty when it does not answer."""
        try:
            return {info["name"]: info for info in self._ask().getAllProcessInfo()}
        except (OSError, xmlrpc.client.Error):
            return {}

    def stop(self) -> None:
        """Stops all programs in reverse order, then the supervisor."""
        if not self.process:
            return
        if self.is_alive():
            self.process.terminate()
            try:
                self.process.wait(STOP_PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, xmlrpc.client.Error):
            return bool(self._ask().getState()["statename"] == "RUNNING")
        return False

    def _start_failure(self) -> str:
        said = last_lines(self.layout, "supervisord", ending="err", count=2)
        return f"The supervisor did not start: {said or 'see logs/supervisord.log in the data folder'}"

    def _ask(self):  # the proxy invents its methods
        from supervisor.xmlrpc import SupervisorTransport

        address = f"unix://{self.layout.supervisor_socket}"
        transport = SupervisorTransport(None, None, serverurl=address)
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor


def wait_for(
    happened: Callable[[], bool],
    *,
    seconds: float,
    sentence: str | Callable[[], str],
    alive: Callable[[], bool] = lambda: True,
) -> None:
    """Waits until something has happened; raises EmbeddedError with the sentence when it does not."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end or not alive():
            raise EmbeddedError(sentence() if callable(sentence) else sentence)
        time.sleep(0.05)


class Watcher:
    """Turns what the supervisor says, again and again, into what a person at the terminal should know: who fell, who
    came back."""

    def __init__(self) -> None:
        self._before: Mapping[str, Mapping[str, object]] = {}
        self._fallen: set[str] = set()

    def look(self, now: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
        for name, info in now.items():
            old = self._before.get(name, info)
            same = info["statename"] == "RUNNING" and info["pid"] == old["pid"]
            ended_well = info["statename"] == "EXITED" and info["exitstatus"] == 0
            if old["statename"] == "RUNNING" and not same and not ended_well:
                self._fallen.add(name)
                yield f"{name} ended unexpectedly and is started again; see logs/{name}.log"
            if info["statename"] == "RUNNING" and name in self._fallen:
                self._fallen.discard(name)
                yield f"{name} runs again"
        self._before = now or self._before


def last_lines(layout: Layout, name: str, *, ending: str = "log", count: int = 3) -> str:
    """The end of a program's log, for a sentence about why it did not start."""
    with contextlib.suppress(OSError):
        path = layout.data / "logs" / f"{name}.{ending}"
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4000))
            return " / ".join(file.read().decode(errors="replace").strip().splitlines()[-count:])
    return ""


def environment_of_children(layout: Layout, settings: Mapping[str, str]) -> dict[str, str]:
    """What every program inherits: ours, the settings, and nothing that a shell left open."""
    keep = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONSTARTUP")}
    return {
        **keep,
        "PYTHONUNBUFFERED": "1",
        "OPEN_PAAS_DATA_DIR": str(layout.data),
        **settings,
    }
