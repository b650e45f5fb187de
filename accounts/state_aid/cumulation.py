"""Several measures for the same eligible costs: Art 5(3) of the de minimis acts, Art 8 of Regulation 651/2014."""

from collections.abc import Iterable
from decimal import Decimal

from accounts.state_aid.case import DE_MINIMIS_CODES, Aid, Case, Kind, Law, Reason, Room
from accounts.state_aid.limits import plain_room
from accounts.state_aid.reasons import reason

SAME_COSTS = "same_costs"
UNION_FUNDING = "union_funding"
PROJECT = "project"


def cost_rooms(case: Case, law: Law, intensity: Decimal | None) -> tuple[Room, ...]:
    """What the eligible costs leave for one more measure; empty when the grant is tied to none.

    `intensity` is the highest share (per cent) that the new grant's own basis allows, None when it knows none.
    """
    if case.costs is None:
        return ()
    rooms = []
    state_aid = _for_same_costs(case, central=False)
    known = [one for one in (intensity, *(aid.intensity for aid in state_aid)) if one is not None]
    if known:
        article = "Art 5(3)" if law.kind is Kind.DE_MINIMIS else "Art 8(3), 8(5)"
        rooms.append(plain_room(SAME_COSTS, article, case.costs.total_eur * max(known) / 100, state_aid))
    if case.costs.union_rate is not None:
        everything = (*state_aid, *_for_same_costs(case, central=True))
        ceiling = case.costs.total_eur * case.costs.union_rate / 100
        rooms.append(plain_room(UNION_FUNDING, "Art 8(2)", ceiling, everything))
    return tuple(rooms)


def project_rooms(case: Case, law: Law) -> tuple[Room, ...]:
    """The notification threshold for one project (Art 4(1)): above it no block exemption holds."""
    category = case.exemption.category if case.exemption else ""
    ceiling = law.terms.get("project_threshold_eur", {}).get(category)
    if ceiling is None:
        return ()
    return (plain_room(PROJECT, "Art 4(1)", Decimal(ceiling), _for_same_costs(case, central=False)),)


def open_questions(case: Case, law: Law, intensity: Decimal | None) -> Iterable[Reason]:
    """What must be known of other measures for these costs, and is not."""
    if case.costs is None:
        return
    others = _for_same_costs(case, central=False)
    unknown = [aid for aid in others if aid.intensity is None and aid.regime not in DE_MINIMIS_CODES]
    if unknown and intensity is None and all(aid.intensity is None for aid in others):
        article = "Art 5(3)" if law.kind is Kind.DE_MINIMIS else "Art 8(3)"
        yield reason("cumulation_unknown", article, costs=case.costs.name, regime=unknown[0].regime)
    if case.costs.union_rate is None and _for_same_costs(case, central=True):
        yield reason("union_rate_unknown", costs=case.costs.name)


def _for_same_costs(case: Case, *, central: bool) -> tuple[Aid, ...]:
    name = case.costs.name if case.costs else ""
    return tuple(aid for aid in case.aid if name and aid.costs == name and aid.central_union is central)
