"""Articles 4 and 6: which figures of which year, consolidated accounts, the two-period rule, changes of ownership."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from accounts.sme.ceilings import ceilings_on
from accounts.sme.graph import ChangeMode, Ownership
from accounts.sme.periods import annualised, flags, possible_sizes
from accounts.sme.rules import Basis, Size, classify, of_one_firm
from tests.accounts.sme.drawing import ON, drawn, figures, judged, shown

MICRO, SMALL, MEDIUM, LARGE, REVIEW = Size.MICRO, Size.SMALL, Size.MEDIUM, Size.LARGE, Size.REVIEW
IMMEDIATE, TWO_PERIOD = ChangeMode.IMMEDIATE, ChangeMode.TWO_PERIOD


def parts(known) -> dict[str, str]:
    """Code of each party's part in the latest closing."""
    found = {}
    todo = list(known.tree.children[-1].children[-1].children)
    while todo:
        one = todo.pop()
        if "party" in one.values:
            found[one.values["party"]] = one.code
        todo.extend(one.children)
    return found


# ---- consolidated accounts -----------------------------------------------------------------------------------------

CONSOLIDATED = [
    ("own accounts contain a daughter", "E 30/3/3 has=S; S 10/1/1", "E>S 100", "30/3/3", "S"),
    ("a mother's accounts contain the company", "E 10/1/1; H 30/3/3 has=E", "H>E 100", "30/3/3", "E"),
    ("a mother's accounts contain all", "E 10/1/1; H 30/3/3 has=E,S; S 5/1/1", "H>E 100; H>S 60", "30/3/3", "E S"),
    ("a mother's accounts contain a part", "E 10/1/1; H 30/3/3 has=E; S 5/1/1", "H>E 100; H>S 60", "35/4/4", "E"),
    ("accounts in accounts", "E 10/1/1 has=S; H 30/3/3 has=E; S 5/1/1", "H>E 100; E>S 60", "30/3/3", "E S"),
    ("accounts that contain each other", "E 10/1/1 has=H; H 30/3/3 has=E", "H>E 100", "10/1/1", "H"),
    ("a partner's accounts contain its daughter", "E 10/1/1; P 40/4/4 has=Q; Q 10/1/1", "P>E 25; P>Q 100", "20/2/2",
     "Q"),
    ("own accounts contain a partner at its share", "E 10/1/1 has=P; P 40/4/4", "E>P 30", "10/1/1", "P"),
    ("a linked one's accounts contain a partner", "E 10/1/1; H 20/2/2 has=P; P 40/4/4", "H>E 100; H>P 30", "30/3/3",
     "P"),
    ("own accounts contain a partner, not its daughter", "E 10/1/1 has=P; P 40/4/4; Q 10/1/1", "E>P 30; P>Q 100",
     "13/1.3/1.3", "P"),
    ("own accounts contain a partner with its daughter", "E 10/1/1 has=P; P 40/4/4 has=Q; Q 10/1/1",
     "E>P 30; P>Q 100", "10/1/1", "P Q"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "parties", "holdings", "total", "contained"), CONSOLIDATED, ids=[row[0] for row in CONSOLIDATED]
)
def test_nothing_is_counted_twice(name, parties, holdings, total, contained):
    known = judged(parties, holdings)
    assert shown(known) == total
    assert {ident for ident, code in parts(known).items() if code == "contained"} == set(contained.split())


def test_whoever_stands_in_a_mothers_accounts_needs_no_figures_of_its_own():
    assert shown(judged("E; H 30/3/3 has=E", "H>E 100")) == "30/3/3"


# ---- whose year ----------------------------------------------------------------------------------------------------


def with_closing(ident: str, end: date, basis: Basis = Basis.APPROVED) -> Ownership:
    """E closes on 31 December 2025 (10/1/1), its mother H on another day (20/2/2)."""
    graph = drawn("E 10/1/1; H 20/2/2", "H>E 100")
    other = (figures("20/2/2", end, basis),)
    return replace(graph, parties=(graph.parties[0], replace(graph.parties[1], periods=other)))


@pytest.mark.parametrize(
    ("end", "size"),
    [
        (date(2025, 1, 15), SMALL),
        (date(2025, 1, 14), REVIEW),
        (date(2024, 12, 31), REVIEW),
        (date(2025, 3, 31), SMALL),
        (date(2026, 1, 31), SMALL),
        (date(2026, 2, 1), REVIEW),
    ],
)
def test_a_party_serves_with_the_year_that_fits_the_closing(end, size):
    assert classify(with_closing("H", end), ON).size is size


def test_the_last_year_that_fits_counts():
    graph = with_closing("H", date(2025, 3, 31))
    mother = replace(graph.parties[1], periods=(*graph.parties[1].periods, figures("30/3/3", date(2025, 9, 30))))
    known = classify(replace(graph, parties=(graph.parties[0], mother)), ON)
    assert shown(known) == "40/4/4"


def test_a_party_without_figures_of_the_latest_year_is_named():
    known = judged("E 10/1/1; H", "H>E 100")
    assert known.size is REVIEW
    assert [(one.code, one.values["name"]) for one in known.open_points] == [("figures_missing", "H")]
    assert known.figures is None


def test_a_partner_below_a_quarter_needs_no_figures():
    assert judged("E 10/1/1; P", "P>E 24").size is SMALL


def test_older_closings_without_a_partys_figures_are_left_out():
    known = judged("E 300/90/90,300/90/90,9/1/1; H 1/1/1", "H>E 100")
    assert (known.size, [one.awu for one in known.closings]) == (SMALL, [10])
    assert known.codes.count("closing_dropped") == 2


def test_a_new_daughter_estimates():
    graph = with_closing("H", date(2026, 12, 31), Basis.ESTIMATE)
    known = classify(graph, ON)
    assert (known.size, known.basis) == (SMALL, Basis.ESTIMATE)
    assert "estimate_used" in known.codes


def test_beside_a_new_company_its_mothers_latest_accounts_count():
    graph = drawn("E 5/1/1 estimate; H 20/2/2", "H>E 100")
    new = replace(graph.parties[0], periods=(figures("5/1/1", date(2026, 12, 31), Basis.ESTIMATE),))
    known = classify(replace(graph, parties=(new, graph.parties[1])), ON)
    assert (shown(known), known.size, known.basis) == ("25/3/3", SMALL, Basis.ESTIMATE)


def test_beside_a_new_company_its_mothers_old_accounts_do_not():
    graph = drawn("E 5/1/1 estimate; H 20/2/2", "H>E 100")
    old = replace(graph.parties[1], periods=(figures("20/2/2", date(2023, 12, 31)),))
    assert classify(replace(graph, parties=(graph.parties[0], old)), ON).codes[-1] == "figures_missing"


def test_accounts_of_a_year_that_has_not_ended_do_not_count():
    known = classify(of_one_firm([figures("9/1/1", date(2025, 12, 31)), figures("99/1/1", date(2026, 12, 31))]), ON)
    assert known.size is MICRO


def test_an_old_estimate_is_no_estimate_of_this_year():
    assert classify(of_one_firm([figures("9/1/1", date(2023, 12, 31), Basis.ESTIMATE)]), ON).codes[-1] == "figures_old"


# ---- two periods ---------------------------------------------------------------------------------------------------

TWO_PERIODS = [
    ("micro lost", "9/1/1,11/1/1,11/1/1", SMALL),
    ("micro lost by amounts", "9/2/2,9/2.1/2.1,9/2.1/2.1", SMALL),
    ("micro kept by one amount", "9/2/2,9/2/9,9/2.1/2", MICRO),
    ("micro won", "11/1/1,9/1/1,9/1/1", MICRO),
    ("micro not yet won", "11/1/1,11/1/1,9/1/1", SMALL),
    ("medium lost", "240/40/40,250/40/40,250/40/40", LARGE),
    ("medium kept", "240/40/40,250/40/40", MEDIUM),
    ("medium won back", "300/90/90,300/90/90,240/9/9,240/9/9", MEDIUM),
    ("two ceilings at once", "9/1/1,60/20/20,60/20/20", MEDIUM),
    ("to and fro", "9/1/1,60/20/20,9/1/1,60/20/20,9/1/1", MICRO),
    ("micro to large, ceiling by ceiling", "9/1/1,60/20/20,300/60/60", MEDIUM),
    ("large to micro, ceiling by ceiling", "300/60/60,40/9/9,9/1/1", SMALL),
]  # fmt: skip


@pytest.mark.parametrize(("name", "years", "size"), TWO_PERIODS, ids=[row[0] for row in TWO_PERIODS])
def test_each_ceiling_has_its_own_flag(name, years, size):
    assert judged(f"E {years}").size is size


def test_the_flags_of_each_ceiling_are_shown():
    closing = judged("E 9/1/1,60/20/20,300/60/60").tree.children[-1].children[-1]
    ceilings = [one.values for one in closing.children if one.code == "ceiling"]
    assert [(one["size"], one["within"], one["standing"]) for one in ceilings] == [
        ("micro", False, False),
        ("small", False, False),
        ("medium", False, True),
    ]


def test_the_rule_looks_at_totals_not_at_own_figures():
    known = judged("E 9/1/1,9/1/1; H 1/1/1,50/1/1", "H>E 100")
    assert (known.size, known.closings[-1].awu) == (SMALL, 59)


def test_a_closing_missing_in_between_may_have_turned_a_flag():
    """The year of H between is missing: were it medium, two in a row would have lost the class."""
    graph = drawn("E 40/1/1,60/1/1,60/1/1,40/1/1; H 1/0/0,1/0/0,1/0/0,1/0/0", "H>E 100")
    mother = graph.parties[1]
    known = classify(
        replace(graph, parties=(graph.parties[0], replace(mother, periods=(*mother.periods[:2], mother.periods[3])))),
        ON,
    )
    assert known.size is REVIEW
    assert {"closing_dropped", "missing_year"} <= set(known.codes)


def test_what_is_unknown_is_followed_in_every_class():
    ceilings = ceilings_on(ON).ceilings
    small, medium = figures("40/1/1", ON), figures("60/20/20", ON)
    assert possible_sizes([small, None, small], ceilings) == {SMALL}
    assert possible_sizes([small, medium, None, small], ceilings) == {SMALL, MEDIUM}
    assert possible_sizes([small, None, None, small], ceilings) == {MICRO, SMALL, MEDIUM, LARGE}
    assert possible_sizes([None, small], ceilings) == {MICRO, SMALL, MEDIUM, LARGE}
    assert flags([small, medium, medium], ceilings[1]) == [True, True, False]


# ---- another span than a year --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "awu", "turnover"),
    [
        (date(2025, 7, 1), date(2025, 12, 31), "10", "2"),
        (date(2025, 1, 1), date(2025, 12, 31), "5", "1"),
        (date(2024, 7, 1), date(2025, 12, 31), "3.3333", "0.6667"),
        (date(2025, 10, 20), date(2025, 12, 31), "25", "5"),
    ],
)
def test_other_spans_are_put_on_an_annual_basis(start, end, awu, turnover):
    known = annualised(start, figures("5/1/7", end))
    assert round(known.awu, 4) == Decimal(awu)
    assert round(known.turnover_eur / 1_000_000, 4) == Decimal(turnover)
    assert known.balance_sheet_eur == 7_000_000


def test_a_period_has_a_beginning_before_its_end():
    with pytest.raises(ValueError, match="cannot end before"):
        annualised(date(2026, 1, 1), figures("5/1/7", date(2025, 12, 31)))


# ---- changes of ownership ------------------------------------------------------------------------------------------

BOUGHT = ("E 20/2/2,20/2/2; H 300/90/90,300/90/90", "H>E 100")
DATED = ("E 20/2/2,20/2/2; H 300/90/90,300/90/90", "H>E 100 since=2026-05-01")
SOLD = ("E 20/2/2,20/2/2; H 300/90/90,300/90/90", "H>E 100 until=2026-05-01")
CHANGE = date(2026, 5, 1)

CHANGES = [
    ("not dated", *BOUGHT, CHANGE, ChangeMode.REVIEW, REVIEW, "ownership_changed"),
    ("not dated, at once", *BOUGHT, CHANGE, IMMEDIATE, LARGE, "change_at_once"),
    ("not dated, two periods", *BOUGHT, CHANGE, TWO_PERIOD, LARGE, "change_two_periods"),
    ("dated", *DATED, CHANGE, ChangeMode.REVIEW, REVIEW, "ownership_changed"),
    ("dated, at once", *DATED, CHANGE, IMMEDIATE, LARGE, "change_at_once"),
    ("dated, two periods", *DATED, CHANGE, TWO_PERIOD, SMALL, "change_two_periods"),
    ("dated only on the holding", *DATED, None, ChangeMode.REVIEW, REVIEW, "ownership_changed"),
    ("sold", *SOLD, None, ChangeMode.REVIEW, REVIEW, "ownership_changed"),
    ("sold, at once", *SOLD, None, IMMEDIATE, SMALL, "change_at_once"),
    ("sold, two periods", *SOLD, None, TWO_PERIOD, LARGE, "change_two_periods"),
    ("no difference", "E 20/2/2,20/2/2; H 9/2/2,9/2/2", DATED[1], CHANGE, ChangeMode.REVIEW, SMALL,
     "change_same_either_way"),
    ("long ago", *BOUGHT, date(2024, 12, 31), ChangeMode.REVIEW, LARGE, "has_linked"),
    ("since the older closing", *BOUGHT, date(2025, 1, 1), ChangeMode.REVIEW, REVIEW, "ownership_changed"),
    ("not yet", *BOUGHT, date(2026, 11, 22), ChangeMode.REVIEW, LARGE, "has_linked"),
    ("a small holding bought", "E 20/2/2,20/2/2; H 300/90/90,300/90/90", "H>E 10 since=2026-05-01", None,
     ChangeMode.REVIEW, SMALL, "autonomous"),
    ("one closing before the change", "E 20/2/2; H 300/90/90", "H>E 100 since=2026-05-01", None, TWO_PERIOD, SMALL,
     "change_two_periods"),
    ("a new public holder", "E 20/2/2,20/2/2; M public_body", "M>E 30 since=2026-05-01", None, ChangeMode.REVIEW, LARGE,
     "public_control"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "parties", "holdings", "changed", "mode", "size", "code"), CHANGES, ids=[row[0] for row in CHANGES]
)
def test_a_change_of_ownership_is_read_as_the_portal_is_set(name, parties, holdings, changed, mode, size, code):
    known = judged(parties, holdings, mode=mode, ownership_changed_on=changed)
    assert known.size is size
    assert code in known.codes
