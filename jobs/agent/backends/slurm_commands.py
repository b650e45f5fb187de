"""Slurm by its command line: one place that starts programs, reads their answers and gives their complaints a name."""

import os
import subprocess
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from jobs.agent.backends.slurm_options import SlurmOptions
from jobs.agent.backends.slurm_reasons import COMMAND_MISSING, COMMAND_SLOW, SlurmTrouble, trouble_from
from jobs.agent.backends.slurm_rows import (
    SACCT_FIELDS,
    Node,
    Reservation,
    SlurmJob,
    node_format,
    node_rows,
    queue_format,
    queue_rows,
    reservation_rows,
    sacct_rows,
)

# What scontrol says of a job that cannot be held because it does not wait.
_NOT_WAITING = ("no longer pending", "already", "invalid job id", "not pending")
# Names in one call of sacct: a command line has an end.
_NAMES_AT_ONCE = 200


class Slurm:
    """The commands. The queue is asked once for everybody and kept for `poll_seconds`: controllers are shared."""

    # Whether the scheduler itself can warn a job's script before its limit.
    warns = True

    def __init__(self, options: SlurmOptions) -> None:
        self.options = options
        self._lock = threading.RLock()
        self._queue: dict[str, list[SlurmJob]] = {}
        self._nodes: list[Node] = []
        self._pending: dict[str, int] = {}
        self._asked: dict[str, float] = {}
        self._config: dict[str, str] = {}

    def forget(self) -> None:
        """What was read is out of date: something was just changed."""
        with self._lock:
            self._asked.clear()

    # ---- reading -------------------------------------------------------------------------------------------------

    def queue(self) -> dict[str, list[SlurmJob]]:
        """Our own jobs by name, also those that ended a short while ago (MinJobAge)."""
        with self._lock:
            if self._due("queue"):
                mine = ("--states=all", f"--user={os.getuid()}", "--array")
                words = ["squeue", "--noheader", *mine, "-O", queue_format()]
                found: dict[str, list[SlurmJob]] = {}
                for row in queue_rows(self._ask(words, reading=True)):
                    if row.name.startswith(self.options.prefix):
                        found.setdefault(row.name, []).append(row)
                self._queue = found
                self._done("queue")
            return self._queue

    def accounting(self, names: Iterable[str], since: datetime) -> dict[str, list[SlurmJob]]:
        """Every start of the jobs of these names, in order, those under one id included."""
        wanted = list(names)
        found: dict[str, list[SlurmJob]] = {}
        for first in range(0, len(wanted), _NAMES_AT_ONCE):
            words = [
                "sacct", "--noheader", "--parsable2", "--duplicates", f"--format={','.join(SACCT_FIELDS)}",
                f"--name={','.join(wanted[first : first + _NAMES_AT_ONCE])}", f"--user={os.getuid()}",
                # A little earlier: the clocks of two machines, and jobs that another start of the agent had submitted.
                f"--starttime={(since - timedelta(hours=1)).astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
            ]  # fmt: skip
            for row in sacct_rows(self._ask(words, reading=True)):
                found.setdefault(row.name, []).append(row)
        return found

    def nodes(self) -> list[Node]:
        with self._lock:
            if self._due("nodes"):
                partition = [f"--partition={self.options.partition}"] if self.options.partition else []
                words = ["sinfo", "--noheader", "--Node", "--sort=#P,N", *partition, "-O", node_format()]
                self._nodes = node_rows(self._ask(words, reading=True), self.options.gpu_type)
                self._done("nodes")
            return self._nodes

    def pending(self) -> dict[str, int]:
        """How many jobs of anybody wait, by partition."""
        with self._lock:
            if self._due("pending"):
                self._pending = {}
                for line in self._ask(["squeue", "--noheader", "--states=PENDING", "-o", "%P"], reading=True).split():
                    for name in line.split(","):
                        self._pending[name] = self._pending.get(name, 0) + 1
                self._done("pending")
            return self._pending

    def reservations(self) -> list[Reservation]:
        return reservation_rows(self._ask(["scontrol", "--oneliner", "show", "reservation"], reading=True))

    def config(self) -> dict[str, str]:
        """The cluster's settings, asked for once: `scontrol show config`."""
        with self._lock:
            if not self._config:
                lines = self._ask(["scontrol", "show", "config"], reading=True).splitlines()
                pairs = (line.partition("=") for line in lines if "=" in line)
                self._config = {name.strip(): value.strip() for name, _, value in pairs}
            return self._config

    @property
    def measures_energy(self) -> bool:
        """Whether the cluster has meters; without one every job reads zero."""
        return not self.config().get("AcctGatherEnergyType", "(null)").endswith(("none", "(null)"))

    def _due(self, what: str) -> bool:
        return time.monotonic() - self._asked.get(what, -1e9) >= self.options.poll_seconds

    def _done(self, what: str) -> None:
        self._asked[what] = time.monotonic()

    # ---- doing ---------------------------------------------------------------------------------------------------

    def sbatch(self, words: list[str], script: str) -> str:
        """Hands over a job; its id. The script goes in by standard input, so no file of it stays behind."""
        try:
            said = self._ask(["sbatch", "--parsable", *words], given=script)
        finally:
            self.forget()
        return said.strip().splitlines()[-1].partition(";")[0]

    def scancel(self, *words: str) -> None:
        """Ends jobs; one that has ended already is fine."""
        try:
            self._ask(["scancel", *words])
        except SlurmTrouble as trouble:
            if "invalid job id" not in trouble.said.lower():
                raise
        finally:
            self.forget()

    @property
    def takes_out_tasks(self) -> bool:
        """Whether a task that waits can be ended without the rest of its array."""
        return True

    def take_out(self, *natives: str) -> None:
        """Ends what still waits; what has just started is left alone."""
        single = [native for native in natives if "_" not in native]
        if single:
            self.scancel("--state=PENDING", *single)
        for native in natives:
            # With --state, scancel of 22.05 ends the whole array for the sake of one waiting task. Held, a task is a
            # job of its own and cannot start any more.
            if "_" in native and self._held(native):
                self.scancel(native)

    def _held(self, native: str) -> bool:
        """Holds a task that waits; False when there is nothing to hold any more."""
        try:
            self._ask(["scontrol", "hold", native])
        except SlurmTrouble as trouble:
            if any(words in trouble.said.lower() for words in _NOT_WAITING):
                return False
            raise
        return True

    def ask(self, *words: str) -> str:
        return self._ask(list(words), reading=True)

    def test(self, words: list[str], script: str) -> str:
        """What sbatch would do with such a job (--test-only answers on stderr)."""
        return self._ask(["sbatch", "--test-only", *words], reading=True, given=script, both=True)

    def _ask(self, words: list[str], *, reading: bool = False, given: str | None = None, both: bool = False) -> str:
        tool = self.options.tool(words[0])
        if tool is None:
            raise SlurmTrouble(COMMAND_MISSING, f"no {words[0]}")
        plain = self.options.tool_environment
        # Epoch seconds in, UTC out: no time zone, and no hour that comes twice in autumn.
        environment = {**plain, "TZ": "UTC", "SLURM_TIME_FORMAT": "%s"} if reading else plain
        try:
            done = subprocess.run(
                [tool, *words[1:]], input=given or "", capture_output=True, text=True, errors="replace", check=False,
                timeout=self.options.timeout_seconds, env=environment,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise SlurmTrouble(COMMAND_SLOW, f"{words[0]} took {self.options.timeout_seconds:.0f} s") from error
        if done.returncode:
            raise trouble_from(done.stderr or done.stdout)
        return done.stdout + (done.stderr if both else "")
