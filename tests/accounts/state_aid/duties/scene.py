"""Awards, officers and sites as the tests of duties, letters, registers and bundles need them."""

import itertools
import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.models import AidAssessment, AidAward, Organisation, User
from accounts.roles import Role
from tests.factories import grant, make_organisation, make_site, make_user, with_second_factor

GRANTED = date(2026, 11, 23)
_number = itertools.count(1)


def make_award(
    *,
    organisation: Organisation | None = None,
    amount: str = "110000.00",
    state: str = "FI",
    on: date = GRANTED,
    regime: str = "2023/2831",
    origin: str = "national_share",
    counts: bool | None = None,
    **fields: Any,
) -> AidAward:
    """The GRANTED row of an award as the grant leaves it: the reservation carries the amount."""
    organisation = organisation or make_organisation()
    assessment = AidAssessment.objects.create(
        organisation=organisation,
        on=on,
        regime=regime,
        rule_version="test",
        outcome="allowed",
        case={},
        verdict={"counts_as_aid": origin == "national_share" if counts is None else counts},
    )
    common: dict[str, Any] = {
        "award": uuid.uuid4(),
        "organisation": organisation,
        "granting_state": state,
        "granting_authority": "Ministry of Economic Affairs and Employment",
        "origin": origin,
        "regime": regime,
        "granted_on": on,
        "reference": f"ALC-2026-{next(_number):04d}",
        "assessment": assessment,
        "valuation": {"gpu_hours": "50000", "eur_per_gpu_hour": "2.20", "price_paid_eur": "0.00"},
        "beneficiary": {
            "name": organisation.legal_name,
            "country": organisation.country,
            "vat_number": organisation.vat_number,
            "euid": organisation.euid,
            "nace_code": organisation.nace_code,
            "nace_revision": "2.1",
            "nuts2": "LU00",
            "size": "small",
            "city": organisation.city,
            "natural_person": "yes" if organisation.is_natural_person else "no",
        },
        **fields,
    }
    AidAward.objects.create(event=AidAward.Event.RESERVED, amount_eur=Decimal(amount), **common)
    return AidAward.objects.create(event=AidAward.Event.GRANTED, amount_eur=Decimal(0), **common)


def take_back(award: AidAward, amount: str, event: str = "adjusted", reason: str = "Fewer hours") -> AidAward:
    """A row that takes part of the award back."""
    same = ("award", "organisation", "granting_state", "granting_authority", "origin", "regime", "granted_on")
    fields = {name: getattr(award, name) for name in (*same, "reference", "assessment", "beneficiary")}
    return AidAward.objects.create(event=event, amount_eur=-Decimal(amount), reason=reason, **fields)


def make_officer(state: str = "FI", authority: str = "Ministry of Economic Affairs and Employment") -> User:
    """A helpdesk officer of a site that gives away that State's time."""
    site = make_site(granting_state=state, granting_authority=authority, country=state)
    officer = with_second_factor(make_user(full_name=f"Officer of {state}"))
    grant(officer, Role.HELPDESK, site_slug=site.slug)
    return officer


def make_administrator() -> User:
    somebody = with_second_factor(make_user(full_name="Ada Administrator"))
    grant(somebody, Role.ADMINISTRATOR)
    return somebody


def make_auditor() -> User:
    somebody = make_user(full_name="Aldo Auditor")
    grant(somebody, Role.AUDITOR)
    return somebody
