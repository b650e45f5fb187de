"""Companies, groups and grants as the services make them; keyword arguments override what a test cares about."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction

from accounts.models import AidAward, AidScheme, SmeAssessment
from accounts.roles import Role
from accounts.state_aid.case import INNOVATION
from accounts.state_aid.keys import organisation_key
from accounts.state_aid.services import (
    assess_grant,
    confirm_link,
    declare_aid,
    grant_award,
    headroom,
    judge_grant,
    lock_undertaking,
    reserve_award,
    state_link,
)
from portal.kernel.errors import DomainError
from tests.factories import grant as give_role
from tests.factories import make_organisation, make_user

TODAY = date(2026, 11, 21)


def make_company(*, items=(), statements=None, **fields):
    """An organisation whose owner signed everything a grant needs; the owner is `company.owner`."""
    owner = make_user()
    company = make_organisation(owner=owner, **fields)
    company.owner = owner
    SmeAssessment.objects.create(
        organisation=company, size_class="small", rule_version="t", trace={}, declared_autonomous=True,
        declared_by=owner, declared_on=TODAY,
    )  # fmt: skip
    declare_aid(organisation=company, items=items, statements=statements, actor=owner, on=TODAY)
    return company


def make_administrator():
    somebody = make_user()
    give_role(somebody, Role.ADMINISTRATOR)
    return somebody


def item(amount="1000", state="LU", day=date(2026, 1, 1), regulation="2023/2831", **more):
    return {"state": state, "amount_eur": Decimal(amount), "granted_on": day, "regulation": regulation, **more}


def link(company, *, controller=None, controlled=None, since=date(2020, 1, 1)):
    """`company` states a link to another key or organisation; the other end is itself."""
    ends = [_key(controller or company), _key(controlled or company)]
    return state_link(
        organisation=company,
        controller=ends[0],
        controller_name=_name(controller or company),
        controlled=ends[1],
        controlled_name=_name(controlled or company),
        ground="majority_of_votes",
        valid_from=since,
        actor=company.owner,
        on=TODAY,
    )


def confirmed_link(company, **ends):
    row = link(company, **ends)
    return confirm_link(statement=row, actor=make_administrator(), on=TODAY)


def _key(end):
    return end if isinstance(end, str) else organisation_key(end.pk)


def _name(end):
    return end if isinstance(end, str) else end.legal_name


def assess(company, amount, *, state="LU", origin="national_share", on=TODAY, **more):
    return assess_grant(
        organisation=company, site_state=state, authority="A ministry", origin=origin, amount_eur=Decimal(amount),
        on=on, **more,
    )  # fmt: skip


def grant_aid(company, amount, *, state="LU", origin="national_share", on=TODAY, reference="ALC-1", reviewed_by=None,
              valuation=None, **more):  # fmt: skip
    """A whole grant in its transaction, as a decision makes it; gives the reserved row."""
    with transaction.atomic():
        lock_undertaking(granting_state=state, organisation=company)
        assessment = assess(company, amount, state=state, origin=origin, on=on, **more)
        award = reserve_award(
            organisation=company, assessment=assessment, granting_state=state, granting_authority="A ministry",
            origin=origin, regime=assessment.regime, amount_eur=Decimal(amount), granted_on=on, reference=reference,
            reviewed_by=reviewed_by, valuation=valuation, **more,
        )  # fmt: skip
        grant_award(award=award, actor=reviewed_by, on=on)
        return award


def past_award(company, amount, *, on, state="LU", reference="ALC-1"):
    """An award of another day, as a decision of that day left it."""
    return AidAward.objects.create(
        organisation=company, event="reserved", granting_state=state, granting_authority="A ministry",
        origin="national_share", regime="2023/2831", amount_eur=Decimal(amount), granted_on=on, reference=reference,
    )  # fmt: skip


def verdict(company, amount="1", *, state="LU", origin="national_share", on=TODAY, **more):
    _case, found = judge_grant(
        organisation=company, site_state=state, origin=origin, amount_eur=Decimal(amount), on=on, **more
    )
    return found


def left(company, state="LU", on=TODAY):
    return headroom(organisation=company, granting_state=state, on=on).left


def refused(code):
    return pytest.raises(DomainError, match=f"^{code}:")


def make_scheme(**fields):
    number = AidScheme.objects.count()
    return AidScheme.objects.create(
        **{
            "code": f"lu-innovation-{number}",
            "title": "Compute for small firms",
            "state": "LU",
            "authority": "A ministry",
            "basis": INNOVATION,
            "measure_reference": "SA.123456",
            "discount_text": "Up to 50 000 GPU-hours free of charge.",
            "selection_text": "First come, first served.",
            "published_url": "https://example.eu/scheme",
            "published_on": date(2026, 1, 10),
            "valid_from": date(2026, 2, 1),
            **fields,
        }
    )
