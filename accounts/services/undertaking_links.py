"""Control that was stated with the size also makes a single undertaking (Regulation (EU) 2023/2831, Article 2(2)).

The two notions differ (persons, partners and common public owners tie nothing together there), so only enterprises
and only the four grounds of control are handed over.
"""

from datetime import date
from decimal import Decimal

from accounts.models import ControlStatement, Organisation, Party, User
from accounts.services.ownership import SELF
from accounts.sme import graph
from accounts.state_aid.keys import organisation_key, outside_key
from accounts.state_aid.services import record_control

HALF = Decimal(50)
NO_UNDERTAKINGS = frozenset(
    {
        graph.PartyKind.PERSON,
        graph.PartyKind.BUSINESS_ANGEL,
        graph.PartyKind.PUBLIC_BODY,
        graph.PartyKind.LOCAL_AUTHORITY,
    }
)


def control_links(*, organisation: Organisation, ownership: graph.Ownership) -> tuple[dict[str, object], ...]:
    """Every link of control between enterprises in the graph, as `record_control` takes them."""
    keys = {SELF: organisation_key(organisation.pk)}
    for row in Party.objects.filter(organisation=organisation, is_self=False):
        keys[str(row.pk)] = outside_key(vat_number=row.vat_number, euid=row.euid) or f"party:{row.pk}"
    parties = {party.id: party for party in ownership.parties}
    found: list[dict[str, object]] = []
    for one in ownership.holdings:
        ground = _ground(one)
        if not ground or {parties[one.owner].kind, parties[one.owned].kind} & NO_UNDERTAKINGS:
            continue
        if keys[one.owner] == keys[one.owned]:
            continue
        found.append(
            {
                "controller": keys[one.owner],
                "controller_name": parties[one.owner].name,
                "controlled": keys[one.owned],
                "controlled_name": parties[one.owned].name,
                "ground": ground,
                "valid_from": one.since,
            }
        )
    return tuple(found)


def record_links(*, actor: User, organisation: Organisation, ownership: graph.Ownership, on: date) -> None:
    """Hands the links to the dated graph of undertakings, in the transaction of the signature."""
    record_control(
        organisation=organisation,
        links=control_links(organisation=organisation, ownership=ownership),
        actor=actor,
        on=on,
    )


def _ground(one: graph.Holding) -> str:
    """The strongest ground: a majority of votes, else the first that was stated."""
    if one.votes > HALF or graph.Control.MAJORITY_OF_VOTES in one.control:
        return ControlStatement.Ground.MAJORITY_OF_VOTES.value
    return min((ground.value for ground in one.control), default="")
