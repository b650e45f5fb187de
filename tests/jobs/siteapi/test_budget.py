"""What a site is told an allocation may use in all, so that it can hold it to that by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.ledger.services import adjust
from jobs.models import Attempt, LedgerEntry, UsageRecord
from jobs.siteapi.services.budget import budget_of

pytestmark = pytest.mark.django_db


def held(leased, seconds, *, charged):
    """A settled job of the allocation that held a GPU for so long."""
    attempt = Attempt.objects.get(key=leased.key)
    start = datetime.now(UTC)
    UsageRecord.objects.create(
        attempt=attempt, site=leased.site, cluster="c", native_id="1", started_at=start,
        ended_at=start + timedelta(seconds=seconds), gpus=1, gpu_seconds=seconds, method="accounting",
    )  # fmt: skip
    job = attempt.job
    LedgerEntry.objects.create(allocation=job.allocation, job=job, kind="charge", gpu_seconds=-charged)
    job.settled_at = start
    job.save(update_fields=["settled_at"])
    return job


def test_work_says_what_its_allocation_was_granted_in_all(leased):
    assert leased.payload["budget"] == {"allocation": leased.allocation.reference, "gpu_minutes": 600}
    assert leased.payload["nodes"] == 1


def test_what_is_granted_later_is_in_the_budget(leased):
    adjust(allocation=leased.allocation, gpu_seconds=3601, reason="more", actor=leased.owner)
    assert budget_of(leased.job)["gpu_minutes"] == 661


def test_hours_that_were_forgiven_may_be_used_again_at_the_site_too(leased):
    job = held(leased, 1200, charged=0)
    assert budget_of(job)["gpu_minutes"] == 620


def test_hours_that_were_charged_are_gone(leased):
    job = held(leased, 1200, charged=1200)
    assert budget_of(job)["gpu_minutes"] == 600
