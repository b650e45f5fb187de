"""The agent under test: started from a command line, killed, asked to end, and cleared away."""

import contextlib
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path


class CannotStart(Exception):
    """The command cannot be used; the text says why."""


class Launch:
    """One agent. `words` fill the placeholders of the command line, and its environment as OPEN_PAAS_…"""

    def __init__(self, command: str, *, words: dict[str, str], log: Path) -> None:
        self.command, self.words, self.log_file = command, words, log
        self.process: subprocess.Popen[bytes] | None = None
        self.groups: list[int] = []

    def filled(self, command: str) -> list[str]:
        try:
            return [word.format_map(self.words) for word in shlex.split(command)]
        except (KeyError, ValueError, IndexError) as error:
            known = ", ".join(f"{{{name}}}" for name in self.words)
            raise CannotStart(f"The command has a placeholder nobody knows ({error}). Known: {known}.") from error

    def start(self) -> None:
        environment = {f"OPEN_PAAS_{name.upper()}": value for name, value in self.words.items()}
        with self.log_file.open("ab") as log:
            try:
                self.process = subprocess.Popen(
                    self.filled(self.command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env={**os.environ, **environment}, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise CannotStart(f"The agent could not be started: {error}") from error
        self.groups.append(self.process.pid)

    def run(self, command: str, *, seconds: float = 30.0) -> int:
        """A further command of the agent, such as the one that renews its key."""
        with self.log_file.open("ab") as log:
            try:
                done = subprocess.run(
                    self.filled(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=seconds,
                    env={**os.environ, **{f"OPEN_PAAS_{n.upper()}": v for n, v in self.words.items()}}, check=False,
                )  # fmt: skip
            except (OSError, subprocess.TimeoutExpired):
                return -1
        return done.returncode

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def returned(self) -> int | None:
        return self.process.poll() if self.process else None

    def kill(self) -> None:
        """kill -9 of the agent and of whatever is in its process group. What it set free runs on."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def ask_to_end(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGTERM)

    def end(self, *, patience: float = 20.0) -> None:
        """SIGTERM, and after a while SIGKILL for all it started in its groups."""
        self.ask_to_end()
        give_up = time.monotonic() + patience
        while self.alive and time.monotonic() < give_up:
            time.sleep(0.02)
        for group in self.groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
