"""Awards as threads: the rows of one award read as one thing, with what is left of it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import AidAward


@dataclass(frozen=True)
class Thread:
    """All rows of one award, oldest first."""

    rows: tuple[AidAward, ...]

    @property
    def first(self) -> AidAward:
        return self.rows[0]

    @property
    def award(self) -> UUID:
        return self.first.award

    @property
    def entry(self) -> str:
        """How registers know the award: the grant's reference and a part of the award's id, since a reference repeats
        when hours are added later."""
        return f"{self.first.reference}/{self.award.hex[:8]}"

    @property
    def granted_on(self) -> date:
        return self.first.granted_on

    @property
    def granted_eur(self) -> Decimal:
        """What was granted, before anything was taken back."""
        taking = {AidAward.Event.ADJUSTED, AidAward.Event.LAPSED, AidAward.Event.REVERSED}
        return sum((row.amount_eur for row in self.rows if row.event not in taking), Decimal(0))

    @property
    def amount_eur(self) -> Decimal:
        """What counts today."""
        return sum((row.amount_eur for row in self.rows), Decimal(0))

    @property
    def status(self) -> str:
        """granted, corrected (something was taken back) or withdrawn (nothing is left)."""
        if self.amount_eur <= 0:
            return "withdrawn"
        return "granted" if self.amount_eur == self.granted_eur else "corrected"

    @property
    def counts_as_aid(self) -> bool:
        return counts_as_aid(self.first)

    @property
    def is_exemption(self) -> bool:
        """Whether it rests on a block exemption; otherwise it is de minimis aid."""
        return self.first.regime.startswith("651/2014")


def counts_as_aid(award: AidAward) -> bool:
    """As the verdict said it on the day of the grant; only a State's own share is State resources."""
    said = award.assessment.verdict.get("counts_as_aid") if award.assessment else None
    return said if isinstance(said, bool) else award.origin == AidAward.Origin.NATIONAL_SHARE


def threads_of(rows: "QuerySet[AidAward]") -> list[Thread]:
    """The rows' threads, oldest first. One query. `rows` must hold whole threads."""
    found: dict[UUID, list[AidAward]] = defaultdict(list)
    for row in rows.select_related("organisation", "assessment", "scheme").order_by("created_at", "pk"):
        found[row.award].append(row)
    return sorted((Thread(tuple(one)) for one in found.values()), key=lambda one: (one.granted_on, one.entry))


def thread_of(award: UUID) -> Thread:
    """The thread of one award. Raises AidAward.DoesNotExist."""
    found = threads_of(AidAward.objects.filter(award=award))
    if not found:
        raise AidAward.DoesNotExist(f"no award {award}")
    return found[0]


def aid_only(threads: Iterable[Thread]) -> list[Thread]:
    return [thread for thread in threads if thread.counts_as_aid]
