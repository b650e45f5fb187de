"""People to try the portal with, in the embedded mode only. Their password is published: it stands here."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from accounts.models import AccountYear, Organisation, RoleGrant, User
from accounts.roles import SITE_ROLES, Role
from accounts.services import create_organisation, declare_size, record_account_year
from accounts.state_aid.case import GENERAL
from accounts.state_aid.keys import organisation_key
from accounts.state_aid.services import confirm_link, declare_aid, state_link

DEMONSTRATION_PASSWORD = "nordlys-demo-2026"  # noqa: S105  published on purpose; refused outside the embedded mode
ORGANISATION_NAME = "Nordlys Textiles"
PARENT_NAME, DAUGHTER_NAME = "Fjordlys Holding", "Fjordlys Dyeing"


@dataclass(frozen=True)
class Person:
    email: str
    name: str
    role: Role
    works_for: str = ""


PEOPLE: tuple[Person, ...] = (
    Person("ana@example.eu", "Ana Lindqvist", Role.OWNER, ORGANISATION_NAME),
    Person("mikkel@example.eu", "Mikkel Brandt", Role.MEMBER, ORGANISATION_NAME),
    Person("greta@example.eu", "Greta Holm", Role.OWNER, DAUGHTER_NAME),
    Person("helpdesk@example.eu", "Hanna Virtanen", Role.HELPDESK),
    Person("operator@example.eu", "Oskar Nyman", Role.OPERATOR),
    Person("admin@example.eu", "Adrian Moreau", Role.ADMINISTRATOR),
    Person("second@example.eu", "Sofia Rossi", Role.ADMINISTRATOR),
    Person("auditor@example.eu", "Audra Kazlauskienė", Role.AUDITOR),
)


@transaction.atomic
def create_demonstration_people(*, site_slug: str, at: datetime) -> tuple[Person, ...]:
    """Makes the people, their company with figures and signed declarations, and their roles; twice changes nothing.

    `site_slug` is the site whose requests the officer decides. Raises ImproperlyConfigured outside the embedded mode.
    """
    if not settings.EMBEDDED:
        raise ImproperlyConfigured("Demonstration accounts exist in the embedded mode only.")
    ana, mikkel, greta, *staff = (_user(person) for person in PEOPLE)
    organisation = _organisation(ana, at.date())
    _grant(mikkel, Role.MEMBER, organisation=organisation)
    _group(greta, at.date())
    for person, user in zip(PEOPLE[3:], staff, strict=True):
        _grant(user, person.role, site_slug=site_slug if person.role in SITE_ROLES else "")
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


def _group(owner: User, today: date) -> Organisation:
    """An invented parent and daughter with earlier support: limits of a group, and what falls out when, can be seen."""
    known = Organisation.objects.filter(is_demonstration=True, legal_name=DAUGHTER_NAME).first()
    if known is not None:
        return known
    address = {"country": "DK", "street": "Farvergade 3", "postal_code": "7100", "city": "Vejle"}
    parent, daughter = (
        create_organisation(
            actor=owner, legal_name=name, euid=euid, nace_code=nace, is_demonstration=True, **address
        )
        for name, euid, nace in ((PARENT_NAME, "DKCVR.00000001", "64.21"), (DAUGHTER_NAME, "DKCVR.00000002", "13.30"))
    )  # fmt: skip
    link = state_link(
        organisation=daughter,
        controller=organisation_key(parent.pk),
        controller_name=parent.legal_name,
        controlled=organisation_key(daughter.pk),
        controlled_name=daughter.legal_name,
        ground="majority_of_votes",
        valid_from=today - timedelta(days=1500),
        actor=owner,
        on=today,
    )
    confirm_link(statement=link, actor=owner, on=today, as_organisation=parent)
    earlier = {
        parent: (("LU", "60000", 820), ("DK", "25000", 400)),
        daughter: (("LU", "40000", 1010), ("LU", "15000", 250), ("FI", "12000", 90)),
    }
    for organisation, grants in earlier.items():
        items = [
            {"state": state, "amount_eur": Decimal(amount), "granted_on": today - timedelta(days=ago),
             "regulation": GENERAL}
            for state, amount, ago in grants
        ]  # fmt: skip
        declare_aid(organisation=organisation, items=items, actor=owner, on=today)
    owner.current_organisation = daughter
    owner.save(update_fields=["current_organisation"])
    return daughter
