"""Who stands behind the company and what it holds: the rows that the interview edits, and the graph made of them.

Every change waits for the organisation's `OwnershipStatement` row, as signing does: what is signed is one whole graph.
"""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Sum, prefetch_related_objects
from django.utils.translation import gettext as _

from accounts import audit
from accounts.countries import ELIGIBLE
from accounts.identifiers import checked_euid, checked_vat
from accounts.models import Holding, Organisation, OwnershipStatement, Party, PartyYear, User
from accounts.permissions import require
from accounts.roles import Action
from accounts.sme import graph
from portal.kernel.errors import DomainError

SELF = "self"
MOST_PARTIES = 80
# Nobody owns a person, a State or a municipality.
NEVER_OWNED = frozenset({Party.Kind.PERSON, Party.Kind.PUBLIC_BODY, Party.Kind.LOCAL_AUTHORITY})
HUNDRED = Decimal(100)


def statement_of(organisation: Organisation) -> OwnershipStatement:
    return OwnershipStatement.objects.get_or_create(organisation=organisation)[0]


def locked_statement(organisation: Organisation) -> OwnershipStatement:
    """The statement's row, held until the transaction ends: changes and signatures of one company come in turn."""
    statement_of(organisation)
    return OwnershipStatement.objects.select_for_update().get(organisation=organisation)


def self_party(organisation: Organisation) -> Party:
    """The company itself in its own graph."""
    facts = {"name": organisation.legal_name, "country": organisation.country}
    party, _created = Party.objects.get_or_create(organisation=organisation, is_self=True, defaults=facts)
    if any(getattr(party, name) != value for name, value in facts.items()):
        Party.objects.filter(pk=party.pk).update(**facts)
        party.name, party.country = organisation.legal_name, organisation.country
    return party


@transaction.atomic
def save_answers(*, actor: User, organisation: Organisation, step: str, answers: dict[str, Any]) -> OwnershipStatement:
    """Keeps the answers of one step of the interview as they were given, finished or not."""
    require(actor, Action.EDIT_ORGANISATION, organisation=organisation)
    statement = locked_statement(organisation)
    if statement.answers.get(step) == answers:
        return statement
    statement.answers = {**statement.answers, step: answers}
    statement.dispersed = "dispersed" in statement.answers.get("owners", {}).get("owners", [])
    changes = statement.answers.get("changes", {})
    statement.ownership_changed_on = _day(changes.get("changed_on")) if changes.get("changed") == "yes" else None
    statement.save()
    return statement


@transaction.atomic
def save_party(*, actor: User, organisation: Organisation, party: Party | None = None, **facts: Any) -> Party:
    """Adds somebody to the group, or changes what is known of them.

    `facts` are the columns of `Party`; `consolidates` a list of parties. Raises DomainError: party_limit, vat_number,
    euid.
    """
    require(actor, Action.EDIT_ORGANISATION, organisation=organisation)
    locked_statement(organisation)
    consolidates = facts.pop("consolidates", None)
    country = facts.get("country", party.country if party else "")
    if country in ELIGIBLE and facts.get("vat_number"):
        facts["vat_number"] = checked_vat(facts["vat_number"], country=country)
    if country in ELIGIBLE and facts.get("euid"):
        facts["euid"] = checked_euid(facts["euid"], country=country)
    if party is None:
        if organisation.parties.count() >= MOST_PARTIES:
            raise DomainError(
                "party_limit", _("A group this large is beyond this page. Upload a chart of it and ask the helpdesk.")
            )
        self_party(organisation)
        party = Party(organisation=organisation)
        verb = "party.added"
    else:
        verb = "party.changed"
    for name, value in facts.items():
        setattr(party, name, value)
    party.save()
    if consolidates is not None:
        party.consolidates.set(consolidates)
    audit.record(actor=actor, action=verb, target=party, organisation=organisation, kind=party.kind)
    return party


@transaction.atomic
def remove_party(*, actor: User, party: Party) -> None:
    """Takes somebody out of the group, with their holdings. What was signed keeps its own copy."""
    require(actor, Action.EDIT_ORGANISATION, organisation=party.organisation)
    if party.is_self:
        raise DomainError("own_company", _("Your own company stays in the middle of its group."))
    statement = locked_statement(party.organisation)
    gone = str(party.pk)
    statement.markets = [row for row in statement.markets if gone not in row[:2]]
    together = [[one for one in group if one != gone] for group in statement.acting_together]
    statement.acting_together = [group for group in together if len(group) > 1]
    statement.save()
    audit.record(actor=actor, action="party.removed", target=party, organisation=party.organisation)
    party.delete()


@transaction.atomic
def save_party_year(
    *,
    actor: User,
    party: Party,
    year_end: date,
    headcount_awu: Decimal,
    turnover_eur: Decimal,
    balance_sheet_eur: Decimal,
    basis: str,
    on: date,
) -> PartyYear:
    """Stores the figures of one accounting year of another company; the same closing entered again replaces them."""
    require(actor, Action.EDIT_ORGANISATION, organisation=party.organisation)
    if party.is_self:
        raise DomainError("own_figures", _("Your own figures stand on the page of figures."))
    if basis == "approved" and year_end > on:
        raise DomainError(
            "year_end", _("This year has not ended yet, so its accounts cannot be approved."), field="year_end"
        )
    locked_statement(party.organisation)
    year, _created = PartyYear.objects.update_or_create(
        party=party,
        year_end=year_end,
        defaults={
            "headcount_awu": headcount_awu,
            "turnover_eur": turnover_eur,
            "balance_sheet_eur": balance_sheet_eur,
            "basis": basis,
        },
    )
    audit.record(
        actor=actor,
        action="party.figures_recorded",
        target=party,
        organisation=party.organisation,
        year_end=year_end.isoformat(),
    )
    return year


@transaction.atomic
def remove_party_year(*, actor: User, year: PartyYear) -> None:
    organisation = year.party.organisation
    require(actor, Action.EDIT_ORGANISATION, organisation=organisation)
    locked_statement(organisation)
    audit.record(
        actor=actor,
        action="party.figures_removed",
        target=year.party,
        organisation=organisation,
        year_end=year.year_end.isoformat(),
    )
    year.delete()


@transaction.atomic
def save_holding(
    *,
    actor: User,
    organisation: Organisation,
    owner: Party,
    owned: Party,
    capital: Decimal,
    votes: Decimal,
    control: list[str] | None = None,
    since: date | None = None,
    invested_eur: Decimal | None = None,
    in_management: bool = False,
    holding: Holding | None = None,
) -> Holding:
    """What one party holds in another, in per cent. One row for each pair; `holding` is the row being changed.

    Raises DomainError: same_party, never_owned, holding_known, more_than_all, empty_holding.
    """
    require(actor, Action.EDIT_ORGANISATION, organisation=organisation)
    locked_statement(organisation)
    if owner.pk == owned.pk:
        raise DomainError("same_party", _("Choose two different ends: nobody holds a part of itself."), field="owned")
    if owned.kind in NEVER_OWNED:
        raise DomainError(
            "never_owned",
            _("%(name)s cannot be owned: it is no company. Choose the company that is held.") % {"name": owned.name},
            field="owned",
        )
    others = Holding.objects.filter(organisation=organisation)
    if holding is not None:
        others = others.exclude(pk=holding.pk)
    if others.filter(owner=owner, owned=owned).exists():
        raise DomainError(
            "holding_known",
            _("This holding is in the list already. Change it there instead of adding it again."),
            field="owned",
        )
    if not (capital or votes or control):
        raise DomainError(
            "empty_holding", _("Enter a share of the capital or the votes, or a ground of control."), field="capital"
        )
    _refuse_more_than_all(others.filter(owned=owned), owned, capital=capital, votes=votes)
    row = holding or Holding(organisation=organisation)
    row.owner, row.owned, row.capital, row.votes = owner, owned, capital, votes
    row.control, row.since = sorted(control or []), since
    row.invested_eur, row.in_management = invested_eur, in_management
    row.save()
    audit.record(
        actor=actor,
        action="holding.stated",
        target=row,
        organisation=organisation,
        capital=str(capital),
        votes=str(votes),
    )
    return row


@transaction.atomic
def add_party(
    *, actor: User, organisation: Organisation, other: Party, side: str, party: dict[str, Any], holding: dict[str, Any]
) -> Party:
    """Adds somebody together with how they are tied to `other`: `side` "owner" (they hold it) or "owned" (it holds)."""
    added = save_party(actor=actor, organisation=organisation, **party)
    owner, owned = (added, other) if side == "owner" else (other, added)
    save_holding(actor=actor, organisation=organisation, owner=owner, owned=owned, **holding)
    return added


@transaction.atomic
def remove_holding(*, actor: User, holding: Holding) -> None:
    require(actor, Action.EDIT_ORGANISATION, organisation=holding.organisation)
    locked_statement(holding.organisation)
    audit.record(actor=actor, action="holding.removed", target=holding, organisation=holding.organisation)
    holding.delete()


@transaction.atomic
def set_acting_together(*, actor: User, organisation: Organisation, parties: list[Party]) -> None:
    """States who acts jointly, replacing what was stated; fewer than two means that nobody does."""
    require(actor, Action.EDIT_ORGANISATION, organisation=organisation)
    statement = locked_statement(organisation)
    named = sorted(str(one.pk) for one in parties)
    statement.acting_together = [named] if len(named) > 1 else []
    statement.save()
    audit.record(actor=actor, action="ownership.acting_together", target=statement, organisation=organisation)


def read_group(organisation: Organisation) -> Organisation:
    """Reads everything stated around the company in a fixed number of queries, kept on the row in hand."""
    prefetch_related_objects([organisation], "account_years", "holdings", "parties__years", "parties__consolidates")
    return organisation


def ownership_of(organisation: Organisation, statement: OwnershipStatement | None = None) -> graph.Ownership:
    """Everything stated as plain data for the rules. The company itself is called "self"."""
    statement = statement or statement_of(organisation)
    rows = list(organisation.parties.all())
    names: dict[UUID, str] = {row.pk: SELF if row.is_self else str(row.pk) for row in rows}
    known = {SELF, *names.values()}
    own_periods = tuple(_figures(year) for year in reversed(organisation.account_years.all()))
    own = next((row for row in rows if row.is_self), None)
    parties = [
        graph.Party(
            id=SELF,
            name=organisation.legal_name,
            country=organisation.country,
            periods=own_periods,
            consolidates=_consolidated(own, names) if own else frozenset(),
        )
    ]
    parties += [_party(row, names) for row in rows if not row.is_self]
    holdings = organisation.holdings.all()
    return graph.Ownership(
        subject=SELF,
        parties=tuple(parties),
        holdings=tuple(
            graph.Holding(
                owner=names[one.owner_id],
                owned=names[one.owned_id],
                capital=one.capital,
                votes=one.votes,
                control=frozenset(graph.Control(ground) for ground in one.control),
                invested_eur=one.invested_eur,
                in_management=one.in_management,
                since=one.since,
            )
            for one in holdings
        ),
        acting_together=tuple(frozenset(group) for group in statement.acting_together if known.issuperset(group)),
        markets=tuple(
            graph.MarketRelation(first, second, graph.Market(relation))
            for first, second, relation in statement.markets
            if {first, second} <= known
        ),
        dispersed=statement.dispersed,
        ownership_changed_on=statement.ownership_changed_on,
    )


def market_pairs(ownership: graph.Ownership) -> list[tuple[str, str]]:
    """Every pair of enterprises in which natural persons hold something: how their markets lie has to be stated."""
    kinds = {party.id: party.kind for party in ownership.parties}
    held = {one.owned for one in ownership.holdings if kinds[one.owner] is graph.PartyKind.PERSON}
    ordered = [party.id for party in ownership.parties if party.id in held]
    return [(first, second) for at, first in enumerate(ordered) for second in ordered[at + 1 :]]


@transaction.atomic
def set_markets(*, actor: User, organisation: Organisation, relations: dict[tuple[str, str], str]) -> None:
    """States how markets lie to each other, by pairs of identifiers as in `ownership_of`; "" takes an answer back."""
    require(actor, Action.EDIT_ORGANISATION, organisation=organisation)
    statement = locked_statement(organisation)
    named = {frozenset(pair) for pair in relations}
    kept = [row for row in statement.markets if frozenset(row[:2]) not in named]
    statement.markets = kept + [[*pair, relation] for pair, relation in relations.items() if relation]
    statement.save()
    audit.record(actor=actor, action="ownership.markets", target=statement, organisation=organisation)


def _refuse_more_than_all(others: Any, owned: Party, *, capital: Decimal, votes: Decimal) -> None:
    sums = others.aggregate(capital=Sum("capital"), votes=Sum("votes"))
    for name, own, label in (("capital", capital, _("capital")), ("votes", votes, _("votes"))):
        if (sums[name] or 0) + own > HUNDRED:
            raise DomainError(
                "more_than_all",
                _("Together the owners would hold more than 100%% of the %(what)s of %(name)s. Correct one of them.")
                % {"what": label, "name": owned.name},
                field=name,
            )


def _party(row: Party, names: dict[UUID, str]) -> graph.Party:
    return graph.Party(
        id=names[row.pk],
        kind=graph.PartyKind(row.kind),
        name=row.name,
        country=row.country,
        periods=tuple(_figures(year) for year in reversed(row.years.all())),
        consolidates=_consolidated(row, names),
        budget_eur=row.budget_eur,
        inhabitants=row.inhabitants,
    )


def _consolidated(row: Party, names: dict[UUID, str]) -> frozenset[str]:
    return frozenset(names[one.pk] for one in row.consolidates.all() if one.pk != row.pk)


def _figures(year: Any) -> graph.Figures:
    return graph.Figures(
        period_end=year.year_end,
        awu=year.headcount_awu,
        turnover_eur=year.turnover_eur,
        balance_sheet_eur=year.balance_sheet_eur,
        basis=graph.Basis(year.basis),
    )


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
