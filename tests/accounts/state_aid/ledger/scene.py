"""Companies with aid of several years and a group, as a decision would have left them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.models import AidAward, ControlStatement, Organisation, User
from accounts.roles import Role
from accounts.state_aid.keys import organisation_key
from accounts.state_aid.services import assess_grant, declare_aid, grant_award, release_award, reserve_award
from portal.kernel.clock import today
from tests.factories import grant, make_sme, make_user, with_second_factor


def company(**fields: Any) -> tuple[Organisation, User]:
    owner = make_user()
    organisation = make_sme(owner=owner, **fields)
    declare_aid(organisation=organisation, items=[], actor=owner, on=today() - timedelta(days=60))
    return organisation, owner


@transaction.atomic
def award(organisation: Organisation, amount: str, *, on: date | None = None, **fields: Any) -> AidAward:
    """A granted award, judged and reserved as a decision does it."""
    on = on or today()
    terms = {
        "state": "FI",
        "authority": "A ministry",
        "origin": "national_share",
        "reference": f"ALC-{amount}",
    } | fields
    assessment = assess_grant(
        organisation=organisation, site_state=terms["state"], authority=terms["authority"], origin=terms["origin"],
        amount_eur=Decimal(amount), on=on,
    )  # fmt: skip
    row = reserve_award(
        organisation=organisation, assessment=assessment, granting_state=terms["state"],
        granting_authority=terms["authority"], origin=terms["origin"], regime=assessment.regime,
        amount_eur=Decimal(amount), granted_on=on, reference=terms["reference"], reviewed_by=make_user(),
        valuation={"gpu_hours": "500", "eur_per_gpu_hour": "2.20", "price_paid_eur": "0.00"},
    )  # fmt: skip
    grant_award(award=row, actor=None, on=on)
    return row


@transaction.atomic
def take_back(row: AidAward, amount: str) -> AidAward:
    return release_award(
        award=row.award, event="adjusted", amount_eur=Decimal(amount), reason="used less", actor=None, on=today()
    )


def link(parent: Organisation, daughter: Organisation) -> ControlStatement:
    """A link that both sides confirmed."""
    return ControlStatement.objects.create(
        organisation=daughter, controller=organisation_key(parent.pk), controller_name=parent.legal_name,
        controlled=organisation_key(daughter.pk), controlled_name=daughter.legal_name,
        valid_from=today() - timedelta(days=900), confirmed_on=today(),
    )  # fmt: skip


def auditor() -> User:
    user = with_second_factor(make_user())
    grant(user, Role.AUDITOR)
    return user
