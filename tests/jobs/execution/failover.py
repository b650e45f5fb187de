"""An allocation with two sites: its own, whose agent can fall silent, and a further place."""

from datetime import UTC, datetime, timedelta

from catalog.models import StoredModel
from jobs.models import AllocationPlace
from tests.factories import make_partition, make_site
from tests.jobs.scene import make_agent, make_scene, submit

AT = datetime.now(UTC)


def make_two_sites(*, may_move=True, rate="2.20", spare=None, **words):
    """`scene.agent` of the allocation's site and `scene.spare_agent` of the further place, both heard just now."""
    scene = make_scene()
    scene.agent = make_agent(scene.site, last_seen_at=AT)
    scene.spare = make_partition(site=make_site(**(spare or {})), rate=rate)
    scene.spare_agent = make_agent(scene.spare.site, last_seen_at=AT)
    StoredModel.objects.create(site=scene.spare.site, model=scene.model, revision="rev-1", last_reported_at=AT)
    scene.place = AllocationPlace.objects.create(
        allocation=scene.allocation, site=scene.spare.site, partition=scene.spare, reason="Agreed by both sites."
    )
    scene.job = submit(scene, may_move=may_move, **words)
    return scene


def heard(agent, at):
    agent.last_seen_at = at
    agent.save(update_fields=["last_seen_at"])


def later(**span):
    return AT + timedelta(**span)
