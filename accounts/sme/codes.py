"""Every finding a derivation can hold, with its article. The sentences stand in `accounts.size_wording`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from accounts.sme.graph import Node


class Code(StrEnum):
    """Grouped by what they speak of; `REVIEW_CODES` are those that no rule decides."""

    # the answer and its parts
    CLASSIFIED = "classified"
    RELATIONS = "relations"
    HISTORY = "history"
    PERIOD = "period"
    ONE_YEAR_IS_NOT_ENOUGH = "one_year_is_not_enough"
    CEILING = "ceiling"
    # what a total was made from
    OWN = "own"
    LINKED = "linked"
    PARTNER = "partner"
    IN_PARTNER = "in_partner"
    CONTAINED = "contained"
    # how a party stands to the enterprise
    SELF = "self"
    MAJORITY_OF_VOTES = "majority_of_votes"
    APPOINTS_BOARD = "appoints_board"
    DOMINANT_INFLUENCE = "dominant_influence"
    VOTING_AGREEMENT = "voting_agreement"
    JOINT_MAJORITY = "joint_majority"
    ACTING_JOINTLY = "acting_jointly"
    THROUGH_PERSONS = "through_persons"
    PARTNER_UPSTREAM = "partner_upstream"
    PARTNER_DOWNSTREAM = "partner_downstream"
    LINKED_TO_PARTNER = "linked_to_partner"
    EXEMPT_INVESTOR = "exempt_investor"
    PUBLIC_HOLDER = "public_holder"
    BELOW_PARTNER_SHARE = "below_partner_share"
    NATURAL_PERSON = "natural_person"
    NOT_COUNTED = "not_counted"
    # what was found
    AUTONOMOUS = "autonomous"
    HAS_LINKED = "has_linked"
    HAS_PARTNERS = "has_partners"
    PUBLIC_CONTROL = "public_control"
    EXEMPTION_FALLEN = "exemption_fallen"
    ANGELS_ABOVE_LIMIT = "angels_above_limit"
    AUTHORITY_ABOVE_LIMIT = "authority_above_limit"
    DISPERSED = "dispersed"
    ESTIMATE_USED = "estimate_used"
    ESTIMATES_LEFT_OUT = "estimates_left_out"
    CLOSING_DROPPED = "closing_dropped"
    CHANGE_AT_ONCE = "change_at_once"
    CHANGE_TWO_PERIODS = "change_two_periods"
    CHANGE_SAME_EITHER_WAY = "change_same_either_way"
    # what a person must decide
    INCOMPLETE = "incomplete"
    NO_FIGURES = "no_figures"
    FIGURES_OLD = "figures_old"
    FIGURES_MISSING = "figures_missing"
    MISSING_YEAR = "missing_year"
    MARKET_UNKNOWN = "market_unknown"
    ACTING_TOGETHER_UNCLEAR = "acting_together_unclear"
    IN_MANAGEMENT = "in_management"
    ANGELS_UNKNOWN = "angels_unknown"
    AUTHORITY_UNKNOWN = "authority_unknown"
    MAY_BE_PUBLIC = "may_be_public"
    PUBLIC_UNCLEAR = "public_unclear"
    PUBLIC_INFLUENCE = "public_influence"
    DISPERSED_CONTRADICTED = "dispersed_contradicted"
    OWNERSHIP_CHANGED = "ownership_changed"
    # small mid-caps
    SMALL_MID_CAP = "small_mid_cap"
    NOT_SMALL_MID_CAP = "not_small_mid_cap"
    SMALL_MID_CAP_UNCLEAR = "small_mid_cap_unclear"


REVIEW_CODES = frozenset(
    {
        Code.INCOMPLETE,
        Code.NO_FIGURES,
        Code.FIGURES_OLD,
        Code.FIGURES_MISSING,
        Code.MISSING_YEAR,
        Code.MARKET_UNKNOWN,
        Code.ACTING_TOGETHER_UNCLEAR,
        Code.IN_MANAGEMENT,
        Code.ANGELS_UNKNOWN,
        Code.AUTHORITY_UNKNOWN,
        Code.MAY_BE_PUBLIC,
        Code.PUBLIC_UNCLEAR,
        Code.PUBLIC_INFLUENCE,
        Code.DISPERSED_CONTRADICTED,
        Code.OWNERSHIP_CHANGED,
    }
)

ARTICLES: Mapping[Code, str] = {
    Code.CLASSIFIED: "Art 2",
    Code.RELATIONS: "Art 3",
    Code.HISTORY: "Art 4",
    Code.PERIOD: "Art 2",
    Code.ONE_YEAR_IS_NOT_ENOUGH: "Art 4(2)",
    Code.CEILING: "Art 2",
    Code.OWN: "Art 6(1)",
    Code.LINKED: "Art 6(2) sub 3",
    Code.PARTNER: "Art 6(2) sub 2",
    Code.IN_PARTNER: "Art 6(3) sub 1",
    Code.CONTAINED: "Art 6(2) and (3)",
    Code.SELF: "Art 1",
    Code.MAJORITY_OF_VOTES: "Art 3(3)(a)",
    Code.APPOINTS_BOARD: "Art 3(3)(b)",
    Code.DOMINANT_INFLUENCE: "Art 3(3)(c)",
    Code.VOTING_AGREEMENT: "Art 3(3)(d)",
    Code.JOINT_MAJORITY: "Art 3(3) sub 3",
    Code.ACTING_JOINTLY: "Art 3(2) sub 2",
    Code.THROUGH_PERSONS: "Art 3(3) sub 4",
    Code.PARTNER_UPSTREAM: "Art 3(2)",
    Code.PARTNER_DOWNSTREAM: "Art 3(2)",
    Code.LINKED_TO_PARTNER: "Art 6(3) sub 1",
    Code.EXEMPT_INVESTOR: "Art 3(2) sub 2",
    Code.PUBLIC_HOLDER: "Art 3(4)",
    Code.BELOW_PARTNER_SHARE: "Art 3(2)",
    Code.NATURAL_PERSON: "Art 3(3) sub 4",
    Code.NOT_COUNTED: "Art 6",
    Code.AUTONOMOUS: "Art 3(1)",
    Code.HAS_LINKED: "Art 3(3)",
    Code.HAS_PARTNERS: "Art 3(2)",
    Code.PUBLIC_CONTROL: "Art 3(4)",
    Code.EXEMPTION_FALLEN: "Art 3(2) sub 2",
    Code.ANGELS_ABOVE_LIMIT: "Art 3(2)(a)",
    Code.AUTHORITY_ABOVE_LIMIT: "Art 3(2)(d)",
    Code.DISPERSED: "Art 3(5)",
    Code.ESTIMATE_USED: "Art 4(3)",
    Code.ESTIMATES_LEFT_OUT: "Art 4(3)",
    Code.CLOSING_DROPPED: "Art 4(2)",
    Code.CHANGE_AT_ONCE: "Art 4(2)",
    Code.CHANGE_TWO_PERIODS: "Art 4(2)",
    Code.CHANGE_SAME_EITHER_WAY: "Art 4(2)",
    Code.INCOMPLETE: "Art 3(2), 3(3), 6(2)",
    Code.NO_FIGURES: "Art 4(1)",
    Code.FIGURES_OLD: "Art 4(1)",
    Code.FIGURES_MISSING: "Art 6(2) and (3)",
    Code.MISSING_YEAR: "Art 4(2)",
    Code.MARKET_UNKNOWN: "Art 3(3) sub 4",
    Code.ACTING_TOGETHER_UNCLEAR: "Art 3(3)",
    Code.IN_MANAGEMENT: "Art 3(3) sub 2",
    Code.ANGELS_UNKNOWN: "Art 3(2)(a)",
    Code.AUTHORITY_UNKNOWN: "Art 3(2)(d)",
    Code.MAY_BE_PUBLIC: "Art 3(4)",
    Code.PUBLIC_UNCLEAR: "Art 3(4)",
    Code.PUBLIC_INFLUENCE: "Art 3(4)",
    Code.DISPERSED_CONTRADICTED: "Art 3(5)",
    Code.OWNERSHIP_CHANGED: "Art 4(2)",
    Code.SMALL_MID_CAP: "",
    Code.NOT_SMALL_MID_CAP: "",
    Code.SMALL_MID_CAP_UNCLEAR: "",
}


def node(code: Code, values: Mapping[str, Any] | None = None, *children: Node, article: str | None = None) -> Node:
    """A finding with the article of its code."""
    return Node(code.value, ARTICLES[code] if article is None else article, dict(values or {}), tuple(children))
