"""When a job of some shape would start, as Slurm itself says (`sbatch --test-only`): seldom, and never for long."""

import re
import time
from dataclasses import dataclass
from typing import Any

from jobs.agent.backends.slurm_commands import Slurm
from jobs.agent.backends.slurm_options import SlurmOptions
from jobs.agent.backends.slurm_reasons import SlurmTrouble
from jobs.agent.backends.slurm_rows import Node
from jobs.agent.config import Allowed

_SCRIPT = "#!/bin/sh\nexit 0\n"
# One look may ask for at most so long; a controller under load answers slowly, and the agent has other things to do.
_PATIENCE = 1.0
_MOST_PARTITIONS = 4
# The length of the imagined job: longer ones wait for longer gaps, and this is what most of ours take.
_MINUTES = 60


@dataclass(frozen=True)
class Want:
    """A job that somebody might ask for: GPUs in all, over so many nodes."""

    partition: str
    gpus: int
    nodes: int
    minutes: int


class Forecast:
    """The answers, each asked for again after `forecast_seconds`, the oldest first."""

    def __init__(self, slurm: Slurm, options: SlurmOptions, allowed: Allowed) -> None:
        self.slurm, self.options, self.allowed = slurm, options, allowed
        # When it was asked (monotonic), and the moment of the start (Unix time); None where Slurm says never.
        self._known: dict[Want, tuple[float, float | None]] = {}

    def starts(self, nodes: list[Node], *, at: float) -> dict[str, list[dict[str, Any]]]:
        """By partition: `{"gpus", "nodes", "seconds"}`, seconds from `at` (Unix time) on."""
        wants = self._wants(nodes)
        self._ask(wants)
        found: dict[str, list[dict[str, Any]]] = {}
        for want in wants:
            asked, start = self._known.get(want, (0.0, None))
            fresh = time.monotonic() - asked < 2 * self.options.forecast_seconds
            if start is not None and fresh:
                shape = {"gpus": want.gpus, "nodes": want.nodes, "seconds": max(0, round(start - at))}
                found.setdefault(want.partition, []).append(shape)
        return found

    def _wants(self, nodes: list[Node]) -> list[Want]:
        """One GPU, a whole node, and two nodes where this site gives several: what our jobs look like."""
        found = []
        for name in sorted({node.partition for node in nodes if node.gpus})[:_MOST_PARTITIONS]:
            members = [node for node in nodes if node.partition == name and node.usable]
            most = max((node.gpus for node in members), default=0)
            limit = min((node.max_seconds for node in members if node.max_seconds), default=_MINUTES * 60)
            shapes = [(1, 1), (most, 1)] + ([(2 * most, 2)] if self.allowed.max_nodes > 1 and len(members) > 1 else [])
            for gpus, count in dict.fromkeys(shapes):
                if 0 < gpus <= self.allowed.max_gpus:
                    found.append(Want(name, gpus, count, max(1, min(_MINUTES, limit // 60))))
        return found

    def _ask(self, wants: list[Want]) -> None:
        began = time.monotonic()
        due = [want for want in wants if began - self._known.get(want, (-1e9, None))[0] > self.options.forecast_seconds]
        for want in sorted(due, key=lambda one: self._known.get(one, (-1e9, None))[0]):
            if time.monotonic() - began > _PATIENCE:
                return
            try:
                said = self.slurm.test(self._words(want), _SCRIPT)
            except SlurmTrouble as trouble:
                if not trouble.refused:
                    return  # the site's trouble: what was known stays, and grows old
                said = ""
            match = re.search(r"to start at (\d+) ", said)
            self._known[want] = (time.monotonic(), float(match.group(1)) if match else None)

    def _words(self, want: Want) -> list[str]:
        options, each = self.options, want.gpus // want.nodes
        gpu = f"gpu:{options.gpu_type}:{each}" if options.gpu_type else f"gpu:{each}"
        known = {"partition": want.partition, "account": options.account, "qos": options.qos}
        return [
            f"--time={want.minutes}", f"--nodes={want.nodes}", f"--gres={gpu}",
            *(f"--{name}={value}" for name, value in known.items() if value), *options.extra,
        ]  # fmt: skip
