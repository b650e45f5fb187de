"""Changing the dated graph of undertakings: links, their end, events, and who confirms them.

What somebody states about another company counts for the other only after an owner there, or an administrator who has
seen papers, confirmed it. Whether that other company is on this portal is never told. Each change waits until no
decision is under way; the past stays as it was decided, and what is left is worked out anew from then on.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import ControlStatement, Evidence, Organisation, UndertakingEvent, User
from accounts.notices import notify
from accounts.permissions import may, require
from accounts.roles import Action
from accounts.selectors import owners_of
from accounts.state_aid.keys import names_a_company, organisation_id, organisation_key
from accounts.state_aid.services.locks import lock_structure
from accounts.state_aid.services.undertakings import keys_of, needs_nobody_else
from portal.kernel.errors import DomainError, NotAllowed

Event = UndertakingEvent.Kind


# ---- links ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def state_link(
    *,
    organisation: Organisation,
    controller: str,
    controller_name: str,
    controlled: str,
    controlled_name: str,
    ground: str,
    valid_from: date,
    actor: User,
    on: date,
) -> ControlStatement:
    """An owner states that one company controls another since a day. Stating it again changes nothing.

    A link to a party that only this organisation knows counts at once; every other waits for confirmation, and the
    owners of the company named are asked. Raises DomainError: link_to_itself, link_in_future.
    """
    require(actor, Action.DECLARE, organisation=organisation)
    lock_structure()
    if valid_from > on:
        raise DomainError("link_in_future", _("Enter the link when it has come about."), field="valid_from")
    own = set(keys_of(organisation))
    me = organisation_key(organisation.pk)
    controller, controlled = (me if key in own else key for key in (controller, controlled))
    if controller == controlled:
        raise DomainError("link_to_itself", _("A company cannot control itself. Check the number."), field="number")
    standing = ControlStatement.objects.filter(
        organisation=organisation,
        controller__in=_same(controller),
        controlled__in=_same(controlled),
        valid_to=None,
    ).first()
    if standing is not None:
        return standing
    alone = needs_nobody_else((controller, controlled), organisation)
    row = ControlStatement.objects.create(
        organisation=organisation,
        controller=controller,
        controller_name=controller_name.strip()[:200],
        controlled=controlled,
        controlled_name=controlled_name.strip()[:200],
        ground=ground,
        valid_from=valid_from,
        stated_by=actor,
        confirmed_on=on if alone else None,
    )
    _recorded(actor, "group.link_stated", row, organisation)
    if not alone:
        _ask_others(row, organisation)
    return row


@transaction.atomic
def record_control(
    *, organisation: Organisation, links: Iterable[Mapping[str, Any]], actor: User, on: date
) -> list[ControlStatement]:
    """Takes over the whole list of links that an owner stated that day: new ones are added, those gone end today.

    Each link: controller, controller_name, controlled, controlled_name, ground, and valid_from where it is known.
    """
    require(actor, Action.DECLARE, organisation=organisation)
    lock_structure()
    rows = [
        state_link(
            organisation=organisation,
            controller=link["controller"],
            controller_name=link["controller_name"],
            controlled=link["controlled"],
            controlled_name=link["controlled_name"],
            ground=link.get("ground", ControlStatement.Ground.MAJORITY_OF_VOTES),
            valid_from=min(link.get("valid_from") or on, on),
            actor=actor,
            on=on,
        )
        for link in links
    ]
    gone = ControlStatement.objects.filter(organisation=organisation, valid_to=None).exclude(
        pk__in=[row.pk for row in rows]
    )
    for row in gone:
        end_link(statement=row, last_day_before=on, actor=actor, on=on)
    return rows


@transaction.atomic
def end_link(*, statement: ControlStatement, last_day_before: date, actor: User, on: date) -> ControlStatement:
    """The link no longer holds from `last_day_before` on. Owners of the other company are told.

    A link that began that day, or later, was a mistake and ends the day after it began: the record stays.
    Raises DomainError: link_ended, link_in_future.
    """
    row = ControlStatement.objects.select_related("organisation").get(pk=statement.pk)
    if not may(actor, Action.MANAGE_LAW):
        require(actor, Action.DECLARE, organisation=row.organisation)
    lock_structure()
    if last_day_before > on:
        raise DomainError("link_in_future", _("Enter the end when it has come about."), field="valid_to")
    ends_on = max(last_day_before, row.valid_from + timedelta(days=1))
    if not ControlStatement.objects.filter(pk=row.pk, valid_to=None).update(valid_to=ends_on):
        raise DomainError("link_ended", _("This link has already ended."))
    row.valid_to = ends_on
    _recorded(actor, "group.link_ended", row, row.organisation, valid_to=ends_on.isoformat())
    for other in _others(row, row.organisation):
        _tell(
            other,
            "group_link_ended",
            lambda: _("%(name)s states that a link to your company has ended") % {"name": row.organisation},
            lambda: _("If that is wrong, state the link yourself: it decides which public support counts together."),
        )
    return row


def waiting_for(organisation: Organisation) -> Iterable[ControlStatement]:
    """Links that others stated about this organisation and that its owners may confirm."""
    keys = keys_of(organisation)
    open_ones = ControlStatement.objects.filter(confirmed_on=None, valid_to=None).exclude(organisation=organisation)
    rows = open_ones.filter(controller__in=keys) | open_ones.filter(controlled__in=keys)
    return [row for row in rows.select_related("organisation") if _states_itself(row)]


@transaction.atomic
def confirm_link(
    *, statement: ControlStatement, actor: User, on: date, as_organisation: Organisation | None = None
) -> ControlStatement:
    """Makes a link count for everybody it names: by an owner of the company named, or by an administrator.

    `as_organisation` is the company the owner speaks for; without it the actor must be an administrator. The link then
    belongs to the organisation itself, whatever number it has later.
    """
    lock_structure()
    row = ControlStatement.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=statement.pk)
    _may_confirm(row, actor, as_organisation)
    if row.confirmed_on is not None:
        return row
    if row.refused_on is not None:
        raise DomainError(
            "link_refused", _("The company named refused this link. Only if it is stated anew can it be confirmed.")
        )
    pinned = {name: _pinned(getattr(row, name)) for name in ("controller", "controlled")}
    if pinned["controller"] == pinned["controlled"]:
        raise DomainError("link_to_itself", _("Both names belong to one company; the link cannot be confirmed."))
    ControlStatement.objects.filter(pk=row.pk).update(confirmed_by=actor, confirmed_on=on, **pinned)
    row.refresh_from_db()
    _recorded(actor, "group.link_confirmed", row, row.organisation)
    return row


@transaction.atomic
def refuse_link(
    *, statement: ControlStatement, reason: str, actor: User, on: date, as_organisation: Organisation
) -> ControlStatement:
    """An owner of the company named says that a link is wrong: it ends that day and counts for nobody, on no day.

    The owners of the company that stated it read the reason and may state the link anew; that new row waits again, so
    a person looks at their grants. Raises DomainError: refusal_reason, link_confirmed, link_ended.
    """
    lock_structure()
    row = ControlStatement.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=statement.pk)
    _may_confirm(row, actor, as_organisation)
    reason = reason.strip()
    if not reason:
        raise DomainError("refusal_reason", _("Say what is wrong, so that the other company can act."), field="reason")
    if row.confirmed_on is not None:
        raise DomainError(
            "link_confirmed", _("This link is confirmed. Ask the company that stated it, or the helpdesk, to end it.")
        )
    if row.valid_to is not None:
        raise DomainError("link_ended", _("This link has already ended."))
    row.refused_by, row.refused_on, row.refused_reason = actor, on, reason
    row.valid_to = max(on, row.valid_from + timedelta(days=1))
    row.save(update_fields=["refused_by", "refused_on", "refused_reason", "valid_to"])
    # Two rows, for each company's own record.
    _recorded(actor, "group.link_refused", row, row.organisation)
    _recorded(actor, "group.link_refused", row, as_organisation, reason=reason)
    link = {"controller": row.controller_name, "controlled": row.controlled_name}
    _tell(
        row.organisation,
        "group_link_refused",
        lambda: _("A link you stated was refused: %(controller)s controls %(controlled)s") % link,
        lambda: (
            _(
                "The other company says: %(reason)s The link no longer counts. If it is right after all, state it "
                "anew: then a person looks at your papers before your next grant. If it is not, there is nothing to do."
            )
            % {"reason": reason if reason[-1] in ".!?" else f"{reason}."}
        ),
    )
    return row


def _may_confirm(row: ControlStatement, actor: User, organisation: Organisation | None) -> None:
    if organisation is None:
        require(actor, Action.MANAGE_LAW)
        return
    require(actor, Action.DECLARE, organisation=organisation)
    named = {row.controller, row.controlled} & set(keys_of(organisation))
    if not named or row.organisation_id == organisation.pk or not _states_itself(row):
        raise NotAllowed("not_allowed", _("Only the company that this link names, or an administrator, can answer it."))


def _states_itself(row: ControlStatement) -> bool:
    """Whether one end is the company that states it; a link between two others is for an administrator."""
    return not {row.controller, row.controlled}.isdisjoint(keys_of(row.organisation))


def _same(key: str) -> set[str]:
    """The keys under which the same company may stand in a row: its number, or its own key once confirmed."""
    found = _organisation_of(key)
    return {key, *keys_of(found)} if found else {key}


def _pinned(key: str) -> str:
    """The organisation's own key where a number is that of an organisation here."""
    found = _organisation_of(key)
    return organisation_key(found.pk) if found else key


# ---- events --------------------------------------------------------------------------------------------------------


@transaction.atomic
def record_event(
    *,
    organisation: Organisation,
    kind: str,
    on: date,
    before: Iterable[str],
    after: Iterable[str],
    names: Mapping[str, str],
    actor: User,
    today: date,
    equity: Mapping[str, Decimal] | None = None,
    used_by: Mapping[str, str] | None = None,
    note: str = "",
    evidence: Evidence | None = None,
    supersedes: UndertakingEvent | None = None,
) -> UndertakingEvent:
    """An owner states a merger, an acquisition or a split. The row stays; a correction is a new row that replaces it.

    Keys as in `state_link`. Nothing of the past changes: from its day on the event decides whose earlier aid counts.
    Raises DomainError: event_in_future, event_parties, event_equity, event_superseded.
    """
    require(actor, Action.DECLARE, organisation=organisation)
    lock_structure()
    if on > today:
        raise DomainError("event_in_future", _("Enter the event when it has taken place."), field="on")
    own = set(keys_of(organisation))
    me = organisation_key(organisation.pk)

    def mine(key: str) -> str:
        return me if key in own else key

    parties = [mine(key) for key in before], [mine(key) for key in after]
    values = {mine(key): amount for key, amount in (equity or {}).items()}
    _check_parties(kind, *parties, values)
    if me not in {*parties[0], *parties[1]}:
        raise DomainError("event_parties", _("Your own company must be one of the parties."), field="parties")
    if supersedes is not None:
        _check_correctable(supersedes, organisation)
    row = UndertakingEvent.objects.create(
        organisation=organisation,
        kind=kind,
        on=on,
        before=parties[0],
        after=parties[1],
        names={mine(key): name.strip()[:200] for key, name in names.items()},
        equity={key: str(amount) for key, amount in values.items()},
        used_by={reference: mine(key) for reference, key in (used_by or {}).items()},
        note=note.strip(),
        evidence=evidence,
        stated_by=actor,
        confirmed_by=actor if _alone(kind, parties, organisation) else None,
        supersedes=supersedes,
    )
    _recorded(actor, "group.event_stated", row, organisation, kind=kind)
    return row


@transaction.atomic
def take_back_event(*, event: UndertakingEvent, reason: str, actor: User, today: date) -> UndertakingEvent:
    """Takes an event back by a row without parties; what was decided on it stays as it was."""
    row = UndertakingEvent.objects.select_related("organisation").get(pk=event.pk)
    require(actor, Action.DECLARE, organisation=row.organisation)
    lock_structure()
    _check_correctable(row, row.organisation)
    empty = UndertakingEvent.objects.create(
        organisation=row.organisation, kind=row.kind, on=row.on, note=reason.strip(), stated_by=actor, supersedes=row
    )
    _recorded(actor, "group.event_taken_back", empty, row.organisation, day=today.isoformat())
    return empty


@transaction.atomic
def confirm_event(*, event: UndertakingEvent, actor: User) -> UndertakingEvent:
    """An administrator who has seen the papers makes an event count for everybody it names."""
    require(actor, Action.MANAGE_LAW)
    lock_structure()
    row = UndertakingEvent.objects.select_related("organisation").get(pk=event.pk)
    if row.confirmed_by_id is None:
        pinned = {
            "before": [_pinned(key) for key in row.before],
            "after": [_pinned(key) for key in row.after],
            "names": {_pinned(key): name for key, name in row.names.items()},
            "equity": {_pinned(key): amount for key, amount in row.equity.items()},
            "used_by": {reference: _pinned(key) for reference, key in row.used_by.items()},
        }
        UndertakingEvent.objects.filter(pk=row.pk).update(confirmed_by=actor, **pinned)
        row.refresh_from_db()
        _recorded(actor, "group.event_confirmed", row, row.organisation)
    return row


def _check_parties(kind: str, before: list[str], after: list[str], equity: Mapping[str, Decimal]) -> None:
    sizes = {
        Event.MERGER: len(before) >= 1 and len(after) == 1 and len({*before, *after}) >= 2,
        Event.ACQUISITION: len(before) >= 2 and set(before) == set(after),
        Event.SPLIT: len(before) == 1 and len(after) >= 2,
    }
    twice = len(set(before)) != len(before) or len(set(after)) != len(after)
    if not sizes[Event(kind)] or twice or not all((*before, *after)):
        raise DomainError(
            "event_parties",
            _("Check the parties: a merger leaves one company, a takeover at least two, a split makes at least two."),
            field="parties",
        )
    if any(amount < 0 for amount in equity.values()) or not set(equity) <= set(after):
        raise DomainError(
            "event_equity", _("Enter each successor's book value of equity, zero or more."), field="equity"
        )


def _check_correctable(row: UndertakingEvent, organisation: Organisation) -> None:
    if row.organisation_id != organisation.pk or UndertakingEvent.objects.filter(supersedes=row).exists():
        raise DomainError("event_superseded", _("This event was corrected already. Correct the newest row."))


def _alone(kind: str, parties: tuple[list[str], list[str]], organisation: Organisation) -> bool:
    """A split takes aid off a company, so somebody else always looks; the rest may concern nobody else."""
    return kind != Event.SPLIT and needs_nobody_else({*parties[0], *parties[1]}, organisation)


# ---- telling -------------------------------------------------------------------------------------------------------


def _organisation_of(key: str) -> Organisation | None:
    pk: UUID | None = organisation_id(key)
    if pk is not None:
        return Organisation.objects.filter(pk=pk).first()
    kind, _colon, number = key.partition(":")
    if kind == "vat":
        return Organisation.objects.filter(vat_number=number).first()
    return Organisation.objects.filter(euid=number).first() if kind == "euid" else None


def _others(row: ControlStatement, organisation: Organisation) -> list[Organisation]:
    found = [_organisation_of(key) for key in (row.controller, row.controlled) if names_a_company(key)]
    return [other for other in found if other is not None and other.pk != organisation.pk]


def _ask_others(row: ControlStatement, organisation: Organisation) -> None:
    """Asks the owners of a company named, if it is here. What the stating side sees is the same either way."""
    if not _states_itself(row):
        return
    for other in _others(row, organisation):
        _tell(
            other,
            "group_link",
            lambda: _("%(name)s states that it belongs to one group with your company") % {"name": organisation},
            lambda: _("Look at the link and confirm it if it is right. Until then nothing changes for your company."),
        )


def _tell(organisation: Organisation, kind: str, title: Any, body: Any) -> None:
    for owner in owners_of(organisation):
        with translation.override(owner.language):
            notify(
                user=owner,
                kind=kind,
                title=title(),
                body=body(),
                path=reverse("accounts:group"),
                organisation=organisation,
                email=True,
            )


def _recorded(
    actor: User, action: str, row: ControlStatement | UndertakingEvent, organisation: Organisation, **data: Any
) -> None:
    audit.record(actor=actor, action=action, target=row, organisation=organisation, **data)
