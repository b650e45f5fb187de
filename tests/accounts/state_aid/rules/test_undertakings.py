"""One undertaking by control, its mergers, acquisitions and splits: Art 2(2), 3(8), 3(9) of 2023/2831."""

from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.state_aid.case import SGEI, Change, GroupEvent, Outcome
from accounts.state_aid.undertakings import members, shared_out
from tests.accounts.state_aid.rules.given import TODAY, aid, case, judged, link

SINCE = date(2024, 1, 1)
BEFORE = date(2025, 3, 3)


def merger(*before: str, into: str, on: date = SINCE) -> GroupEvent:
    return GroupEvent(Change.MERGER, on, before, (into,))


def acquisition(first: str, *others: str, on: date = SINCE) -> GroupEvent:
    return GroupEvent(Change.ACQUISITION, on, (first, *others), (first, *others))


def split(one: str, *into: str, on: date = date(2026, 1, 1), **fields) -> GroupEvent:
    equity = {key: Decimal(amount) for key, amount in fields.pop("equity", {}).items()}
    return GroupEvent(Change.SPLIT, on, (one,), into, equity=equity, **fields)


def carried(member: str, *prior, on: date = TODAY, **fields) -> Decimal:
    """What of the earlier aid uses up the member's ceiling."""
    return judged(case("0", *prior, member=member, on=on, **fields), on).rooms[0].used_eur


# ---- control ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("links", "group"),
    [
        ((), "u"),
        ((link("p", "u"),), "pu"),
        ((link("u", "d"),), "du"),
        ((link("p", "u"), link("p", "s")), "psu"),
        ((link("a", "b"), link("b", "c"), link("c", "u")), "abcu"),
        ((link("p", "u"), link("x", "y")), "pu"),
        ((link("p", "u"), link("u", "p")), "pu"),
    ],
    ids=["alone", "parent", "daughter", "sisters", "chain", "strangers", "circle"],
)
def test_control_joins_over_any_number_of_steps_both_ways(links, group):
    for order in permutations(links):
        assert members(order, (), "u", TODAY) == frozenset(group)


@pytest.mark.parametrize("kind", ["person", "public_body"])
def test_a_person_or_a_public_body_in_common_joins_nothing(kind):
    links = (link("p", "u", controller_kind=kind), link("p", "s", controller_kind=kind))
    assert members(links, (), "u", TODAY) == {"u"}


def test_a_non_profit_owner_in_common_joins_except_for_services_of_general_interest():
    """Art 2(2) of 2023/2832 and recital 8."""
    links = tuple(link("p", key, controller_kind="non_profit") for key in ("u", "s"))
    prior = aid(BEFORE, "100", member="s"), aid(BEFORE, "100", member="s", regime=SGEI)
    assert judged(case("0", *prior, links=links)).rooms[0].used_eur == 100
    assert judged(case("0", *prior, links=links, basis=SGEI)).rooms[0].used_eur == 0


@pytest.mark.parametrize(
    ("on", "joined"),
    [
        (date(2024, 12, 31), False),
        (date(2025, 1, 1), True),
        (date(2025, 12, 31), True),
        (date(2026, 1, 1), False),
    ],
)
def test_control_holds_from_its_first_day_to_the_day_before_its_end(on, joined):
    found = members((link("p", "u", date(2025, 1, 1), date(2026, 1, 1)),), (), "u", on)
    assert ("p" in found) is joined


def test_aid_of_the_whole_group_counts_but_of_one_state_only():
    links = (link("p", "u"), link("p", "s"))
    prior = (aid(BEFORE, "10", member="s"), aid(BEFORE, "20", member="p", state="DE"), aid(BEFORE, "30", member="x"))
    assert carried("u", *prior, links=links) == 10


def test_a_company_that_left_the_group_takes_its_aid_with_it():
    links = (link("p", "u", date(2024, 1, 1), date(2026, 6, 1)),)
    prior = (aid(BEFORE, "70", member="p"), aid(BEFORE, "5"))
    assert carried("u", *prior, links=links, on=date(2026, 5, 31)) == 75
    assert carried("u", *prior, links=links, on=date(2026, 6, 1)) == 5


def test_an_unconfirmed_link_counts_and_goes_to_a_person():
    links = (link("p", "u", confirmed=False),)
    verdict = judged(case("0", aid(BEFORE, "70", member="p"), links=links))
    assert (verdict.outcome, verdict.rooms[0].used_eur) == (Outcome.NEEDS_REVIEW, 70)
    assert "link_unconfirmed" in verdict.codes


@pytest.mark.parametrize(
    "doubtful",
    [
        link("x", "y", confirmed=False),
        link("p", "u", date(2020, 1, 1), date(2021, 1, 1), confirmed=False),
        link("p", "u", confirmed=False, controller_kind="person"),
    ],
    ids=["of strangers", "ended", "of a person"],
)
def test_an_unconfirmed_link_that_joins_nothing_raises_no_doubt(doubtful):
    assert judged(case("0", links=(doubtful,))).outcome is Outcome.ALLOWED


# ---- mergers and acquisitions ----------------------------------------------------------------------------------------


def test_a_merged_company_brings_its_aid():
    assert carried("u", aid(BEFORE, "40", member="x"), aid(BEFORE, "2"), events=(merger("x", into="u"),)) == 42


def test_a_merger_into_a_new_company_brings_the_aid_of_both():
    prior = (aid(BEFORE, "40", member="x"), aid(BEFORE, "2", member="y"))
    assert carried("n", *prior, events=(merger("x", "y", into="n"),)) == 42


def test_a_merger_says_nothing_before_its_day():
    event = merger("x", into="u", on=date(2026, 11, 22))
    assert carried("u", aid(BEFORE, "40", member="x"), events=(event,)) == 0
    assert carried("u", aid(BEFORE, "40", member="x"), events=(event,), on=date(2026, 11, 22)) == 40


def test_aid_booked_late_on_an_absorbed_company_counts():
    assert carried("u", aid(date(2026, 6, 1), "40", member="x"), events=(merger("x", into="u"),)) == 40


def test_mergers_in_a_row_carry_aid_on():
    events = (merger("y", into="u", on=date(2026, 2, 2)), merger("x", into="y"))
    assert carried("u", aid(date(2024, 5, 5), "40", member="x"), events=events) == 40


def test_a_link_that_still_names_an_absorbed_company_means_its_successor():
    assert members((link("p", "x"),), (merger("x", into="u"),), "u", TODAY) == {"p", "x", "u"}


def test_an_acquired_company_is_one_with_the_acquirer_both_ways():
    events = (acquisition("u", "y"),)
    prior = (aid(BEFORE, "40", member="y"), aid(BEFORE, "2"))
    assert carried("u", *prior, events=events) == carried("y", *prior, events=events) == 42


def test_a_divested_company_takes_its_own_aid_with_it():
    """Acquired in 2024, sold on 1 June 2026: control ended, and with it the acquisition."""
    events = (acquisition("u", "y"),)
    links = (link("u", "y", SINCE, date(2026, 6, 1)),)
    prior = (aid(BEFORE, "40", member="y"), aid(BEFORE, "2"))
    assert carried("u", *prior, events=events, links=links, on=date(2026, 5, 31)) == 42
    assert carried("u", *prior, events=events, links=links) == 2
    assert carried("y", *prior, events=events, links=links) == 40


def test_control_that_ended_before_an_acquisition_does_not_end_it():
    links = (link("u", "y", date(2018, 1, 1), date(2020, 1, 1)),)
    assert members(links, (acquisition("u", "y"),), "u", TODAY) == {"u", "y"}


def test_an_unconfirmed_event_of_the_group_goes_to_a_person():
    event = GroupEvent(Change.MERGER, SINCE, ("x",), ("u",), confirmed=False)
    assert judged(case("0", events=(event,))).codes[-1] == "event_unconfirmed"
    assert judged(case("0", member="z", events=(event,))).outcome is Outcome.ALLOWED


# ---- splits ----------------------------------------------------------------------------------------------------------


def test_aid_goes_to_the_successor_that_used_it():
    event = split("s", "k", "l", equity={"k": 3, "l": 1}, used_by={"A-1": "l"})
    prior = (aid(BEFORE, "100", member="s", reference="A-1"), aid(BEFORE, "100", member="s", reference="A-2"))
    assert (carried("k", *prior, events=(event,)), carried("l", *prior, events=(event,))) == (75, 125)


@pytest.mark.parametrize(
    ("amount", "equity", "shares"),
    [
        ("240000", ("3", "1"), ("180000.00", "60000.00")),
        ("100", ("1", "1", "1"), ("33.34", "33.33", "33.33")),
        ("0.05", ("1", "1"), ("0.03", "0.02")),
        ("10", ("0", "1"), ("0.00", "10.00")),
        ("0.01", ("1", "3"), ("0.00", "0.01")),
    ],
)
def test_shares_add_up_to_the_cent(amount, equity, shares):
    assert shared_out(Decimal(amount), [Decimal(one) for one in equity]) == tuple(Decimal(one) for one in shares)


@given(
    st.decimals(0, 500_000, places=2),
    st.lists(st.decimals(0, 10_000, places=2), min_size=1, max_size=5).filter(any),
)
def test_nothing_is_lost_and_nothing_invented_by_a_split(amount, equity):
    parts = shared_out(amount, equity)
    assert sum(parts) == amount
    assert all(
        abs(part - amount * one / sum(equity)) <= Decimal("0.01") for part, one in zip(parts, equity, strict=True)
    )


@pytest.mark.parametrize("equity", [{}, {"k": 5}, {"k": 5, "l": -1}, {"k": 0, "l": 0}])
def test_where_nobody_knows_each_successor_counts_the_whole_and_a_person_looks(equity):
    verdict = judged(
        case("0", aid(BEFORE, "100", member="s"), member="l", events=(split("s", "k", "l", equity=equity),))
    )
    assert verdict.rooms[0].used_eur == 100
    assert (verdict.outcome, verdict.codes[-1]) == (Outcome.NEEDS_REVIEW, "split_uncertain")


def test_successors_that_stay_one_undertaking_count_the_award_once():
    event = split("s", "k", "l")
    assert carried("l", aid(BEFORE, "100", member="s"), events=(event,), links=(link("k", "l"),)) == 100


def test_an_uncertain_split_of_aid_that_no_longer_counts_raises_no_doubt():
    old = aid(date(2020, 1, 1), "100", member="s")
    assert judged(case("0", old, member="l", events=(split("s", "k", "l", on=date(2021, 1, 1)),))).outcome is (
        Outcome.ALLOWED
    )


def test_a_company_that_lives_on_keeps_what_it_got_after_the_split():
    event = split("s", "s", "l", equity={"s": 1, "l": 1}, on=date(2026, 1, 1))
    prior = (
        aid(date(2025, 12, 31), "100", member="s"),
        aid(date(2026, 1, 1), "10", member="s"),
        aid(date(2026, 2, 2), "1", member="s"),
    )
    assert (carried("s", *prior, events=(event,)), carried("l", *prior, events=(event,))) == (61, 50)


def test_aid_booked_late_on_a_company_that_was_split_up_is_shared_too():
    event = split("s", "k", "l", equity={"k": 1, "l": 1}, on=date(2026, 1, 1))
    assert carried("k", aid(date(2026, 2, 2), "100", member="s"), events=(event,)) == 50


def test_split_merged_and_split_again():
    """s → k and l (1:1); k goes into m; m → m and n (3:1)."""
    events = (
        split("s", "k", "l", equity={"k": 1, "l": 1}, on=date(2025, 6, 1)),
        merger("k", into="m", on=date(2025, 9, 1)),
        split("m", "m", "n", equity={"m": 3, "n": 1}, on=date(2026, 2, 1)),
    )
    prior = (aid(BEFORE, "80", member="s"), aid(BEFORE, "8", member="m"))
    assert [carried(key, *prior, events=events) for key in "lmn"] == [40, 36, 12]


def test_links_do_not_pass_to_the_parts_of_a_split():
    assert members((link("p", "s"),), (split("s", "k", "u"),), "u", TODAY) == {"u"}
