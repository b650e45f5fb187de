"""The references themselves, on the published vectors: a reference that is wrong would prove nothing."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from accounts.sme.graph import Figures, Holding, Market, MarketRelation, Ownership, Party, PartyKind
from accounts.state_aid.case import (
    AGRICULTURE,
    GENERAL,
    SGEI,
    Aid,
    Case,
    Change,
    ControlLink,
    GroupEvent,
    Origin,
)
from tests.accounts.reference import graphs, histories
from tests.accounts.reference.naive_aid import judge
from tests.accounts.reference.naive_size import size_of
from tests.accounts.reference.seeds import seeded

ON = date(2026, 11, 21)


def aid(day: str, eur: int, member: str = "org:a", regime: str = GENERAL, state: str = "FI") -> Aid:
    return Aid(member, state, Decimal(eur), date.fromisoformat(day), regime)


def grant(eur: str, *prior: Aid, member: str = "org:a", state: str = "FI", **words) -> Case:
    return Case(member, state, Origin.NATIONAL_SHARE, Decimal(eur), aid=prior, **words)


D1 = (aid("2024-03-15", 120_000), aid("2025-06-01", 100_000))
DAUGHTER = (ControlLink("org:a", "org:b", date(2020, 1, 1)),)
TAKEN_OVER = (GroupEvent(Change.ACQUISITION, date(2026, 1, 1), ("org:a", "org:b"), ("org:a", "org:b")),)


@pytest.mark.parametrize(
    ("name", "case", "refused"),
    [
        ("D1", grant("80000", *D1), False),
        ("D2", grant("80000.01", *D1), True),
        ("D3", grant("100000", aid("2023-11-20", 100_000), aid("2025-01-10", 200_000)), False),
        ("D4", grant("1", aid("2023-11-21", 100_000), aid("2025-01-10", 200_000)), True),
        ("D5 same State", grant("150000", aid("2025-05-05", 180_000), member="org:b", links=DAUGHTER), True),
        ("D5 other", grant("150000", aid("2025-05-05", 180_000), member="org:b", links=DAUGHTER, state="DE"), False),
        ("D6", grant("300000", aid("2025-05-05", 500_000, regime=SGEI)), False),
        ("D7 too much", grant("260000", aid("2025-05-05", 50_000, regime=AGRICULTURE)), True),
        ("D7 fits", grant("250000", aid("2025-05-05", 50_000, regime=AGRICULTURE)), False),
        ("D8", grant("1", aid("2025-05-05", 200_000), aid("2024-05-05", 150_000, "org:b"), events=TAKEN_OVER), True),
    ],
)
def test_the_reference_of_aid_gives_the_published_answers(name, case, refused):
    assert judge(case, ON).refused is refused, name


def test_the_reference_splits_by_equity():
    event = GroupEvent(
        Change.SPLIT,
        date(2026, 1, 1),
        ("org:a",),
        ("org:b", "org:c"),
        equity={"org:b": Decimal(3), "org:c": Decimal(1)},
    )
    rooms = [
        judge(grant("1", aid("2025-01-01", 240_000), member=one, events=(event,)), ON).largest
        for one in ("org:b", "org:c")
    ]
    assert rooms == [120_000, 240_000]


def firm(ident: str, awu: str, turnover: str, balance: str, kind: PartyKind = PartyKind.ENTERPRISE, **words) -> Party:
    million = Decimal(1_000_000)
    figures = Figures(date(2025, 12, 31), Decimal(awu), Decimal(turnover) * million, Decimal(balance) * million)
    return Party(ident, kind, periods=(figures,), **words)


def owns(owner: str, owned: str, share: str) -> Holding:
    return Holding(owner, owned, Decimal(share), Decimal(share))


def graph(*parts, markets: Market | None = None) -> Ownership:
    parties = tuple(one for one in parts if isinstance(one, Party))
    holdings = tuple(one for one in parts if isinstance(one, Holding))
    relations = (MarketRelation("e", "f", markets),) if markets else ()
    return Ownership("e", parties, holdings, markets=relations)


VC = PartyKind.VENTURE_CAPITAL
FUND = PartyKind.INSTITUTIONAL_INVESTOR
TOWN = PartyKind.LOCAL_AUTHORITY
PERSON = Party("p", PartyKind.PERSON)
V8 = (
    firm("e", "45", "7", "5"), firm("b", "30", "20", "400", FUND), firm("d", "12", "6", "150", FUND),
    firm("c", "10", "1", "1"), owns("b", "e", "25"), owns("d", "e", "30"), owns("c", "e", "25"), owns("b", "d", "60"),
)  # fmt: skip
V9 = (firm("e", "45", "9", "8"), firm("f", "10", "2", "1"), PERSON, owns("p", "e", "100"), owns("p", "f", "80"))


@pytest.mark.parametrize(
    ("name", "ownership", "size", "staff"),
    [
        ("V1", graph(firm("e", "9.5", "3", "1.9")), "micro", "9.5"),
        ("V2", graph(firm("e", "10", "1.5", "1")), "small", "10"),
        ("V3", graph(firm("e", "249.9", "60", "43")), "medium", "249.9"),
        ("V3 above", graph(firm("e", "249.9", "50.01", "43.01")), "large", "249.9"),
        ("V4", graph(firm("e", "250", "5", "5")), "large", "250"),
        (
            "V5",
            graph(
                firm("e", "40", "8", "6"), firm("p", "100", "20", "15"), firm("q", "50", "10", "5"),
                owns("p", "e", "33"), owns("p", "q", "100"),
            ),
            "medium",
            "89.5",
        ),
        (
            "V6",
            graph(
                firm("e", "30", "6", "4"), firm("h", "180", "30", "25"), firm("s", "60", "12", "9"),
                owns("h", "e", "60"), owns("h", "s", "55"),
            ),
            "large",
            "270",
        ),
        (
            "V7",
            graph(firm("e", "20", "1", "3"), firm("v", "300", "90", "200", VC), owns("v", "e", "45")),
            "small",
            "20",
        ),
        (
            "V7 linked",
            graph(firm("e", "20", "1", "3"), firm("v", "300", "90", "200", VC), owns("v", "e", "51")),
            "large",
            "320",
        ),
        ("V8", graph(*V8), "medium", "89.5"),
        ("V9", graph(*V9, markets=Market.SAME), "medium", "55"),
        ("V9 apart", graph(*V9, markets=Market.UNRELATED), "small", "45"),
        (
            "V10",
            graph(
                firm("e", "12", "1", "1"), Party("t", TOWN, budget_eur=Decimal(10**9), inhabitants=200_000),
                owns("t", "e", "25"),
            ),
            "large",
            "12",
        ),
        (
            "V10 village",
            graph(
                firm("e", "12", "1", "1"), Party("t", TOWN, budget_eur=Decimal(9_900_000), inhabitants=4_900),
                owns("t", "e", "40"),
            ),
            "small",
            "12",
        ),
        (
            "V15",
            graph(
                firm("e", "20", "4", "3"), firm("p", "100", "30", "20"), firm("s", "15", "3", "2"),
                owns("e", "s", "100"), owns("e", "p", "15"), owns("s", "p", "12"),
            ),
            "medium",
            "62",
        ),
        (
            "V16",
            graph(
                firm("e", "30", "9", "9"), firm("p", "60", "12", "10"), owns("e", "p", "26"), owns("p", "e", "40")
            ),
            "medium",
            "54",
        ),
    ],
)  # fmt: skip
def test_the_reference_of_size_gives_the_published_answers(name, ownership, size, staff):
    answer = size_of(ownership, ON)
    assert (answer.size, answer.figures[0]) == (size, Decimal(staff)), name


@pytest.mark.parametrize(
    ("years", "size"),
    [
        ("48/9/7 52/9.5/8 53/9.8/8", "medium"),
        ("48/9/7 52/9.5/8", "small"),
        ("48/1/1 52/1/1 49/1/1 52/1/1", "small"),
        ("48/9/7 120/20/15 300/60/50", "medium"),
    ],
)
def test_the_reference_of_size_follows_the_closings(years, size):
    closings = [one.split("/") for one in years.split()]
    parties = [firm("e", *one) for one in closings]
    periods = tuple(
        replace(party.periods[0], period_end=date(2022 + index, 12, 31)) for index, party in enumerate(parties)
    )
    assert size_of(Ownership("e", (Party("e", periods=periods),)), ON).size == size


def test_random_histories_reach_every_kind_of_edge():
    cases = [histories.history(seeded(seed), ()) for seed in range(400)]
    answers = [judge(case, on) for case, on in cases]
    assert 100 < sum(one.refused for one in answers) < 300
    assert {on for _case, on in cases} >= {date(2028, 2, 29), date(2027, 3, 1)}
    assert {event.kind for case, _on in cases for event in case.events} == set(Change)
    assert sum(case.amount_eur == one.largest for (case, _on), one in zip(cases, answers, strict=True)) > 50
    whys = {item.why for one in answers for measured in one.measured for item in measured.items}
    assert whys == {"", "other_state", "other_pool", "too_old", "other_undertaking", "no_state_aid"}


def test_random_graphs_reach_every_class_and_relation():
    answers = [size_of(graphs.ownership(seeded(seed)), graphs.ON) for seed in range(400)]
    assert {one.size for one in answers} == {"micro", "small", "medium", "large", "review"}
    words = {word for one in answers for word, _share in one.relations.values()}
    assert words >= {"linked", "partner", "exempt"}
