"""The vectors V1 to V16 of the fact sheet with variants, and the small mid-caps."""

from datetime import date

import pytest

from accounts.sme.midcap import small_mid_cap
from accounts.sme.rules import Basis, Size
from tests.accounts.sme.drawing import ON, drawn, figures, judged, shown

MICRO, SMALL, MEDIUM, LARGE = Size.MICRO, Size.SMALL, Size.MEDIUM, Size.LARGE

V8 = "E 45/7/5; B 30/20/400 institutional_investor; D 12/6/150 institutional_investor; C 10/1/1"
V9 = "E 45/9/8; F 10/2/1; X person"
V10 = "E 12/1/1; M local_authority"

VECTORS = [
    ("V1", "E 9.5/3.0/1.9", "", {}, "9.5/3/1.9", MICRO),
    ("V2", "E 10.0/1.5/1.0", "", {}, "10/1.5/1", SMALL),
    ("V3", "E 249.9/60/43.0", "", {}, "249.9/60/43", MEDIUM),
    ("V3 both amounts above", "E 249.9/50.01/43.01", "", {}, "249.9/50.01/43.01", LARGE),
    ("V4", "E 250/5/5", "", {}, "250/5/5", LARGE),
    ("V5", "E 40/8/6; P 100/20/15; Q 50/10/5", "P>E 33; P>Q 100", {}, "89.5/17.9/12.6", MEDIUM),
    ("V5 Q in P's accounts", "E 40/8/6; P 150/30/20 has=Q; Q 50/10/5", "P>E 33; P>Q 100", {}, "89.5/17.9/12.6", MEDIUM),
    ("V6", "E 30/6/4; H 180/30/25; S 60/12/9", "H>E 60; H>S 55", {}, "270/48/38", LARGE),
    ("V6 from the sister", "S 60/12/9; H 180/30/25; E 30/6/4", "H>E 60; H>S 55", {}, "270/48/38", LARGE),
    ("V7", "E 20/1/3; V 300/90/200 venture_capital", "V>E 45", {}, "20/1/3", SMALL),
    ("V7 linked", "E 20/1/3; V 300/90/200 venture_capital", "V>E 51", {}, "320/91/203", LARGE),
    ("V8", V8, "B>E 25; D>E 30; C>E 25; B>D 100", {}, "89.5/33.25/555.25", MEDIUM),
    ("V8 not linked", V8, "B>E 25; D>E 30; C>E 25", {}, "47.5/7.25/5.25", SMALL),
    ("V8 linked, half", V8, "B>E 20; D>E 30; C>E 25; B>D 100", {}, "47.5/7.25/5.25", SMALL),
    ("V8 acting jointly", V8, "B>E 25; D>E 30; C>E 25", {"together": "B+D"}, "89.5/33.25/555.25", MEDIUM),
    ("V9", V9, "X>E 100; X>F 80", {"markets": "E~F same"}, "55/11/9", MEDIUM),
    ("V9 adjacent", V9, "X>E 100; X>F 80", {"markets": "F~E adjacent"}, "55/11/9", MEDIUM),
    ("V9 unrelated", V9, "X>E 100; X>F 80", {"markets": "E~F unrelated"}, "45/9/8", SMALL),
    ("V10", f"{V10} inhabitants=200000 budget=900", "M>E 25", {}, "12/1/1", LARGE),
    ("V10 below a quarter", f"{V10} inhabitants=200000 budget=900", "M>E 24.99", {}, "12/1/1", SMALL),
    ("V10 small authority", f"{V10} inhabitants=4900 budget=9.9", "M>E 40", {}, "12/1/1", SMALL),
    ("V10 public body", "E 12/1/1; M public_body", "M>E 25", {}, "12/1/1", LARGE),
    ("V11 year 1", "E 48/9/8", "", {}, "48/9/8", SMALL),
    ("V11 year 2", "E 48/9/8,52/9.5/8", "", {}, "52/9.5/8", SMALL),
    ("V11 year 3", "E 48/9/8,52/9.5/8,53/9.8/8", "", {}, "53/9.8/8", MEDIUM),
    ("V12 year 2", "E 48/9/8,52/9/8", "", {}, "52/9/8", SMALL),
    ("V12 year 3", "E 48/9/8,52/9/8,49/9/8", "", {}, "49/9/8", SMALL),
    ("V12 year 4", "E 48/9/8,52/9/8,49/9/8,52/9/8", "", {}, "52/9/8", SMALL),
    ("V13 year 2", "E 48/9/7,120/20/15", "", {}, "120/20/15", SMALL),
    ("V13 year 3", "E 48/9/7,120/20/15,300/60/50", "", {}, "300/60/50", MEDIUM),
    ("V14", "E 8/0.2/1.1 estimate", "", {}, "8/0.2/1.1", MICRO),
    ("V15", "E 20/4/3; P 100/30/20; S 15/3/2", "E>P 15; E>S 100; S>P 12", {}, "62/15.1/10.4", MEDIUM),
    ("V15 below a quarter", "E 20/4/3; P 100/30/20; S 15/3/2", "E>P 12; E>S 100; S>P 12", {}, "35/7/5", SMALL),
    ("V16", "E 30/9/9; P 60/12/10", "E>P 26; P>E 40", {}, "54/13.8/13", MEDIUM),
    ("V16 the other way", "E 30/9/9; P 60/12/10", "E>P 40; P>E 26", {}, "54/13.8/13", MEDIUM),
]


@pytest.mark.parametrize(("name", "parties", "holdings", "more", "total", "size"), VECTORS, ids=[v[0] for v in VECTORS])
def test_the_fact_sheets_vectors(name, parties, holdings, more, total, size):
    known = judged(parties, holdings, **more)
    assert (shown(known), known.size) == (total, size)


def test_an_estimate_is_marked_as_one():
    """V14"""
    assert judged("E 8/0.2/1.1 estimate").basis is Basis.ESTIMATE


def test_public_bodies_are_named_with_the_article():
    """V10"""
    known = judged(f"{V10} inhabitants=200000 budget=900", "M>E 25")
    assert [one.article for one in known.reasons if one.code == "public_control"] == ["Art 3(4)"]


@pytest.mark.parametrize(
    ("text", "definition", "answer"),
    [
        ("260/40/40", "2025/1099", True),
        ("749.9/160/129", "2025/1099", True),
        ("750/10/10", "2025/1099", False),
        ("749.9/150.01/129.01", "2025/1099", False),
        ("249/50/43", "2025/1099", False),
        ("499/100/90", "651/2014", True),
        ("499.01/10/10", "651/2014", False),
        ("500/100/86", "651/2014", False),
        ("300/101/86", "651/2014", True),
        ("300/101/86.01", "651/2014", False),
        ("40/9/9", "651/2014", False),
    ],
)
def test_small_mid_caps_of_both_definitions(text, definition, answer):
    assert small_mid_cap(figures(text, date(2025, 12, 31)), definition, ON) is answer


def test_a_group_is_a_small_mid_cap_by_its_total():
    known = judged("E 30/6/4; H 180/30/25; S 60/12/9", "H>E 60; H>S 55")
    assert small_mid_cap(known, "2025/1099", ON)
    assert small_mid_cap(known, "651/2014", ON)


def test_a_small_mid_cap_loses_its_ceiling_by_two_years_in_a_row():
    assert small_mid_cap(judged("E 400/60/50,600/160/140"), "651/2014", ON)
    assert not small_mid_cap(judged("E 400/60/50,600/160/140,600/160/140"), "651/2014", ON)


def test_of_an_enterprise_that_public_bodies_hold_a_person_decides():
    assert not small_mid_cap(judged("E 12/1/1; M public_body", "M>E 25"), "2025/1099", ON)


def test_a_definition_has_a_first_day():
    with pytest.raises(ValueError, match="no ceiling of small mid-caps"):
        small_mid_cap(figures("260/40/40", date(2024, 12, 31)), "2025/1099", date(2025, 5, 27))


def test_a_drawing_is_read_as_it_is_written():
    known = drawn("E 1/2/3; F person", "F>E 60c20v appoints_board since=2024-01-01", together="E+F")
    one = known.holdings[0]
    assert (one.capital, one.votes, one.control, one.since) == (60, 20, {"appoints_board"}, date(2024, 1, 1))
