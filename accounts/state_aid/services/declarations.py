"""The signed statement of other aid, and of what else the rules ask the company itself."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AidDeclaration, Organisation, User
from accounts.permissions import require
from accounts.roles import Action
from accounts.state_aid import amounts, regimes
from accounts.state_aid.services.law import units_per_euro
from accounts.state_aid.services.undertakings import read_undertaking
from portal.kernel.errors import DomainError
from portal.kernel.money import euro

EURO = "EUR"
# Texts that may stand beside a line, with their longest length.
TEXTS = {"authority": 200, "costs": 80, "reference": 60}


@transaction.atomic
def declare_aid(
    *,
    organisation: Organisation,
    items: Iterable[Mapping[str, Any]],
    actor: User,
    on: date,
    statements: Mapping[str, Any] | None = None,
    signature: Mapping[str, str] | None = None,
) -> AidDeclaration:
    """Stores the company's signed statement of all other de minimis aid of the last three years.

    Each item: state (two letters), granted_on (date), regulation (one of `regimes.DECLARABLE`), and either amount_eur
    (Decimal) or amount with currency, and rate where no rate is entered for that day (units of the currency for one
    euro). Optional: member (key of the group's company that received it), authority, costs, intensity, reference.
    Aid granted through the portal is not repeated here; it is counted from our own book. A new statement replaces the
    one before. Raises DomainError("declaration_item" or "declaration_rate") naming the first line that cannot be right.
    """
    require(actor, Action.DECLARE, organisation=organisation)
    members = read_undertaking(organisation).canonical
    stored = [_checked_item(number, item, on, members) for number, item in enumerate(items, 1)]
    declaration = AidDeclaration.objects.create(
        organisation=organisation,
        items=stored,
        signed_by=actor,
        signed_on=on,
        statements=dict(statements or {}),
        signature=dict(signature or {}),
    )
    audit.record(actor=actor, action="aid.declared", target=declaration, organisation=organisation, items=len(stored))
    return declaration


def _checked_item(number: int, item: Mapping[str, Any], on: date, members: Mapping[str, str]) -> dict[str, Any]:
    granted_on = item["granted_on"]
    if item["regulation"] not in regimes.DECLARABLE or granted_on > on:
        raise _wrong_line(number)
    stored: dict[str, Any] = {
        "state": item["state"],
        **_money(number, item, granted_on),
        "granted_on": granted_on.isoformat(),
        "regulation": item["regulation"],
    }
    member = item.get("member") or ""
    if member and members.get(member, member) not in members.values():
        raise DomainError(
            "declaration_item",
            _("Line %(number)d: this company is not one of your group. State the link under “Our group” first.")
            % {"number": number},
        )
    if member:
        stored["member"] = member
    for name, length in TEXTS.items():
        if item.get(name):
            stored[name] = str(item[name])[:length]
    intensity = item.get("intensity")
    if intensity is not None:
        if not 0 < intensity <= 100:
            raise _wrong_line(number)
        stored["intensity"] = str(intensity)
    return stored


def _money(number: int, item: Mapping[str, Any], granted_on: date) -> dict[str, str]:
    """The amount in euro; with another currency also as it was granted and at which rate it was turned into euro."""
    currency = (item.get("currency") or EURO).upper()
    if currency == EURO:
        amount = item.get("amount_eur") if item.get("amount_eur") is not None else item.get("amount")
        if amount is None or not amount > 0:
            raise _wrong_line(number)
        return {"amount_eur": str(euro(amount))}
    amount = item.get("amount")
    if amount is None or not amount > 0:
        raise _wrong_line(number)
    rate: Decimal | None = item.get("rate") or units_per_euro(currency, on=granted_on)
    if rate is None or rate <= 0:
        raise DomainError(
            "declaration_rate",
            _(
                "Line %(number)d: we have no exchange rate for %(currency)s on that day. Enter how much of it was one "
                "euro, as the European Central Bank published it."
            )
            % {"number": number, "currency": currency},
        )
    return {
        "amount_eur": str(amounts.in_euro(amount, rate)),
        "currency": currency,
        "amount": str(amount),
        "rate": str(rate),
    }


def _wrong_line(number: int) -> DomainError:
    return DomainError(
        "declaration_item",
        _("Line %(number)d: give the regulation, an amount above zero and a day that is not in the future.")
        % {"number": number},
    )
