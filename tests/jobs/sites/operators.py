"""A site's operator at the site's pages, and everything that can be seen there."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from jobs.execution.services import lease_jobs
from jobs.models import (
    AgentKey,
    Attempt,
    MaintenanceWindow,
    PartitionReport,
    Reconciliation,
    SiteMessage,
    SiteOutage,
    UsageDiscrepancy,
)
from tests.factories import grant, make_user, with_second_factor
from tests.jobs.scene import make_agent, make_scene, submit


def make_operator(site: Any) -> User:
    user = with_second_factor(make_user())
    grant(user, Role.OPERATOR, site_slug=site.slug)
    return user


def make_administrator() -> User:
    user = with_second_factor(make_user())
    grant(user, Role.ADMINISTRATOR)
    return user


def at(name: str, site: Any, **words: Any) -> str:
    return reverse(f"jobs:operated_{name}", kwargs={"slug": site.slug, **words})


def report(agent: Any, *, ago: float = 5, **fields: Any) -> PartitionReport:
    measured = datetime.now(UTC) - timedelta(seconds=ago)
    return PartitionReport.objects.create(
        **{
            "agent": agent, "site": agent.site, "name": "gpu", "gpus_total": 8, "gpus_free": 3, "queued": 2,
            "measured_at": measured, "good_for_seconds": 120,
            "expected_starts": [
                {"gpus": 4, "nodes": 1, "seconds": 720, "starts_at": (measured + timedelta(seconds=720)).isoformat()}
            ],
            **fields,
        }
    )  # fmt: skip


def full_scene() -> SimpleNamespace:
    """A site with something on every page."""
    scene = make_scene(name="Meluxina")
    now = datetime.now(UTC)
    scene.agent = make_agent(
        scene.site, name="login-1", version="1.0", last_seen_at=now, capacity={"gpus_total": 8, "draining": False},
        description={"backend": "slurm", "features": ["drain", "keys", "partitions", "removal"]},
    )  # fmt: skip
    scene.key = AgentKey.objects.create(
        agent=scene.agent, public_key="key 1", fingerprint="0123456789abcdef", last_used_at=now
    )
    report(scene.agent)
    report(scene.agent, ago=4000, name="big-memory", health="degraded", detail="2 nodes drained: fan failure")
    scene.job = submit(scene, name="Sort the letters of our customers")
    (scene.attempt,) = lease_jobs(agent=scene.agent, wanted=1, at=now)
    Attempt.objects.filter(pk=scene.attempt.pk).update(native_id="4711", started_at=now, state_seq=3)
    scene.ended = Attempt.objects.create(
        job=scene.job, number=9, key="ft-ended-9", site=scene.site, agent=scene.agent, lease_epoch=1,
        lease_token="t", created_at=now, lease_expires_at=now, not_after=now, last_heard_at=now,
        state="failed", state_seq=4, ended_at=now - timedelta(hours=30), remove_by=now - timedelta(hours=6),
    )  # fmt: skip
    scene.window = MaintenanceWindow.objects.create(
        site=scene.site, starts_at=now + timedelta(days=1), ends_at=now + timedelta(days=2), reason="New firmware"
    )
    MaintenanceWindow.objects.create(
        site=scene.site, agent=scene.agent, native_name="cooling", partition_name="gpu",
        starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1), reason="Pumps of rack 7",
    )  # fmt: skip
    SiteMessage.objects.create(site=scene.site, agent=scene.agent, at=now, call="sync", said={"states": 1, "usage": 2})
    SiteMessage.objects.create(site=scene.site, at=now, call="sync", said={"times": 7}, problem="signature_invalid")
    Reconciliation.objects.create(
        agent=scene.agent, site=scene.site, day=now.date() - timedelta(days=1), agent_rows=4, portal_rows=3,
        agent_gpu_seconds=7200, portal_gpu_seconds=5400, agent_digest="a" * 64, portal_digest="b" * 64, equal=False,
        checked_at=now,
    )  # fmt: skip
    UsageDiscrepancy.objects.create(
        site=scene.site, attempt=scene.attempt, kind="receipt", accounting_gpu_seconds=3600, other_gpu_seconds=3000
    )
    SiteOutage.objects.create(
        site=scene.site, since=now - timedelta(days=3), noticed_at=now - timedelta(days=3),
        ended_at=now - timedelta(days=3) + timedelta(minutes=42),
    )  # fmt: skip
    return scene


def addresses(scene: SimpleNamespace) -> list[str]:
    """Every page of an operator, and the public page of the site."""
    names = ("site", "jobs", "agents", "maintenance", "messages", "accounts", "removals")
    return [
        reverse("jobs:operated_sites"),
        *(at(name, scene.site) for name in names),
        at("agent_revoke", scene.site, agent=scene.agent.pk),
        at("key_revoke", scene.site, number=scene.key.pk),
        at("key_replace", scene.site, agent=scene.agent.pk),
        at("removal", scene.site, attempt=scene.ended.pk),
        scene.site.get_absolute_url(),
    ]
