"""Usage records a second through the portal's own door beside PostgreSQL's own multi-row insert of the same rows.

`BENCH_ROWS` is how many rows are sent (600), each of an attempt of its own, in messages of 200 as an agent sends them.
"""

import os
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

from benchmarks._embedded import show
from portal.embedded.layout import ROOT

ROWS = int(os.environ.get("BENCH_ROWS", "600"))
AT_ONCE = 200


def main() -> None:
    command = [sys.executable, "-m", "portal.embedded", "exec", "--temporary", "--"]
    command += [sys.executable, "-m", "benchmarks.usage"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "portal.settings"}
    subprocess.run(command, check=True, env=environment, cwd=ROOT)


def measure() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from jobs.execution.services import lease_jobs
    from jobs.models import UsageRecord
    from portal.kernel.clock import now
    from tests.jobs.scene import make_agent, make_scene, submit

    scene = make_scene(gpu_hours=100_000)
    agent = make_agent(scene.site, description={"features": []})
    for _ in range(ROWS):
        submit(scene, name="usage")
    attempts = lease_jobs(agent=agent, wanted=ROWS, at=now())
    portal = _through_the_portal(agent, attempts)
    assert UsageRecord.objects.count() == ROWS
    rows = list(UsageRecord.objects.all())
    plain = _by_postgresql(rows)
    show("usage records, portal", f"{portal:,.0f} /s")
    show("usage records, PostgreSQL's multi-row insert", f"{plain:,.0f} /s")
    show("  portal's share", f"{portal / plain:.3f}")


def _through_the_portal(agent: Any, attempts: list[Any]) -> float:
    """As messages: read, checked, booked, acknowledged. HTTP and signature are left out: they cost once a message."""
    from jobs.siteapi.messages import read_sync
    from jobs.siteapi.services import take_reports
    from portal.kernel.clock import now

    spent = 0.0
    for first in range(0, len(attempts), AT_ONCE):
        some = attempts[first : first + AT_ONCE]
        message = {"epoch": agent.epoch, "usage": [_row(attempt) for attempt in some]}
        before = time.perf_counter()
        answer = take_reports(agent=agent, message=read_sync(message), at=now())
        spent += time.perf_counter() - before
        assert len(answer["acks"]["usage"]) == len(some), answer["refused"][:2]
    return len(attempts) / spent


def _row(attempt: Any) -> dict[str, Any]:
    start = attempt.created_at
    return {
        "id": attempt.key, "key": attempt.key, "token": attempt.lease_token, "cluster": "bench",
        "native_id": attempt.key, "started_at": start.isoformat(),
        "ended_at": (start + timedelta(seconds=60)).isoformat(), "gpus": 1, "gpu_seconds": 60, "cpu_seconds": 1,
        "energy_joules": None, "method": "accounting", "receipt_gpu_seconds": 59,
    }  # fmt: skip


def _by_postgresql(rows: list[Any]) -> float:
    """The same rows again into a bare copy of the table, with its indexes, 200 to an INSERT."""
    from django.db import connection, transaction

    from jobs.models import UsageRecord

    table = connection.ops.quote_name(UsageRecord._meta.db_table)
    fields = list(UsageRecord._meta.concrete_fields)
    names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    values = [[field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields] for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE bare_usage (LIKE {table} INCLUDING ALL)")
        marks = f"({', '.join(['%s'] * len(fields))})"
        began = time.perf_counter()
        for first in range(0, len(values), AT_ONCE):
            some = values[first : first + AT_ONCE]
            with transaction.atomic():
                cursor.execute(
                    f"INSERT INTO bare_usage ({names}) VALUES {', '.join([marks] * len(some))}",
                    [value for row in some for value in row],
                )
        return len(values) / (time.perf_counter() - began)


if __name__ == "__main__":
    measure()
