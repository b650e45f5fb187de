"""What the pages about public support show of one organisation, put together in a fixed number of queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts import countries
from accounts.models import AidAward, AidDuty, AidLetter, Organisation
from accounts.state_aid.case import Counted, Room
from accounts.state_aid.charts import falls_out, recovery_chart
from accounts.state_aid.services import StateAccount
from accounts.state_aid.wording import REGULATIONS, limit_name
from portal.ui.steps import StepChart

EVERYWHERE = "EU"


def place_name(state: str) -> str:
    """A State in the reader's language; "EU" stands for limits over all States."""
    return _("all States together") if state == EVERYWHERE else countries.name(state)


def regulation_name(code: str) -> str:
    return str(REGULATIONS.get(code, code))


@dataclass(frozen=True)
class Line:
    """One line under a limit: an award of the organisation, or everything of another member together.

    `until` is the first day on which (the last part of) it no longer counts, `since` the first grant of several.
    """

    who: str
    own: bool
    since: date
    amount: Decimal
    grants: int
    regulation: str
    source: str
    reference: str
    counted: bool
    until: date | None
    why: str


@dataclass(frozen=True)
class RoomCard:
    """One limit as its page shows it."""

    room: Room
    name: str
    lines: list[Line]
    chart: StepChart | None

    @property
    def percent_used(self) -> int:
        ceiling = self.room.ceiling_eur
        return min(100, int(self.room.used_eur * 100 / ceiling)) if ceiling else 100

    @property
    def tone(self) -> str:
        return "warn" if self.percent_used >= 75 else ""

    @property
    def next_out(self) -> tuple[date, Decimal] | None:
        """When something falls out next, and how much."""
        return next(iter(falls_out(self.room)), None)


@dataclass(frozen=True)
class AccountCard:
    """One State: the limit that matters most, and the others."""

    state: str
    place: str
    first: RoomCard
    others: list[RoomCard]


def account_cards(accounts: Iterable[StateAccount], *, own: str) -> list[AccountCard]:
    """Every State with a limit to show. `own` is the organisation's member key."""
    cards = []
    for account in accounts:
        rooms = [_room_card(account, room, at, own) for at, room in enumerate(account.rooms)]
        if rooms:
            cards.append(AccountCard(account.state, place_name(account.state), rooms[0], rooms[1:]))
    return cards


def _room_card(account: StateAccount, room: Room, at: int, own: str) -> RoomCard:
    ident = f"aid-{account.state.lower()}-{at}"
    chart = recovery_chart(room, on=account.on, place=place_name(account.state), ident=ident)
    return RoomCard(room, limit_name(room.code), _lines(account, room, own), chart)


def _lines(account: StateAccount, room: Room, own: str) -> list[Line]:
    """The organisation's awards one by one, the newest first; then each other member's in one line."""
    names = {member.key: member.name for member in account.members}
    elsewhere = ("other_state", "other_pool", "other_undertaking")
    here = [item for item in room.items if item.why not in elsewhere and account.state in (EVERYWHERE, item.aid.state)]
    ours = [_line(item) for item in here if item.aid.member in ("", own)]
    others: dict[str, list[Counted]] = {}
    for item in here:
        if item.aid.member not in ("", own) and item.counted:
            others.setdefault(item.aid.member, []).append(item)
    found = [_together(names.get(key, ""), items) for key, items in others.items()]
    return [*sorted(ours, key=lambda line: line.since, reverse=True), *sorted(found, key=lambda line: line.who)]


def _line(item: Counted) -> Line:
    aid = item.aid
    return Line(
        who="", own=True, since=aid.granted_on, amount=item.amount_eur, grants=1,
        regulation=regulation_name(aid.regime), source=aid.source, reference=aid.reference, counted=item.counted,
        until=item.falls_out_on, why=item.why,
    )  # fmt: skip


def _together(name: str, items: Sequence[Counted]) -> Line:
    ends = [item.falls_out_on for item in items if item.falls_out_on]
    return Line(
        who=name or _("A company of your group"), own=False, since=min(item.aid.granted_on for item in items),
        amount=sum((item.amount_eur for item in items), Decimal(0)), grants=len(items), regulation="", source="group",
        reference="", counted=True, until=max(ends) if ends else None, why="",
    )  # fmt: skip


@dataclass(frozen=True)
class Thread:
    """An award with its whole life: what was reserved, changed and taken back, and the papers about it."""

    award: UUID
    rows: list[AidAward]
    letters: list[AidLetter]
    register: AidDuty | None

    @property
    def first(self) -> AidAward:
        return self.rows[0]

    @property
    def last(self) -> AidAward:
        return self.rows[-1]

    @property
    def standing(self) -> Decimal:
        return sum((row.amount_eur for row in self.rows), Decimal(0))

    @property
    def regulation(self) -> str:
        return regulation_name(self.first.regime)

    @property
    def gpu_hours(self) -> Any:
        return self.first.valuation.get("gpu_hours")


def lives_of(organisation: Organisation, *, state: str = "") -> list[Thread]:
    """Every award of the organisation, the newest first. Three queries."""
    rows = AidAward.objects.filter(organisation=organisation).select_related("scheme", "assessment")
    if state:
        rows = rows.filter(granting_state=state)
    lives: dict[UUID, list[AidAward]] = {}
    for row in rows.order_by("created_at"):
        lives.setdefault(row.award, []).append(row)
    letters: dict[UUID, list[AidLetter]] = {}
    for letter in AidLetter.objects.filter(organisation=organisation).defer("content").order_by("created_at"):
        letters.setdefault(letter.award, []).append(letter)
    duties = AidDuty.objects.filter(organisation=organisation, kind=AidDuty.Kind.REGISTER)
    registers = {duty.award: duty for duty in duties.order_by("created_at")}
    found = [Thread(key, life, letters.get(key, []), registers.get(key)) for key, life in lives.items()]
    return sorted(found, key=lambda thread: thread.first.created_at, reverse=True)
