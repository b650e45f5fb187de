"""What the rows say about aid already granted: our own book for every member, and what members declared."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Max, Min, Sum

from accounts.models import AidAward, AidDeclaration, Organisation
from accounts.state_aid.case import GENERAL, Aid
from accounts.state_aid.services.undertakings import Undertaking

# Machine time that is no aid because nobody gets anything for less than it is worth, or no undertaking gets it.
NO_ADVANTAGE = ("commercial", "non_economic")
CENTRAL = ("union_share", "ceded_to_ju")


def latest_declaration(organisation: Organisation) -> AidDeclaration | None:
    return organisation.aid_declarations.order_by("-created_at").first()


def latest_declarations(organisations: Iterable[UUID]) -> dict[UUID, AidDeclaration]:
    """The declaration signed last, for each organisation that signed one."""
    rows = (
        AidDeclaration.objects.filter(organisation__in=list(organisations))
        .order_by("organisation_id", "-created_at")
        .distinct("organisation_id")
    )
    return {row.organisation_id: row for row in rows}


def aid_of(
    undertaking: Undertaking, declarations: Mapping[UUID, AidDeclaration], *, union_share_is_aid: bool = False
) -> tuple[Aid, ...]:
    """Everything known for any member, past and present, each grant once.

    `union_share_is_aid` is the reading of the day: time of the Union is then counted like any other, earlier time too.
    """
    members = {pk: key for key, pk in undertaking.organisations.items()}
    awarded = _awarded(members, central=() if union_share_is_aid else CENTRAL)
    return (*awarded, *_declared(undertaking, members, declarations, awarded))


def _awarded(members: Mapping[UUID, str], *, central: Iterable[str]) -> list[Aid]:
    """Our own awards, one for each thread with what is left of it. Time of the Union is listed as what it is."""
    threads = (
        AidAward.objects.filter(organisation__in=list(members))
        .exclude(origin__in=NO_ADVANTAGE)
        .order_by()
        .values("award", "organisation", "granting_state", "regime", "reference", "origin")
        .annotate(amount=Sum("amount_eur"), day=Min("granted_on"), costs_name=Max("costs"), first=Min("created_at"))
        .filter(amount__gt=0)
        .order_by("first", "award")
    )
    found = list(threads)
    intensities = _intensities(thread["award"] for thread in found if thread["costs_name"])
    return [
        Aid(
            member=members[thread["organisation"]],
            state=thread["granting_state"],
            amount_eur=thread["amount"],
            granted_on=thread["day"],
            regime=thread["regime"],
            source="portal",
            reference=thread["reference"],
            costs=thread["costs_name"],
            intensity=intensities.get(thread["award"]),
            central_union=thread["origin"] in central,
        )
        for thread in found
    ]


def _intensities(awards: Iterable[UUID]) -> dict[UUID, Decimal]:
    """The highest share of the costs each award's basis allowed, frozen with its valuation; asked only where needed."""
    wanted = list(awards)
    if not wanted:
        return {}
    rows = AidAward.objects.filter(award__in=wanted, event=AidAward.Event.RESERVED).values_list("award", "valuation")
    return {award: Decimal(said["intensity"]) for award, said in rows if said.get("intensity")}


Grant = tuple[str, str, str, date, Decimal]


def _declared(
    undertaking: Undertaking,
    members: Mapping[UUID, str],
    declarations: Mapping[UUID, AidDeclaration],
    awarded: Iterable[Aid],
) -> list[Aid]:
    """Declared grants of members. The same grant may be stated by two members, or be one of our own: it counts once.

    Two grants are the same when member, State, regulation, day and amount are. A company may truly have had two such
    grants, so the larger number of any one statement counts. Without a member a line speaks of who signed it.
    """
    ours = Counter(_mark(one) for one in awarded)
    wanted: Counter[Grant] = Counter()
    shown: dict[Grant, Aid] = {}
    asking = next((pk for pk, key in members.items() if key == undertaking.member), None)
    # The asking organisation first, so that its own words describe a grant that both stated.
    ordered = sorted(declarations.items(), key=lambda pair: (pair[0] != asking, str(pair[0])))
    for pk, declaration in ordered:
        stated = [_stated(item, undertaking, members[pk]) for item in declaration.items]
        counts = Counter(_mark(one) for one in stated if one.member in undertaking.known)
        for one in stated:
            shown.setdefault(_mark(one), one)
        wanted |= counts
    wanted -= ours
    return [shown[mark] for mark, times in sorted(wanted.items(), key=lambda pair: pair[0]) for _n in range(times)]


def _mark(one: Aid) -> Grant:
    return (one.member, one.state, one.regime, one.granted_on, one.amount_eur)


def _stated(item: Mapping[str, Any], undertaking: Undertaking, signer: str) -> Aid:
    intensity = item.get("intensity")
    member = item.get("member") or signer
    return Aid(
        member=undertaking.canonical.get(member, member),
        state=item["state"],
        amount_eur=Decimal(item["amount_eur"]),
        granted_on=date.fromisoformat(item["granted_on"]),
        regime=item.get("regulation", GENERAL),
        source="declared",
        reference=item.get("reference", ""),
        costs=item.get("costs", ""),
        intensity=Decimal(intensity) if intensity else None,
    )
