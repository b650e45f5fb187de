"""What an administrator does to the catalogue, each in one transaction with its audit event."""

from datetime import date, timedelta
from typing import Any

from django.db import models, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from catalog.models import AccessMode, FoundationModel, Partition, Site
from catalog.seeding import plain
from portal.kernel.errors import DomainError

# Terms that a request rests on: they change from a day on, by a new row.
TERMS = ("decided_by", "min_gpu_hours", "max_gpu_hours", "months", "decision_working_days", "rules", "cut_offs")


@transaction.atomic
def save_record(*, record: Site | Partition | FoundationModel, actor: User) -> bool:
    """Saves a new or edited site, partition or model, and records which fields changed. False when nothing did."""
    require(actor, Action.MANAGE_SITES)
    name = type(record).__name__.lower()
    changes = _changes(record)
    if record.pk and not changes:
        return False
    verb = "changed" if record.pk else "added"
    record.save()
    if isinstance(record, FoundationModel):
        FoundationModel.objects.filter(pk=record.pk).refresh_search()
    audit.record(actor=actor, action=f"catalog.{name}_{verb}", target=record, changes=changes)
    return True


@transaction.atomic
def change_access_mode(
    *, mode: AccessMode, changes: dict[str, Any], sites: list[Site], valid_from: date, actor: User
) -> AccessMode:
    """Changes an access mode. Wording and sites change at once; terms change by a new version from `valid_from` on.

    Returns the version that holds the change. Raises DomainError("terms_overlap") when that day is not after the start
    of the version it replaces.
    """
    require(actor, Action.MANAGE_SITES)
    mode = AccessMode.objects.select_for_update().get(pk=mode.pk)
    changed = {at: value for at, value in changes.items() if plain(getattr(mode, at)) != plain(value)}
    before = {at: plain(getattr(mode, at)) for at in changed}
    if set(changed) & set(TERMS):
        mode = _next_version(mode, valid_from)
    for attribute, value in changed.items():
        setattr(mode, attribute, value)
    mode.save()
    old_sites = sorted(mode.sites.values_list("slug", flat=True))
    mode.sites.set(sites)
    new_sites = sorted(site.slug for site in sites)
    if changed or old_sites != new_sites:
        audit.record(
            actor=actor,
            action="catalog.access_mode_changed",
            target=mode,
            code=mode.code,
            valid_from=mode.valid_from.isoformat(),
            changes={at: [before[at], plain(value)] for at, value in changed.items()},
            sites=new_sites,
        )
    return mode


@transaction.atomic
def add_access_mode(*, mode: AccessMode, sites: list[Site], actor: User) -> AccessMode:
    """Publishes a way to access that was not there before."""
    require(actor, Action.MANAGE_SITES)
    if AccessMode.objects.filter(code=mode.code).exists():
        raise DomainError("code_taken", _("Another way to access has this code. Choose another."), field="code")
    mode.save()
    mode.sites.set(sites)
    audit.record(
        actor=actor, action="catalog.access_mode_added", target=mode, code=mode.code, sites=[one.slug for one in sites]
    )
    return mode


def _next_version(mode: AccessMode, valid_from: date) -> AccessMode:
    """The same mode from that day on; the version before ends the day before."""
    newest = AccessMode.objects.filter(code=mode.code).order_by("-valid_from").first() or mode
    if newest.valid_from >= valid_from:
        raise DomainError(
            "terms_overlap",
            _("Terms of this way to access already start on %(day)s. New terms need a later day.")
            % {"day": date_format(newest.valid_from)},
            field="valid_from",
        )
    copy = AccessMode.objects.get(pk=mode.pk)
    AccessMode.objects.filter(pk=mode.pk).update(valid_to=valid_from - timedelta(days=1))
    sites = list(mode.sites.all())
    copy.pk, copy.valid_from, copy.valid_to, copy.seeded = None, valid_from, None, {}
    copy._state.adding = True
    copy.save()
    copy.sites.set(sites)
    return copy


def _changes(record: models.Model) -> dict[str, list[Any]]:
    """What differs from the saved row: {field: [before, after]}; for a new row every value that is set."""
    fields = [
        one for one in record._meta.concrete_fields if one.attname not in ("id", "created_at", "seeded", "search")
    ]
    after = {one.attname: plain(one.to_python(getattr(record, one.attname))) for one in fields}
    if not record.pk:
        return {name: [None, value] for name, value in after.items() if value not in (None, "", [], {})}
    saved = type(record)._default_manager.get(pk=record.pk)
    before = {one.attname: plain(getattr(saved, one.attname)) for one in fields}
    return {name: [before[name], value] for name, value in after.items() if before[name] != value}
