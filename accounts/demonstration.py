"""People to try the portal with, in the embedded mode only. Their password is published: it stands here."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from accounts.models import AccountYear, Organisation, RoleGrant, User
from accounts.roles import Role
from accounts.services import create_organisation, declare_size, record_account_year
from accounts.state_aid.services import declare_aid

DEMONSTRATION_PASSWORD = "nordlys-demo-2026"  # noqa: S105  published on purpose; refused outside the embedded mode
ORGANISATION_NAME = "Nordlys Textiles"


@dataclass(frozen=True)
class Person:
    email: str
    name: str
    role: Role


PEOPLE: tuple[Person, ...] = (
    Person("ana@example.eu", "Ana Lindqvist", Role.OWNER),
    Person("mikkel@example.eu", "Mikkel Brandt", Role.MEMBER),
    Person("helpdesk@example.eu", "Hanna Virtanen", Role.HELPDESK),
    Person("admin@example.eu", "Adrian Moreau", Role.ADMINISTRATOR),
    Person("auditor@example.eu", "Audra Kazlauskienė", Role.AUDITOR),
)


@transaction.atomic
def create_demonstration_people(*, site_slug: str, at: datetime) -> tuple[Person, ...]:
    """Makes the people, their company with figures and signed declarations, and their roles; twice changes nothing.

    `site_slug` is the site whose requests the officer decides. Raises ImproperlyConfigured outside the embedded mode.
    """
    if not settings.EMBEDDED:
        raise ImproperlyConfigured("Demonstration accounts exist in the embedded mode only.")
    users = {person.role: _user(person) for person in PEOPLE}
    organisation = _organisation(users[Role.OWNER], at.date())
    _grant(users[Role.MEMBER], Role.MEMBER, organisation=organisation)
    _grant(users[Role.HELPDESK], Role.HELPDESK, site_slug=site_slug)
    _grant(users[Role.ADMINISTRATOR], Role.ADMINISTRATOR)
    _grant(users[Role.AUDITOR], Role.AUDITOR)
    return PEOPLE


def _user(person: Person) -> User:
    user = User.objects.filter(email=person.email).first()
    if user is None:
        user = User.objects.create_user(
            person.email, DEMONSTRATION_PASSWORD, full_name=person.name, is_demonstration=True
        )
    EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    return user


def _grant(user: User, role: Role, *, organisation: Organisation | None = None, site_slug: str = "") -> None:
    RoleGrant.objects.get_or_create(user=user, role=role, organisation=organisation, site_slug=site_slug)


def _organisation(owner: User, today: date) -> Organisation:
    """An invented Danish weaving mill: small, autonomous, without other public support."""
    known = Organisation.objects.filter(is_demonstration=True, legal_name=ORGANISATION_NAME).first()
    if known is not None:
        return known
    organisation = create_organisation(
        actor=owner,
        legal_name=ORGANISATION_NAME,
        country="DK",
        euid="DKCVR.00000000",
        nace_code="13.20",
        street="Væverigade 12",
        postal_code="7400",
        city="Herning",
        is_demonstration=True,
    )
    figures = ((2, "36.00", "4900000", "2950000"), (1, "38.50", "5200000", "3100000"))
    for years_ago, awu, turnover, balance in figures:
        record_account_year(
            actor=owner,
            organisation=organisation,
            year_end=date(today.year - years_ago, 12, 31),
            headcount_awu=Decimal(awu),
            turnover_eur=Decimal(turnover),
            balance_sheet_eur=Decimal(balance),
            basis=AccountYear.Basis.APPROVED,
            on=today,
        )
    declare_size(actor=owner, organisation=organisation, autonomous=True, on=today)
    declare_aid(organisation=organisation, items=[], actor=owner, on=today)
    return organisation
