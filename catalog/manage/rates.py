"""Rates by four eyes: one administrator proposes what an hour is worth, another approves it; then it never changes."""

from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action, Role
from accounts.services import notify
from catalog.models import Partition, RateCard
from catalog.states import RateState
from portal.kernel.errors import DomainError
from portal.ui.numbers import money


@transaction.atomic
def propose_rate(
    *,
    partition: Partition,
    eur_per_gpu_hour: Decimal,
    method: str,
    evidence: str,
    evidence_url: str,
    valid_from: date,
    actor: User,
    paper: tuple[str, bytes] | None = None,
) -> RateCard:
    """A new rate from a day on, with its evidence; it counts once another administrator has approved it.

    `paper` is (name, content) of an uploaded price list or account. Raises DomainError: "rate_overlaps" when a rate
    already begins on that day or later, "rate_waiting" when another proposal for this hardware waits.
    """
    require(actor, Action.MANAGE_SITES)
    locked = Partition.objects.select_for_update().get(pk=partition.pk)
    _refuse_overlap(locked, valid_from)
    if locked.rate_cards.proposed().exists():
        raise DomainError(
            "rate_waiting",
            _("A rate for this hardware already waits for approval. Approve or withdraw it first."),
        )
    name, content = paper or ("", b"")
    card = RateCard(
        partition=locked,
        eur_per_gpu_hour=eur_per_gpu_hour,
        method=method,
        evidence=evidence,
        evidence_url=evidence_url,
        evidence_filename=name[:200],
        evidence_sha256=sha256(content or evidence.encode()).hexdigest(),
        valid_from=valid_from,
        proposed_by=actor,
    )
    if content:
        card.evidence_file.save(name, ContentFile(content), save=False)
    card.save()
    _record(card, actor, "catalog.rate_proposed")
    _tell_the_others(card, actor)
    return card


@transaction.atomic
def approve_rate(*, card: RateCard, actor: User, on: date) -> RateCard:
    """The second pair of eyes. The rate before ends where this one begins; nothing else changes.

    Raises DomainError: "own_rate" for whoever proposed it, "rate_overlaps" when another rate was approved meanwhile.
    """
    require(actor, Action.MANAGE_SITES)
    locked = Partition.objects.select_for_update().get(pk=card.partition_id)
    if card.proposed_by_id == actor.pk:
        raise DomainError(
            "own_rate",
            _("You proposed this rate, so another administrator must approve it. Ask one to open this page."),
        )
    _refuse_overlap(locked, card.valid_from)
    before = locked.rate_cards.valid_on(card.valid_from).first()
    card.move_to(RateState.APPROVED, decided_by=actor, decided_on=on)
    _record(card, actor, "catalog.rate_approved", before=str(before.eur_per_gpu_hour) if before else None)
    return card


@transaction.atomic
def withdraw_rate(*, card: RateCard, actor: User, on: date) -> RateCard:
    """Takes a proposal back, or turns it down. The row stays on the history page."""
    require(actor, Action.MANAGE_SITES)
    card.move_to(RateState.WITHDRAWN, decided_by=actor, decided_on=on)
    _record(card, actor, "catalog.rate_withdrawn")
    return card


def _refuse_overlap(partition: Partition, valid_from: date) -> None:
    latest = partition.rate_cards.approved().order_by("-valid_from").first()
    if latest and latest.valid_from >= valid_from:
        raise DomainError(
            "rate_overlaps",
            _("A rate already starts on %(day)s. Choose a later day.") % {"day": date_format(latest.valid_from)},
            field="valid_from",
        )


def _record(card: RateCard, actor: User, action: str, **more: Any) -> None:
    audit.record(
        actor=actor,
        action=action,
        target=card,
        partition=card.partition_id,
        eur_per_gpu_hour=str(card.eur_per_gpu_hour),
        valid_from=card.valid_from.isoformat(),
        evidence_sha256=card.evidence_sha256,
        **more,
    )


def _tell_the_others(card: RateCard, actor: User) -> None:
    """Every other administrator learns that a rate waits for them."""
    others = User.objects.filter(role_grants__role=Role.ADMINISTRATOR, is_active=True).exclude(pk=actor.pk).distinct()
    for person in others:
        with translation.override(person.language):
            notify(
                user=person,
                kind="rate_proposed",
                title=_("A rate waits for your approval: %(hardware)s") % {"hardware": card.partition},
                body=_("%(name)s proposed %(rate)s a GPU-hour at %(site)s. Check the evidence, then approve it.")
                % {"name": actor, "rate": money(card.eur_per_gpu_hour, 3), "site": card.partition.site},
                path=reverse("catalog:rates", args=[card.partition_id]),
                email=True,
            )
