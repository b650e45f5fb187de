"""Article 3: who is linked, a partner, exempt, public or none; one row for each rule, with its neighbours."""

import pytest

from accounts.sme.codes import Code
from accounts.sme.graph import Ownership
from accounts.sme.index import Index
from accounts.sme.links import market_questions
from accounts.sme.rules import Size
from accounts.sme.thresholds import thresholds_on
from tests.accounts.sme.drawing import ON, drawn, judged, shown

REVIEW, MICRO, SMALL, LARGE = Size.REVIEW, Size.MICRO, Size.SMALL, Size.LARGE

E, H, S, P = "E 10/1/1", "H 20/2/2", "S 5/3/3", "P 40/4/4"
TWO = f"{E}; {H}"
THREE = f"{TWO}; {S}"
FOUR = f"{THREE}; {P}"
MEN = f"{TWO}; X person; Y person"
APART = "; ".join(f"{pair} unrelated" for pair in ("E~H", "E~S", "H~S", "H~P", "S~P"))
ANGEL, FUND = "A 40/4/4 business_angel", "F 40/4/4 venture_capital"

# name, parties, holdings, more, total, codes that must be among the reasons and relations
LINKED = [
    ("majority of votes", TWO, "H>E 50.01", {}, "30/3/3", "majority_of_votes has_linked"),
    ("half the votes is no majority", TWO, "H>E 50", {}, "20/2/2", "partner_upstream has_partners"),
    ("most capital without votes", TWO, "H>E 80c10v", {}, "26/2.6/2.6", "partner_upstream"),
    ("most votes without capital", TWO, "H>E 0c51v", {}, "30/3/3", "majority_of_votes"),
    ("board", TWO, "H>E 1 appoints_board", {}, "30/3/3", "appoints_board"),
    ("dominant influence", TWO, "H>E 0 dominant_influence", {}, "30/3/3", "dominant_influence"),
    ("voting agreement", TWO, "H>E 20 voting_agreement", {}, "30/3/3", "voting_agreement"),
    ("majority as stated", TWO, "H>E 20 majority_of_votes", {}, "30/3/3", "majority_of_votes"),
    ("downwards", TWO, "E>H 51", {}, "30/3/3", "majority_of_votes"),
    ("a chain upwards", THREE, "H>E 51; S>H 51", {}, "35/6/6", "majority_of_votes"),
    ("a chain downwards", THREE, "E>H 51; H>S 51", {}, "35/6/6", "majority_of_votes"),
    ("up and down again", THREE, "H>E 51; H>S 51", {}, "35/6/6", "majority_of_votes"),
    ("a ring", THREE, "E>H 51; H>S 51; S>E 51", {}, "35/6/6", "majority_of_votes"),
    ("mother and daughter together", THREE, "H>S 100; H>E 30; S>E 21", {}, "35/6/6", "joint_majority"),
    ("together just half", THREE, "H>S 100; H>E 30; S>E 20", {}, "22.5/3.5/3.5", "partner_upstream"),
    ("own group together", THREE, "E>H 100; E>S 30; H>S 30", {}, "35/6/6", "joint_majority"),
    ("joint, then joint again", FOUR, "H>S 100; H>P 30; S>P 30; P>E 26; S>E 26", {}, "75/10/10", "joint_majority"),
    ("through a fund that is linked", f"{TWO}; {FUND}", "F>E 51; F>H 51", {}, "70/7/7", "exemption_fallen"),
    ("through a fund that is not", f"{TWO}; {FUND}", "F>E 50; F>H 51", {}, "10/1/1", "exempt_investor autonomous"),
    ("a person, same market", MEN, "X>E 60; X>H 60", {"markets": "E~H same"}, "30/3/3", "through_persons"),
    ("a person, downstream market", MEN, "X>E 60; X>H 60", {"markets": "E~H adjacent"}, "30/3/3", "through_persons"),
    ("a person, other market", MEN, "X>E 60; X>H 60", {"markets": "E~H unrelated"}, "10/1/1", "autonomous"),
    ("a person with half", MEN, "X>E 50; X>H 60", {}, "10/1/1", "autonomous natural_person"),
    ("a person through a company", f"{THREE}; X person", "X>H 100; H>E 51; X>S 51",
     {"markets": "E~S same; H~S unrelated"}, "35/6/6", "through_persons majority_of_votes"),
    ("a person and their company together", f"{THREE}; X person", "X>H 100; H>E 30; X>E 30; X>S 60",
     {"markets": "E~S same; E~H unrelated; H~S unrelated"}, "21/4.6/4.6", "through_persons partner_upstream"),
    ("two persons acting together", MEN, "X>E 40; Y>E 20; X>H 20; Y>H 40",
     {"together": "X+Y", "markets": "E~H same"}, "30/3/3", "through_persons"),
    ("two persons apart", MEN, "X>E 40; Y>E 20; X>H 20; Y>H 40", {"markets": "E~H same"}, "10/1/1", "autonomous"),
    ("together through their companies", f"{FOUR}; X person; Y person", "X>H 100; Y>S 100; H>E 40; S>E 20; X>P 60",
     {"together": "X+Y", "markets": f"E~P same; {APART}"},
     "58/5.8/5.8", "through_persons partner_upstream"),
    ("exempt investors linked by a contract", f"{E}; {FUND}; U 1/1/1 institutional_investor", "F>E 30; U>E 25; F>U 0 "
     "dominant_influence", {}, "51/6/6", "exemption_fallen joint_majority"),
    ("exempt investors acting jointly", f"{E}; {FUND}; U 1/1/1 institutional_investor", "F>E 30; U>E 25",
     {"together": "F+U"}, "51/6/6", "acting_jointly exemption_fallen"),
    ("exempt investors jointly with half", f"{E}; {FUND}; U 1/1/1 institutional_investor", "F>E 25; U>E 25",
     {"together": "F+U"}, "10/1/1", "autonomous exempt_investor"),
    ("a person's partner stays a person", MEN, "X>E 49", {}, "10/1/1", "natural_person"),
]  # fmt: skip

PARTNERS = [
    ("at 25", f"{E}; {P}", "P>E 25", {}, "20/2/2", "partner_upstream"),
    ("below 25", f"{E}; {P}", "P>E 24.99", {}, "10/1/1", "below_partner_share autonomous"),
    ("capital decides", f"{E}; {P}", "P>E 40c10v", {}, "26/2.6/2.6", "partner_upstream"),
    ("votes decide", f"{E}; {P}", "P>E 10c40v", {}, "26/2.6/2.6", "partner_upstream"),
    ("downstream", f"{E}; {P}", "E>P 25", {}, "20/2/2", "partner_downstream"),
    ("cross-holding", f"{E}; {P}", "E>P 25; P>E 50", {}, "30/3/3", "partner_upstream"),
    ("cross-holding of which one is small", f"{E}; {P}", "E>P 10; P>E 50", {}, "30/3/3", "partner_upstream"),
    ("two sisters hold it jointly", FOUR, "H>S 100; H>E 13; S>E 12", {}, "16.25/2.25/2.25", "partner_upstream"),
    ("two strangers do not", FOUR, "H>E 13; S>E 12", {}, "10/1/1", "below_partner_share"),
    ("capital and votes are not mixed", THREE, "H>S 100; H>E 15c0v; S>E 0c15v", {}, "10/1/1", "below_partner_share"),
    ("held jointly downwards", FOUR, "E>H 100; E>P 13; H>P 12", {}, "40/4/4", "partner_downstream"),
    ("partner of a partner", FOUR, "P>E 25; S>P 50", {}, "20/2/2", "not_counted"),
    ("linked to a partner", FOUR, "P>E 25; S>P 51", {}, "21.25/2.75/2.75", "linked_to_partner"),
    ("daughter of a partner's mother", FOUR, "P>E 25; S>P 51; S>H 60", {}, "26.25/3.25/3.25", "linked_to_partner"),
    ("partner of a linked one", FOUR, "H>E 51; P>H 25", {}, "40/4/4", "partner_upstream has_linked"),
    ("downstream partner of a linked one", FOUR, "H>E 51; H>P 25", {}, "40/4/4", "partner_downstream"),
    ("a partner in two ways counts once", FOUR, "H>E 51; P>H 25; P>E 40", {}, "46/4.6/4.6", "partner_upstream"),
    ("a partner's group counts once", FOUR, "P>E 30; P>S 100; S>E 0; E>S 25", {}, "23.5/3.1/3.1", "partner_downstream"),
    ("two partners", FOUR, "P>E 25; H>E 50", {}, "30/3/3", "has_partners"),
    ("a person between partners", f"{FOUR}; X person", "P>E 25; X>P 60; X>S 60", {"markets": "P~S same"},
     "21.25/2.75/2.75", "linked_to_partner"),
]  # fmt: skip

EXEMPT_KINDS = ["venture_capital", "public_investment_corporation", "university", "research_centre",
                "institutional_investor"]  # fmt: skip
EXEMPT = [
    *((f"{kind} with 50", f"{E}; I 40/4/4 {kind}", "I>E 50", {}, "10/1/1", "exempt_investor") for kind in EXEMPT_KINDS),
    ("downwards a fund is a partner", f"{E}; {FUND}", "E>F 25", {}, "20/2/2", "partner_downstream"),
    ("a fund of a group that holds too", f"{TWO}; {FUND}", "H>F 100; F>E 20; H>E 10", {}, "28/2.8/2.8", "has_partners"),
    ("a fund of a group that does not", f"{TWO}; {FUND}", "H>F 100; F>E 30", {}, "10/1/1", "exempt_investor"),
    ("a fund's cross-holding", f"{E}; {FUND}", "F>E 40; E>F 25", {}, "26/2.6/2.6", "partner_downstream"),
    ("angel below the limit", f"{E}; {ANGEL}", "A>E 40 invested=1249999.99", {}, "10/1/1", "exempt_investor"),
    ("angel at the limit", f"{E}; {ANGEL}", "A>E 40 invested=1250000", {}, "26/2.6/2.6", "angels_above_limit"),
    ("angels together at the limit", f"{E}; {ANGEL}; B business_angel", "A>E 30 invested=900000; B>E 5 invested=350000",
     {}, "22/2.2/2.2", "angels_above_limit"),
    ("an angel's other company", f"{E}; {ANGEL}; B business_angel", "A>E 30 invested=900000; B>E 5 invested=1",
     {}, "10/1/1", "exempt_investor"),
    ("partner of a linked one is exempt too", f"{TWO}; {FUND}", "H>E 51; F>H 30", {}, "30/3/3", "exempt_investor"),
]  # fmt: skip

EVERYTHING = LINKED + PARTNERS + EXEMPT


def said(known) -> set[str]:
    """Codes of the reasons and of how each party stands."""
    found = {one.code for one in known.reasons}
    todo = [one.why for one in known.relations]
    while todo:
        one = todo.pop()
        found.add(one.code)
        todo.extend(one.children)
    return found


@pytest.mark.parametrize(
    ("name", "parties", "holdings", "more", "total", "codes"), EVERYTHING, ids=[row[0] for row in EVERYTHING]
)
def test_relations_decide_whose_figures_count(name, parties, holdings, more, total, codes):
    known = judged(parties, holdings, **more)
    assert shown(known) == total
    assert known.size is not REVIEW
    assert set(codes.split()) <= said(known)


PUBLIC = [
    ("at a quarter", f"{E}; M public_body", "M>E 25", LARGE, "public_control"),
    ("below", f"{E}; M public_body", "M>E 24.99", SMALL, "public_holder"),
    ("votes suffice", f"{E}; M public_body", "M>E 1c25v", LARGE, "public_control"),
    ("two jointly", f"{E}; M public_body; N public_body", "M>E 13; N>E 12", LARGE, "public_control"),
    ("capital and votes are not mixed", f"{E}; M public_body; N public_body", "M>E 15c0v; N>E 0c15v", SMALL, ""),
    ("through a company it controls", f"{TWO}; M public_body", "M>H 51; H>E 25", LARGE, "public_control"),
    ("through one it appoints the board of", f"{TWO}; M public_body", "M>H 1 appoints_board; H>E 25", LARGE, ""),
    ("through two it controls jointly", f"{THREE}; M public_body; N public_body", "M>H 30; N>H 30; H>E 25", LARGE, ""),
    ("through a chain", f"{THREE}; M public_body", "M>S 51; S>H 51; H>E 25", LARGE, "public_control"),
    ("pro rata at a quarter", f"{TWO}; M public_body", "M>H 50; H>E 50", LARGE, "public_control"),
    ("directly and pro rata", f"{TWO}; M public_body", "M>H 20; H>E 50; M>E 15", LARGE, "public_control"),
    ("pro rata through a ring", f"{THREE}; M public_body", "M>H 40; S>H 30; H>S 30; H>E 50", REVIEW, "public_unclear"),
    ("a quarter of a quarter", f"{TWO}; M public_body", "M>H 25; H>E 51", REVIEW, "public_unclear"),
    ("less than a quarter of a mother", f"{TWO}; M public_body", "M>H 24; H>E 51", SMALL, ""),
    ("through an exempt fund", f"{E}; {FUND}; M public_body", "M>F 100; F>E 40", SMALL, "exempt_investor"),
    ("through a linked fund", f"{E}; {FUND}; M public_body", "M>F 100; F>E 51", LARGE, "public_control"),
    ("beside an exempt university", f"{E}; U university; M public_body", "U>E 40; M>E 20", SMALL, "exempt_investor"),
    ("of a partner only", f"{E}; {P}; M public_body", "M>E 0; E>P 25; M>P 90", SMALL, "partner_downstream"),
    ("by agreement", f"{E}; M public_body", "M>E 10 voting_agreement", LARGE, "public_control"),
    ("by the board alone", f"{E}; M public_body", "M>E 10 appoints_board", REVIEW, "public_influence"),
    ("its other companies", f"{TWO}; M public_body", "M>E 20; M>H 100", SMALL, "autonomous"),
    ("authority above in inhabitants", f"{E}; M local_authority budget=1 inhabitants=5000", "M>E 25", LARGE,
     "authority_above_limit"),
    ("authority above in budget", f"{E}; M local_authority budget=10 inhabitants=1", "M>E 25", LARGE,
     "authority_above_limit"),
    ("authority of which one is enough", f"{E}; M local_authority inhabitants=5000", "M>E 25", LARGE, ""),
    ("authority not known", f"{E}; M local_authority", "M>E 25", REVIEW, "authority_unknown"),
    ("authority not known, little", f"{E}; M local_authority", "M>E 24", SMALL, ""),
    ("small authority", f"{E}; M local_authority budget=9.99 inhabitants=4999", "M>E 50", SMALL, "exempt_investor"),
    ("small authority that is linked", f"{E}; M local_authority budget=1 inhabitants=1", "M>E 51", LARGE,
     "public_control"),
    ("small authority with the mother", f"{TWO}; M local_authority budget=1 inhabitants=1", "M>H 51; H>E 51", LARGE,
     "public_control"),
    ("small authority with a partner", f"{E}; P 1/1/1; M local_authority budget=1 inhabitants=1", "M>P 51; P>E 30",
     SMALL, "has_partners"),
    ("small authority that manages", f"{E}; M local_authority budget=1 inhabitants=1", "M>E 30 managing", REVIEW,
     "in_management"),
    ("a linked university", "E 10/1/1; U 1/1/1 university", "U>E 51", REVIEW, "may_be_public exemption_fallen"),
    ("a linked university of a large one", "E 10/1/1; U 900/1/1 university", "U>E 51", LARGE, "exemption_fallen"),
    ("a university owned", "E 10/1/1; U 1/1/1 university", "E>U 51", SMALL, "has_linked"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "parties", "holdings", "size", "codes"), PUBLIC, ids=[row[0] for row in PUBLIC])
def test_public_bodies_directly_indirectly_and_jointly(name, parties, holdings, size, codes):
    known = judged(parties, holdings)
    assert known.size is size
    assert set(codes.split()) <= said(known)


def test_the_two_period_rule_does_not_soften_public_control():
    assert judged("E 5/1/1,5/1/1,5/1/1; M public_body", "M>E 25").size is LARGE


def test_public_control_needs_no_figures():
    assert judged("E; M public_body", "M>E 25").size is LARGE


OPEN = [
    ("unknown market", MEN, "X>E 60; X>H 60", {}, "market_unknown"),
    ("market said to be unknown", MEN, "X>E 60; X>H 60", {"markets": "E~H unknown"}, "market_unknown"),
    ("unknown market of a partner", f"{FOUR}; X person", "P>E 25; X>P 60; X>S 60", {}, "market_unknown"),
    ("unknown market of two small holders", f"{THREE}; X person", "H>E 15; S>E 15; X>H 60; X>S 60", {},
     "market_unknown"),
    ("companies acting jointly", THREE, "H>E 30; S>E 30", {"together": "H+S"}, "acting_together_unclear"),
    ("a person and a company acting jointly", MEN, "X>E 30; H>E 30", {"together": "X+H"}, "acting_together_unclear"),
    ("a fund in management", f"{E}; {FUND}", "F>E 30 managing", {}, "in_management"),
    ("an angel's sum unknown", f"{E}; {ANGEL}", "A>E 30", {}, "angels_unknown"),
    ("another angel's sum unknown", f"{E}; {ANGEL}; B business_angel", "A>E 30 invested=1; B>E 1", {},
     "angels_unknown"),
    ("dispersed, and yet", f"{E}; {P}", "P>E 25", {"dispersed": True}, "dispersed_contradicted"),
    ("dispersed, and yet jointly", THREE, "H>S 100; H>E 13; S>E 12", {"dispersed": True}, "dispersed_contradicted"),
    ("not autonomous, no more", E, "", {"incomplete": True}, "incomplete"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "parties", "holdings", "more", "code"), OPEN, ids=[row[0] for row in OPEN])
def test_what_no_rule_decides_goes_to_a_person(name, parties, holdings, more, code):
    known = judged(parties, holdings, **more)
    assert known.size is REVIEW
    assert code in {one.code for one in known.open_points}


CLOSED = [
    ("unknown market of strangers", f"{FOUR}; X person", "X>H 60; X>S 60", {}),
    ("unknown market inside one group", f"{THREE}; X person", "X>E 60; E>H 60; X>H 40", {}),
    ("companies acting jointly with half", THREE, "H>E 25; S>E 25", {"together": "H+S"}),
    ("companies acting jointly beside a mother", THREE, "H>E 60; S>E 30", {"together": "H+S"}),
    ("a fund in management with little", f"{E}; {FUND}", "F>E 24 managing", {}),
    ("a linked fund in management", f"{E}; {FUND}", "F>E 51 managing", {}),
    ("an angel's sum unknown, little", f"{E}; {ANGEL}", "A>E 24", {}),
    ("dispersed", E, "", {"dispersed": True}),
    ("dispersed beside a fund", f"{E}; {FUND}", "F>E 30", {"dispersed": True}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "parties", "holdings", "more"), CLOSED, ids=[row[0] for row in CLOSED])
def test_open_questions_that_change_nothing_bother_nobody(name, parties, holdings, more):
    assert judged(parties, holdings, **more).open_points == ()


def test_the_interview_asks_for_every_market_that_is_missing():
    graph = drawn(f"{FOUR}; X person", "X>H 100; H>E 51; X>S 51", markets="E~S unrelated")
    assert asked(graph) == [("H", "S")]
    assert asked(drawn(f"{FOUR}; X person", "X>H 100; H>E 51; X>S 51")) == [("E", "S"), ("H", "S")]


def asked(graph: Ownership) -> list[tuple[str, str]]:
    return market_questions(Index(graph, ON), thresholds_on(ON))


def test_every_party_is_told_how_it_stands_and_with_which_share():
    known = judged(
        f"{FOUR}; Q 1/1/1; Z 1/1/1; {FUND}; X person; M public_body",
        "H>E 51; P>E 30; P>Q 60; S>E 10; F>E 25c20v; X>E 5; M>E 3",
    )
    assert [(one.party, one.kind.value, one.share and str(one.share)) for one in known.relations] == [
        ("E", "self", None), ("H", "linked", "51"), ("S", "none", "10"), ("P", "partner", "30"),
        ("Q", "partner", "30"), ("Z", "none", None), ("F", "exempt", "25"), ("X", "none", "5"), ("M", "public", "3"),
    ]  # fmt: skip


def test_each_ground_names_its_letter():
    articles = {
        Code.MAJORITY_OF_VOTES: "Art 3(3)(a)",
        Code.APPOINTS_BOARD: "Art 3(3)(b)",
        Code.DOMINANT_INFLUENCE: "Art 3(3)(c)",
        Code.VOTING_AGREEMENT: "Art 3(3)(d)",
    }
    for ground, article in articles.items():
        relation = judged(TWO, f"H>E 20 {ground}").relations[1]
        assert (relation.why.code, relation.why.article) == (ground, article)
