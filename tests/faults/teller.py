"""Speaks for an installation's database: one line of JSON in, one out. Started inside the installation's environment.

python -m portal.embedded exec -- python -m tests.faults.teller
"""

import json
import sys
from datetime import timedelta
from typing import Any

import django


class Teller:
    """What the fault runs ask of a portal. Each answer is read from the database as it is now."""

    def __init__(self) -> None:
        self.scene: Any = None

    def found(self) -> str:
        """A company with hours, data, a model, and a connected site; the code for its first agent."""
        from tests.jobs.scene import make_scene

        self.scene = make_scene(gpu_hours=10_000)
        return self.code()

    def code(self) -> str:
        from jobs.siteapi.services import create_enrolment_code
        from portal.kernel.clock import now

        return create_enrolment_code(site=self.scene.site, actor=None, at=now())

    def submit(self, name: str, count: int = 1) -> list[str]:
        from tests.jobs.scene import submit

        return [str(submit(self.scene, name=name).pk) for _ in range(count)]

    def states(self, jobs: list[str]) -> list[str]:
        from jobs.models import Job

        found = dict(Job.objects.filter(pk__in=jobs).values_list("pk", "state"))
        return [next(state for key, state in found.items() if str(key) == job) for job in jobs]

    def leased(self) -> list[str]:
        """When each attempt that is not over yet was leased."""
        from jobs.models import Attempt
        from jobs.states import JOB_FINAL

        moments = Attempt.objects.exclude(state__in=JOB_FINAL).values_list("created_at", flat=True)
        return [moment.isoformat() for moment in moments]

    def sweep(self, days: float) -> dict[str, int]:
        """What the portal would do by itself after so many days."""
        from jobs.execution.services import sweep
        from portal.kernel.clock import now

        return sweep(at=now() + timedelta(days=days))

    def book(self, jobs: list[str]) -> list[dict[str, Any]]:
        """Of each job: how it ended, its results, what was metered and what was charged."""
        from jobs.models import Attempt, Job, LedgerEntry, UsageRecord
        from models_hub.models import TunedModel

        rows = []
        for pk in jobs:
            job = Job.objects.get(pk=pk)
            records = UsageRecord.objects.filter(attempt__job=job, corrects__isnull=True)
            charges = LedgerEntry.objects.filter(job=job, kind="charge")
            rows.append(
                {
                    "state": job.state,
                    "sentence": f"{job.hint_code} {job.sentence}",
                    "results": TunedModel.objects.filter(job_id=job.pk).count(),
                    "delivered": Attempt.objects.filter(job=job, state="done").count(),
                    "keys": list(Attempt.objects.filter(job=job).values_list("key", flat=True)),
                    "charges": charges.count(),
                    "charged": -sum(entry.gpu_seconds for entry in charges),
                    "usage": [
                        {
                            "method": row.method,
                            "id": row.native_id,
                            "gpu_seconds": row.gpu_seconds,
                            "receipt": row.receipt_gpu_seconds,
                        }
                        for row in records
                    ],
                }
            )
        return rows

    def snapshot(self) -> dict[str, int]:
        """How many rows each table of the portal's has; but for what keeps messages from counting twice."""
        from django.apps import apps

        left_out = {"RequestNonce", "AuditEvent", "SiteMessage"}
        models = [model for model in apps.get_models() if model._meta.app_label in ("jobs", "models_hub")]
        return {model.__name__: model.objects.count() for model in models if model.__name__ not in left_out}


def main() -> None:
    django.setup()
    from django.db import connection

    teller = Teller()
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            said = {"said": getattr(teller, asked["ask"])(*asked["words"])}
        except Exception as error:
            said = {"trouble": f"{type(error).__name__}: {error}"}
            connection.close()
        print(json.dumps(said, default=str), flush=True)


if __name__ == "__main__":
    main()
