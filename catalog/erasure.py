"""What this app holds about people: the rates they proposed or decided. Rates stay; they point to an emptied row."""

from typing import Any

from django.db.models import Q

from accounts.erasure import Part, register
from accounts.models import User
from catalog.models import RateCard


def _export(person: User) -> list[dict[str, Any]]:
    rows = RateCard.objects.filter(Q(proposed_by=person) | Q(decided_by=person)).select_related("partition")
    return [
        {
            "hardware": str(row.partition),
            "from": row.valid_from.isoformat(),
            "role": "proposed" if row.proposed_by_id == person.pk else "decided",
        }
        for row in rows
    ]


def register_part() -> None:
    register(Part(name="rates", export=_export, erase=lambda person: None))
