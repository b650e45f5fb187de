"""Founding, changing and choosing organisations."""

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit, countries, identifiers
from accounts.models import Organisation, RoleGrant, User
from accounts.permissions import forget_grants, require
from accounts.roles import Action, Role
from accounts.state_aid.services import lock_structure
from portal.kernel.errors import DomainError


def create_organisation(
    *,
    actor: User,
    legal_name: str,
    country: str,
    nace_code: str,
    street: str,
    city: str,
    postal_code: str = "",
    vat_number: str = "",
    euid: str = "",
    legal_form: str = "",
    registered_on: date | None = None,
    is_natural_person: bool = False,
    is_demonstration: bool = False,
) -> Organisation:
    """Founds an organisation with the actor as its owner and makes it the one they work for.

    The same founder sending the same form twice gets the organisation of the first time. Raises DomainError:
    country, identifier_missing, vat_number, euid, nace_code, organisation_exists.
    """
    facts = _checked(country=country, vat_number=vat_number, euid=euid, nace_code=nace_code)
    facts |= {
        "legal_name": legal_name.strip(),
        "street": street.strip(),
        "city": city.strip(),
        "postal_code": postal_code.strip(),
        "legal_form": legal_form.strip(),
        "registered_on": registered_on,
        "is_natural_person": is_natural_person,
        "is_demonstration": is_demonstration,
    }
    try:
        with transaction.atomic():
            organisation = Organisation.objects.create(**facts)
            RoleGrant.objects.create(user=actor, role=Role.OWNER, organisation=organisation)
            audit.record(actor=actor, action="organisation.created", target=organisation, organisation=organisation)
            _work_for(actor, organisation)
    except IntegrityError:
        return _own_twin(actor, facts)
    return organisation


def edit_organisation(*, actor: User, organisation: Organisation, **changes: Any) -> Organisation:
    """Changes an organisation's details. Takes the same fields, and raises the same, as `create_organisation`."""
    require(actor, Action.EDIT_ORGANISATION, organisation=organisation)
    names = {"country", "vat_number", "euid", "nace_code"}
    facts = {name: getattr(organisation, name) for name in names} | {
        name: value for name, value in changes.items() if name in names
    }
    wanted = {**changes, **_checked(**facts)}
    changed = sorted(name for name, value in wanted.items() if getattr(organisation, name) != value)
    if not changed:
        return organisation
    try:
        with transaction.atomic():
            if {"vat_number", "euid"} & set(changed):
                # Others may know the company by its number: no decision may be under way while that changes.
                lock_structure()
            Organisation.objects.filter(pk=organisation.pk).update(**{name: wanted[name] for name in changed})
            audit.record(
                actor=actor,
                action="organisation.changed",
                target=organisation,
                organisation=organisation,
                fields=changed,
            )
    except IntegrityError:
        raise _exists() from None
    for name in changed:
        setattr(organisation, name, wanted[name])
    return organisation


def switch_organisation(*, actor: User, organisation: Organisation) -> None:
    """Makes that organisation the one the person works for. The caller found it with `visible_to(actor)`."""
    require(actor, Action.VIEW_ORGANISATION, organisation=organisation)
    _work_for(actor, organisation)


def _work_for(actor: User, organisation: Organisation) -> None:
    User.objects.filter(pk=actor.pk).update(current_organisation=organisation)
    actor.current_organisation = organisation
    forget_grants(actor)


def _checked(*, country: str, vat_number: str, euid: str, nace_code: str) -> dict[str, Any]:
    if country not in countries.ELIGIBLE:
        raise DomainError(
            "country", _("Only companies in the European Union and associated countries can register."), field="country"
        )
    vat = identifiers.checked_vat(vat_number, country=country)
    checked_euid = identifiers.checked_euid(euid, country=country)
    if not vat and not checked_euid:
        raise DomainError("identifier_missing", _("Give the VAT number or the EUID."), field="vat_number")
    return {
        "country": country,
        "vat_number": vat,
        "euid": checked_euid,
        "nace_code": identifiers.checked_nace(nace_code),
    }


def _own_twin(actor: User, facts: dict[str, Any]) -> Organisation:
    """The organisation a double click has just founded; anybody else is told who can let them in."""
    twin = (
        Organisation.objects.visible_to(actor)
        .filter(legal_name=facts["legal_name"], vat_number=facts["vat_number"], euid=facts["euid"])
        .first()
    )
    if twin is None:
        raise _exists()
    return twin


def _exists() -> DomainError:
    return DomainError(
        "organisation_exists",
        _("A company with this VAT number or EUID is already registered. Ask one of its owners to invite you."),
        field="vat_number",
    )
