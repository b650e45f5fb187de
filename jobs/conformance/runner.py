"""Plays scenarios, several at a time: each has its own portal, agent and folder, and mostly waits."""

import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jobs.conformance.case import Result, Scenario
from jobs.conformance.lab import Lab, Settings


def run(
    scenarios: Iterable[Scenario],
    settings: Settings,
    *,
    folder: Path | None = None,
    at_once: int = 6,
    tell: Callable[[list[Result]], None] = lambda results: None,
) -> list[Result]:
    """All results in the order of the scenarios. `folder` keeps what was written; without it nothing stays."""
    with tempfile.TemporaryDirectory(prefix="open-paas-conformance-") as passing:
        base = folder or Path(passing)

        def play(scenario: Scenario) -> list[Result]:
            results = Lab(scenario, settings, base / scenario.name).play()
            tell(results)
            return results

        with ThreadPoolExecutor(max_workers=at_once) as pool:
            return [result for results in pool.map(play, scenarios) for result in results]
