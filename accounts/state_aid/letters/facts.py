"""What a letter states, as JSON values frozen with it."""

from datetime import date
from decimal import Decimal
from typing import Any

from accounts.models import AidAward, AidDuty
from accounts.state_aid.threads import Thread


def of_notice(thread: Thread, *, issued_on: date) -> dict[str, Any]:
    """The award as it stands when the notice is written."""
    return {
        **_common(thread, issued_on),
        "kind": "notice",
        "ident": f"{thread.entry}/N",
        "amount": str(thread.amount_eur),
    }


def of_correction(thread: Thread, row: AidAward, *, issued_on: date) -> dict[str, Any]:
    """The award before and after one row that took something back."""
    upto = thread.rows[: [one.pk for one in thread.rows].index(row.pk) + 1]
    after = sum((one.amount_eur for one in upto), Decimal(0))
    corrections = [one for one in upto if one.amount_eur < 0]
    return {
        **_common(thread, issued_on),
        "kind": "correction",
        "ident": f"{thread.entry}/C{len(corrections)}",
        "amount": str(after),
        "before": str(after - row.amount_eur),
        "taken_back": str(-row.amount_eur),
        "after": str(after),
        "reason": row.reason,
    }


def _common(thread: Thread, issued_on: date) -> dict[str, Any]:
    first, organisation = thread.first, thread.first.organisation
    name = first.beneficiary.get("name") or organisation.legal_name
    town = f"{organisation.postal_code} {organisation.city}".strip()
    scheme = first.scheme
    basis = f"(EU) {first.regime.partition('-')[0]}"
    if scheme is not None:
        basis = ", ".join(part for part in (basis, scheme.title, scheme.measure_reference) if part)
    kinds = set(AidDuty.objects.filter(award=thread.award).values_list("kind", flat=True))
    return {
        "address": [name, organisation.street, town],
        "country": organisation.country,
        "beneficiary": name,
        "issued_on": issued_on.isoformat(),
        "granted_on": thread.granted_on.isoformat(),
        "authority": first.granting_authority,
        "state": first.granting_state,
        "regime": first.regime,
        "basis": basis,
        "reference": first.reference,
        "register": AidDuty.Kind.REGISTER in kinds,
        "publish": AidDuty.Kind.PUBLICATION in kinds,
    }
