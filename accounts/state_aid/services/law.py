"""The law of a day as the rows say it: parameters that administrators entered over what is built in."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, Sum

from accounts.models import AidAward, LegalParameter
from accounts.state_aid import regimes, serial
from accounts.state_aid.case import Law, Policy
from accounts.state_aid.parameters import policy_from


def rows_in_force(key: str, on: date) -> QuerySet[LegalParameter]:
    """Rows of that key that hold on the day, the one that counts first: last to begin, then last entered."""
    return (
        LegalParameter.objects.filter(key=key, valid_from__lte=on)
        .filter(Q(valid_to__isnull=True) | Q(valid_to__gte=on))
        .order_by("-valid_from", "-created_at")
    )


def parameter(key: str, *, on: date, state: str = "") -> Mapping[str, Any] | None:
    """The value that counts on that day, None while nobody entered one."""
    row = rows_in_force(key, on).filter(state=state).first()
    return row.value if row else None


class Rules:
    """Laws, readings and national facts of one day, read in one query and shared by several cases."""

    def __init__(self, on: date) -> None:
        self.on = on
        keys = ("law", "policy", "national_cap", "fisheries_register")
        rows = LegalParameter.objects.filter(key__in=keys).order_by("valid_from", "created_at")
        self._rows: dict[str, list[LegalParameter]] = {key: [] for key in keys}
        for row in rows:
            self._rows[row.key].append(row)

    def _today(self, key: str) -> list[LegalParameter]:
        on = self.on
        return [row for row in self._rows[key] if row.valid_from <= on and (not row.valid_to or on <= row.valid_to)]

    @property
    def laws(self) -> tuple[Law, ...]:
        """The rows that may apply that day; a row entered for the same text and first day replaces the one before."""
        return regimes.laws_on(self.on, extra=[serial.law_from_json(row.value) for row in self._rows["law"]])

    @property
    def policy(self) -> Policy:
        return policy_from([row.value for row in self._today("policy")])

    def state_register(self, state: str) -> bool:
        said = [row for row in self._today("fisheries_register") if row.state == state]
        return bool(said and said[-1].value["runs"])

    def national_left(self, state: str, regime: str) -> Decimal | None:
        """What is left of a State's cap: as entered, less our own awards since then. None while nobody entered it."""
        said = [row for row in self._today("national_cap") if row.state == state and row.value["regime"] == regime]
        if not said:
            return None
        row = said[-1]
        ours = AidAward.objects.filter(granting_state=state, regime=regime, granted_on__gte=row.valid_from)
        since = ours.aggregate(total=Sum("amount_eur"))["total"] or Decimal(0)
        return max(Decimal(row.value["cap_eur"]) - Decimal(row.value["used_eur"]) - since, Decimal(0))


def units_per_euro(currency: str, *, on: date) -> Decimal | None:
    """The exchange rate entered for that day or last before it."""
    value = parameter("exchange_rate", on=on, state=currency)
    return Decimal(value["units_per_euro"]) if value else None
