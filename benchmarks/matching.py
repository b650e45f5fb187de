"""Ranking 500 places of 50 sites for one run, from the rows in PostgreSQL to the last sentence of the page."""

import os
import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks._embedded import show
from portal.embedded.layout import ROOT

SITES, PARTITIONS, REPEATS = 50, 10, 15
BUDGET = "300 ms"


def main() -> None:
    command = [sys.executable, "-m", "portal.embedded", "exec", "--temporary", "--", sys.executable, "-m", __name__]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


def measure() -> None:
    """Inside an empty installation: fills it, then measures the whole way and its parts."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from jobs.matching.rules import rank
    from jobs.matching.selectors import offers, weights
    from jobs.matching.table import table_of
    from portal.kernel.clock import now

    call_command("migrate", verbosity=0)
    organisation, need = fill()

    def whole(*, everything: bool = False) -> Any:
        held = weights()
        ranking = rank(need, offers(need, at=now(), organisation=organisation), held)
        return table_of(ranking, held, everything=everything)

    table = whole()
    with CaptureQueriesContext(connection) as queries:
        whole()
    found = offers(need, at=now(), organisation=organisation)
    print(f"  {SITES} sites, {len(found)} offers: {table.possible} ranked, {table.impossible} left out with reasons")
    show("queries", str(len(queries)))
    print(f"  load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    show("rank all, write the page's rows", _median(whole), BUDGET)
    show("of it rows to facts", _median(lambda: offers(need, at=now(), organisation=organisation)))
    show("of it rules and estimates", _median(lambda: rank(need, found)))
    show("rank all, write all 500 rows", _median(lambda: whole(everything=True)))


def _median(act: Any) -> str:
    act()
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun)
    return f"{statistics.median(times) * 1000:.0f} ms (least {min(times) * 1000:.0f})"


def fill() -> tuple[Any, Any]:
    """Sites in every state of health, each with ten kinds of hardware, agents, models, rates, forecasts and windows."""
    from datetime import timedelta

    from catalog.models import StoredModel
    from jobs.matching.facts import Need
    from jobs.matching.plans import planned_run
    from jobs.models import MaintenanceWindow, PartitionReport
    from portal.kernel.clock import now
    from tests.factories import make_allocation, make_foundation_model, make_organisation, make_partition, make_site
    from tests.jobs.scene import make_agent

    at, organisation = now(), make_organisation()
    model = make_foundation_model(
        layers=32, hidden=4096, intermediate=11008, heads=32, kv_heads=8, head_dim=128, vocab=32000, context=4096
    )
    for number in range(SITES):
        site = make_site(
            country=("FI", "DE", "SI", "FR", "LU")[number % 5],
            sectors=[["manufacturing"], [], ["health", "energy"]][number % 3],
            helpdesk_languages=[["en"], ["fi", "en"], ["fr"]][number % 3],
            grid_g_per_kwh=40 + 10 * number,
        )
        said = {"recipes": ["chat", "classify"], "limits": {"gpus": 8, "max_seconds": 90000}}
        agent = make_agent(site, last_seen_at=at - timedelta(seconds=15 * number), description=said)
        if number % 4:
            StoredModel.objects.create(site=site, model=model, revision="r", last_reported_at=at)
        if number % 10 == 0:
            MaintenanceWindow.objects.create(site=site, starts_at=at, ends_at=at + timedelta(hours=number + 1))
        for kind in range(PARTITIONS):
            partition = make_partition(
                site=site, rate=f"{1 + kind / 4:.2f}", gpu_memory_gb=(16, 40, 80, 141)[kind % 4], max_hours=24 + kind
            )
            PartitionReport.objects.create(
                agent=agent, site=site, name=partition.name, gpus_total=16, gpus_free=kind, queued=kind, measured_at=at,
                good_for_seconds=3600,
                expected_starts=[{"gpus": 1 << power, "nodes": 1, "seconds": 90 * kind} for power in range(4)],
            )  # fmt: skip
        make_allocation(organisation=organisation, partition=partition)
    need = Need(
        recipe="chat", model=model.slug, run=planned_run(model, rows=2000, words_per_row=200), runs=3, sector="25.10",
        language="fi", residency=frozenset({"FI", "DE", "SI", "LU"}),
    )  # fmt: skip
    return organisation, need


if __name__ == "__main__":
    measure()
