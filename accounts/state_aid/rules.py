"""May this aid be granted? `assess` answers from the case alone: pure, with no clock and no database.

Amounts are EUR gross grant equivalent. Every input travels in the `Case`, the rows of law included, so that an auditor
computes the same verdict ten years later (`replay`). The words are those of `case`; each reason names its article.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from accounts.state_aid import exemption
from accounts.state_aid.amounts import NOTHING, rounded_down
from accounts.state_aid.case import Case, Kind, Law, Origin, Outcome, Reason, Room, Verdict
from accounts.state_aid.cumulation import PROJECT, SAME_COSTS, UNION_FUNDING, cost_rooms, open_questions, project_rooms
from accounts.state_aid.limits import Measured, held_by, measure, plain_room, with_grant
from accounts.state_aid.reasons import OF_AMOUNT, WEIGHT, reason
from accounts.state_aid.regimes import law_for
from accounts.state_aid.serial import case_from_json, verdict_to_json
from accounts.state_aid.undertakings import APART, Undertaking, undertaking_of
from accounts.state_aid.windows import years_later

RULE_VERSION = "state-aid/1"
NATIONAL_CAP = "national_cap"
# A declaration signed on the other side of midnight is still one of that day.
TOLERANCE = timedelta(days=1)
EXCEEDED = {
    SAME_COSTS: "intensity_exceeded",
    UNION_FUNDING: "union_rate_exceeded",
    PROJECT: "threshold_exceeded",
    NATIONAL_CAP: "national_cap_exceeded",
}


class UnknownRuleVersion(ValueError):
    """A stored case was judged by rules that this release does not know."""

    def __init__(self, version: Any) -> None:
        super().__init__(f"rule version {version!r} is not known here; known are {', '.join(sorted(VERSIONS))}")
        self.version = version


def assess(case: Case, on: date) -> Verdict:
    """Judges a grant on the day the right to it would arise (Art 3(3)), not the day it is used."""
    if not counts_as_aid(case):
        return _no_aid(case, on)
    law = _law(case, on)
    if law is None:
        return _verdict(case, on, "", (reason("no_regime_in_force", basis=case.basis),))
    group = undertaking_of(case.links, case.events, case.member, on, _apart(law))
    held = held_by(case, group)
    measured = measure(law, case, held, on)
    common, ways = _rooms(case, law, measured)
    way = next((one for one in ways if _fits(case.amount_eur, (*common, *one))), max(ways, key=_least))
    rooms = (*common, *way)
    reasons = (
        *_amounts(case, law, rooms, measured, way is not ways[0]),
        *_group(case, group, measured),
        *_activities(case, law),
        *(_de_minimis(case, law, measured, on) if law.kind is Kind.DE_MINIMIS else exemption.conditions(case, law, on)),
    )
    largest = max((_least((*common, *one)) for one in ways), default=None)
    shown = (*rooms, *(room for room in measured.rooms if room not in rooms))
    return _verdict(case, on, law.version, reasons, shown, group.members, largest)


def counts_as_aid(case: Case) -> bool:
    """Only a State's own time is State resources; the Union's only where the policy says so (legal.md 4.2)."""
    if case.origin in (Origin.UNION_SHARE, Origin.CEDED_TO_JU):
        return case.policy.union_share_is_aid
    return case.origin is Origin.NATIONAL_SHARE


def headroom(case: Case, on: date) -> tuple[Room, ...]:
    """What each limit of the case's basis leaves that day, the tightest first; its amount, costs and origin aside."""
    law = _law(case, on)
    if law is None:
        return ()
    group = undertaking_of(case.links, case.events, case.member, on, _apart(law))
    return _tightest(measure(law, case, held_by(case, group), on).rooms)


def group(case: Case, on: date) -> frozenset[str]:
    """The members of the single undertaking that day."""
    law = _law(case, on)
    return undertaking_of(case.links, case.events, case.member, on, APART if law is None else _apart(law)).members


def intensity(case: Case, on: date | None = None) -> Decimal | None:
    """The highest share (per cent) of its costs that the grant's basis allows: what an award keeps for cumulation.

    With the day of the grant it is that of the way the grant takes: under Art 28 half of the costs once it is more than
    may be free. Without it, that of the best way. None where the basis knows none.
    """
    law = next((one for one in case.law if one.code == case.basis), None) if on is None else _law(case, on)
    if law is None or law.kind is not Kind.BLOCK_EXEMPTION:
        return None
    ways = exemption.routes(case, law)
    beyond = on is not None and "half_of_costs" in assess(case, on).codes
    return ways[-1 if beyond else 0].intensity


def replay(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Computes the verdict of a stored case again, as JSON: the same bits unless somebody touched the stored ones.

    Raises UnknownRuleVersion, or `serial.Unreadable` for a case that is none.
    """
    version = stored.get("rule_version") if isinstance(stored, Mapping) else None
    judge = VERSIONS.get(str(version))
    if judge is None:
        raise UnknownRuleVersion(version)
    return verdict_to_json(judge(*case_from_json(stored)))


# Every version that ever judged a grant stays here, so that old verdicts can be computed again.
VERSIONS: Mapping[str, Callable[[Case, date], Verdict]] = {RULE_VERSION: assess}


# ---- amounts ---------------------------------------------------------------------------------------------------------


def _law(case: Case, on: date) -> Law | None:
    scheme = case.exemption.scheme if case.exemption else None
    law = law_for(case.law, case.basis, on, scheme.version if scheme else "")
    return None if law is None or law.kind is Kind.THRESHOLD else law


def _apart(law: Law) -> frozenset[str]:
    return APART | frozenset(law.terms.get("apart", ()))


def _rooms(case: Case, law: Law, measured: Measured) -> tuple[tuple[Room, ...], tuple[tuple[Room, ...], ...]]:
    """The limits that hold in any case, and for each way open under the row those that hold on it."""
    national = () if case.national_left_eur is None or not law.terms.get("national_cap") else (
        plain_room(NATIONAL_CAP, "Art 3(3)", max(case.national_left_eur, NOTHING)),
    )  # fmt: skip
    if law.kind is Kind.DE_MINIMIS:
        own = case.costs.intensity if case.costs else None
        return (*measured.rooms, *national, *cost_rooms(case, law, own)), ((),)
    ways = tuple(
        (*(measured.rooms if way.own_limits else ()), *cost_rooms(case, law, way.intensity))
        for way in exemption.routes(case, law)
    )
    return (*project_rooms(case, law), *national), ways


def _amounts(
    case: Case, law: Law, rooms: tuple[Room, ...], measured: Measured, beyond_limits: bool
) -> Iterable[Reason]:
    # Compared before rounding: a tenth of a cent above the ceiling is above the ceiling.
    exceeded = [room for room in _tightest(rooms) if case.amount_eur > room.before_eur]
    for room in exceeded:
        yield reason(
            EXCEEDED.get(room.code, "ceiling_exceeded"),
            room.article if room.code in EXCEEDED or law.kind is Kind.BLOCK_EXEMPTION else "Art 3(7)",
            limit=room.code,
            ceiling_eur=room.ceiling_eur,
            used_eur=room.used_eur,
            left_eur=room.before_eur,
            more_on=_more_on(room),
        )
    if rooms and not exceeded:
        room = _tightest(rooms)[0]
        left = room.before_eur - case.amount_eur
        yield reason("within_ceiling", room.article, limit=room.code, ceiling_eur=room.ceiling_eur, left_eur=left)
        if beyond_limits:
            yield reason("half_of_costs")
    if law.terms.get("national_cap") and case.national_left_eur is None:
        yield reason("national_cap_unknown", state=case.granting_state)
    own = exemption.intensity_of(case.exemption, law) if case.exemption else None
    if law.kind is Kind.DE_MINIMIS:
        own = case.costs.intensity if case.costs else None
    yield from open_questions(case, law, own)


def _more_on(room: Room) -> date | None:
    """The first day on which something falls out of the limit, None when nothing does."""
    return min((item.falls_out_on for item in room.items if item.counted and item.falls_out_on), default=None)


def _fits(amount: Decimal, rooms: Iterable[Room]) -> bool:
    return all(amount <= room.before_eur for room in rooms)


def _least(rooms: Iterable[Room]) -> Decimal:
    return min((room.before_eur for room in rooms), default=Decimal("Infinity"))


def _tightest(rooms: Iterable[Room]) -> tuple[Room, ...]:
    return tuple(sorted(rooms, key=lambda room: (room.before_eur, room.code)))


# ---- the undertaking and what it does --------------------------------------------------------------------------------


def _group(case: Case, group: Undertaking, measured: Measured) -> Iterable[Reason]:
    if case.owners_known is not True:
        yield reason("autonomy_unknown")
    doubtful = sorted(
        {f"{link.controller} → {link.controlled}" for link in group.links if not link.confirmed}
    )  # fmt: skip
    if doubtful:
        yield reason("link_unconfirmed", links=doubtful)
    unconfirmed = sorted({event.on for event in group.events if not event.confirmed})
    if unconfirmed:
        yield reason("event_unconfirmed", days=unconfirmed)
    if measured.uncertain:
        yield reason("split_uncertain", references=sorted({aid.reference for aid in measured.uncertain}))


def _activities(case: Case, law: Law) -> Iterable[Reason]:
    division = case.nace_code.strip().partition(".")[0]
    if division in law.excluded_nace:
        separated = case.activities_separated
        code = {True: "activities_separated", False: "activities_not_separated", None: "excluded_sector"}[separated]
        yield reason(code, nace=case.nace_code)
    elif division and law.only_nace and division not in law.only_nace:
        yield reason("sector_outside", nace=case.nace_code, divisions=sorted(law.only_nace))
    barred = case.purposes & law.excluded
    if barred:
        article = "Art 1(2)(c), (d)" if law.kind is Kind.BLOCK_EXEMPTION else ""
        yield reason("purpose_excluded", article, purposes=sorted(barred))


def _de_minimis(case: Case, law: Law, measured: Measured, on: date) -> Iterable[Reason]:
    if on > law.valid_to:
        yield reason("adjustment_period", valid_to=law.valid_to)
    if _declaration_due(law, on):
        if case.declared_on is None or case.declared_on > on + TOLERANCE:
            yield reason("declaration_missing")
        elif (on - case.declared_on).days > law.declaration_days:
            yield reason("declaration_old", declared_on=case.declared_on, days=law.declaration_days)
    elif case.register_eur is None:
        yield reason("register_not_asked", state=case.granting_state)
    known = _known(measured)
    if case.register_eur is not None and known != case.register_eur:
        yield reason("register_differs", register_eur=case.register_eur, known_eur=known)


def _declaration_due(law: Law, on: date) -> bool:
    """Until the register covers a whole window of the row's first limit (Art 7(4)); without a register, always."""
    if law.register_from is None or not law.limits:
        return True
    return on < years_later(law.register_from, law.limits[0].window_years)


def _known(measured: Measured) -> Decimal:
    """What we know to use up the row's first limit, the register aside."""
    if not measured.rooms:
        return NOTHING
    return sum((item.amount_eur for item in measured.rooms[0].items if item.counted), NOTHING)


# ---- the verdict -----------------------------------------------------------------------------------------------------


def _no_aid(case: Case, on: date) -> Verdict:
    return Verdict(
        outcome=Outcome.ALLOWED,
        counts_as_aid=False,
        basis=case.basis,
        law_version="",
        rule_version=RULE_VERSION,
        on=on,
        amount_eur=case.amount_eur,
        largest_eur=rounded_down(case.amount_eur),
        reasons=(reason(case.origin.value),),
    )


def _verdict(
    case: Case,
    on: date,
    law_version: str,
    reasons: tuple[Reason, ...],
    rooms: tuple[Room, ...] = (),
    members: frozenset[str] = frozenset(),
    largest: Decimal | None = None,
) -> Verdict:
    reasons = reasons or (reason("conditions_met"),)
    outcome = max((one.weight for one in reasons), key=WEIGHT.__getitem__)
    refused = outcome is Outcome.REFUSED
    if any(one.weight is Outcome.REFUSED and one.code not in OF_AMOUNT for one in reasons):
        largest = NOTHING
    elif largest is None or not largest.is_finite():
        largest = rounded_down(case.amount_eur)
    return Verdict(
        outcome=outcome,
        counts_as_aid=True,
        basis=case.basis,
        law_version=law_version,
        rule_version=RULE_VERSION,
        on=on,
        amount_eur=case.amount_eur,
        largest_eur=largest,
        reasons=reasons,
        rooms=_tightest(rooms if refused else (with_grant(room, case.amount_eur) for room in rooms)),
        group=tuple(sorted(members)),
    )
