"""A session begins at each start of an agent. Its epoch fences whoever still speaks for an older one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from catalog.models import Site
from jobs.execution.rules import LEASE
from jobs.models import Attempt, SiteAgent
from jobs.siteapi import portal_keys
from jobs.siteapi.features import common_features
from jobs.siteapi.services.messages import note_message
from jobs.siteapi.services.store import models_without_tokenizer, report_models
from jobs.states import JOB_FINAL


@transaction.atomic
def open_session(
    *, agent: SiteAgent, description: Mapping[str, Any], models: list[dict[str, str]], version: str, at: datetime
) -> dict[str, Any]:
    """Raises the agent's epoch above every epoch of its site and says what the portal believes it holds."""
    Site.objects.select_for_update().get(pk=agent.site_id)
    latest = SiteAgent.objects.filter(site_id=agent.site_id).aggregate(latest=Max("epoch"))["latest"] or 0
    agent.epoch = latest + 1
    agent.description = {**description, "features": common_features(description)}
    agent.version = version[:40]
    agent.last_seen_at = at
    agent.save(update_fields=["epoch", "description", "version", "last_seen_at"])
    report_models(site=agent.site, models=models, at=at)
    note_message(agent=agent, call="session", said={"epoch": agent.epoch, "models": len(models)}, at=at)
    held = Attempt.objects.filter(agent=agent).exclude(state__in=JOB_FINAL)
    return {
        "epoch": agent.epoch,
        "site": agent.site.slug,
        "features": agent.description["features"],
        **(portal_keys.announcement() if agent.knows("keys") else {}),
        "time": at.isoformat(),
        "lease_seconds": int(LEASE.total_seconds()),
        "attempts": [{"key": attempt.key, "token": attempt.lease_token, "state": attempt.state} for attempt in held],
        "tokenizers_wanted": models_without_tokenizer(agent.site),
    }
