"""All the portal knows, row by row and file by file, so that a test can say that nothing changed."""

import hashlib
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings

# Written for every request, refused or not: they say that it came, and change nothing.
NOTES = frozenset({"jobs.requestnonce", "jobs.sitemessage", "accounts.auditevent"})
# That an agent was heard, and when its lease would run out: true of every message it signs.
SIGNS_OF_LIFE = {
    "jobs.siteagent": {"last_seen_at", "capacity"},
    "jobs.agentkey": {"last_used_at"},
    "jobs.attempt": {"last_heard_at", "lease_expires_at"},
}
NUMBERED = frozenset({"id"})
WRITTEN = frozenset({"updated_at", "created_at", "reported_at"})


def snapshot(*, without: frozenset[str] = NOTES) -> dict[str, Any]:
    """Every row of every table, without running numbers and the moments of writing, and every file's digest."""
    found: dict[str, Any] = {}
    for model in apps.get_models():
        name = model._meta.label_lower
        if name not in without and model._meta.managed and not model._meta.proxy:
            found[name] = rows_of(model)
    media = Path(settings.MEDIA_ROOT)
    found["media"] = sorted(
        (str(path.relative_to(media)), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in media.rglob("*")
        if path.is_file()
    )
    return found


def rows_of(model: Any) -> list[str]:
    numbered = NUMBERED if model._meta.pk.get_internal_type().endswith("AutoField") else frozenset()
    left_out = (
        SIGNS_OF_LIFE.get(model._meta.label_lower, set()) | numbered | {"updated_at", "created_at", "reported_at"}
    )
    names = [field.attname for field in model._meta.concrete_fields if field.attname not in left_out]
    return sorted(repr(row) for row in model._base_manager.values_list(*names))


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What came and what went, for the message of a test that fails."""
    return {
        name: {"gone": [row for row in before[name] if row not in after[name]],
               "new": [row for row in after[name] if row not in before[name]]}
        for name in before
        if before[name] != after[name]
    }  # fmt: skip
