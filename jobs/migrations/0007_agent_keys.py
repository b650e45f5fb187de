"""Every enrolled agent's key becomes a row of its own, so that a second one can be taken into use beside it."""

import hashlib

from django.db import migrations


def fingerprint(public_key: str) -> str:
    """As `jobs.siteapi.keys.key_id`, written out: a migration keeps its meaning when the code moves on."""
    return hashlib.sha256(public_key.encode()).hexdigest()[:16]


def rows_for_keys(apps, schema_editor):
    agents, keys = apps.get_model("jobs", "SiteAgent"), apps.get_model("jobs", "AgentKey")
    for agent in agents.objects.filter(keys__isnull=True).iterator():
        keys.objects.create(
            agent=agent,
            public_key=agent.public_key,
            fingerprint=fingerprint(agent.public_key),
            last_used_at=agent.last_seen_at,
            revoked_at=agent.revoked_at,
        )


class Migration(migrations.Migration):
    dependencies = [("jobs", "0006_site_outages")]
    operations = [migrations.RunPython(rows_for_keys, migrations.RunPython.noop)]
