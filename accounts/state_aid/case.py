"""The words of a state-aid decision as frozen data: what is asked, what is known, and the answer. Knows no framework.

Amounts are EUR gross grant equivalent (Decimal). A `Case` carries everything that decides it, the rows of law included,
so that the same case gives the same verdict on any later day, whatever was changed since.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

# Regulations and articles that aid may rest on. The rows with their numbers stand in `regimes`.
GENERAL = "2023/2831"
SGEI = "2023/2832"
AGRICULTURE = "1408/2013"
FISHERIES = "717/2014"
GENERAL_UNTIL_2023 = "1407/2013"
SGEI_UNTIL_2023 = "360/2012"
INNOVATION = "651/2014-28"
RESEARCH = "651/2014-25"
START_UP = "651/2014-22"
TRAINING = "651/2014-31"


class Outcome(StrEnum):
    ALLOWED = "allowed"
    REFUSED = "refused"
    NEEDS_REVIEW = "needs_review"


class Origin(StrEnum):
    """Whose machine time it is, or on what terms. Only a State's own share is State resources."""

    UNION_SHARE = "union_share"
    CEDED_TO_JU = "ceded_to_ju"
    NATIONAL_SHARE = "national_share"
    COMMERCIAL = "commercial"
    NON_ECONOMIC = "non_economic"


class Kind(StrEnum):
    DE_MINIMIS = "de_minimis"
    BLOCK_EXEMPTION = "block_exemption"


class Window(StrEnum):
    ROLLING = "rolling"
    FISCAL_YEARS = "fiscal_years"


@dataclass(frozen=True)
class Limit:
    """One ceiling of a row of law.

    code          names the limit in a verdict
    per_state     whether each granting State has its own; otherwise all States together
    pool          codes whose aid uses it up
    """

    code: str
    ceiling_eur: Decimal
    window: Window
    window_years: int
    per_state: bool
    pool: frozenset[str]
    article: str


@dataclass(frozen=True)
class Law:
    """One row of law between two days (both included). A change of law is a new row, never a changed one.

    adjustment_until  aid may still be granted on the old terms up to here, but only after a person has looked at it
    limits            every ceiling a grant under this row must respect
    register_from     first day the central register must hold; declarations are due until it covers a whole window
    excluded_nace     divisions for which a person must confirm that activities are kept separate
    excluded          codes of purposes it never covers: export, domestic_goods, primary_production, ...
    declaration_days  own policy: a declaration older than this must be signed again
    terms             further numbers of a block exemption: intensities, bonuses, caps (JSON values)
    version           which text: the act with its latest amendment
    """

    code: str
    kind: Kind
    title: str
    version: str
    valid_from: date
    valid_to: date
    adjustment_until: date
    source: str
    limits: tuple[Limit, ...] = ()
    register_from: date | None = None
    excluded_nace: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    declaration_days: int = 90
    terms: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Policy:
    """How the portal reads what the law leaves open. Each is a dated setting; the default is the careful reading.

    boundary_day_counts          aid granted exactly as many years ago still counts
    union_share_is_aid           time that the Joint Undertaking allocates is counted, not only recorded
    sector_sum_is_lower_ceiling  farming and fishing together must stay below the lower of their ceilings
    innovation_everywhere        Art 28(4) is added up over all States
    compute_is_support_service   "accept", "review" or "refuse": free compute as a support service under Art 28
    """

    boundary_day_counts: bool = True
    union_share_is_aid: bool = False
    sector_sum_is_lower_ceiling: bool = True
    innovation_everywhere: bool = True
    compute_is_support_service: str = "review"


@dataclass(frozen=True)
class Aid:
    """Aid granted or reserved earlier, to one member of the undertaking.

    source       portal (our own book), declared (a statement), or register (looked up)
    costs        names the eligible costs it pays for; "" when it is not tied to any
    intensity    highest share of those costs (per cent) that its own basis allows, None when it has none
    central_union  Union money managed centrally: never State aid, yet part of all public funding of the costs
    """

    member: str
    state: str
    amount_eur: Decimal
    granted_on: date
    regime: str = GENERAL
    source: str = "portal"
    reference: str = ""
    costs: str = ""
    intensity: Decimal | None = None
    central_union: bool = False


@dataclass(frozen=True)
class ControlLink:
    """One undertaking controls another between two days (first included, last excluded; None is still so).

    ground      one of the four of Art 2(2): majority_of_votes, appoints_board, dominant_influence, voting_agreement
    confirmed   False while only one side says so; such a link sends the case to a person
    """

    controller: str
    controlled: str
    valid_from: date
    valid_to: date | None = None
    ground: str = "majority_of_votes"
    confirmed: bool = True


class Change(StrEnum):
    MERGER = "merger"
    ACQUISITION = "acquisition"
    SPLIT = "split"


@dataclass(frozen=True)
class GroupEvent:
    """What happened to undertakings on a day (Art 3(8), 3(9)).

    MERGER       `before` are absorbed by, or merged into, the one of `after`
    ACQUISITION  the first of `before` takes over the others; they live on. `after` repeats all of them
    SPLIT        the one of `before` becomes those of `after`; `equity` gives each successor's book value of equity,
                 `used_by` names for an award's reference the successor that took over the activity it was used for
    """

    kind: Change
    on: date
    before: tuple[str, ...]
    after: tuple[str, ...]
    equity: Mapping[str, Decimal] = field(default_factory=dict)
    used_by: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Costs:
    """The eligible costs that the new grant pays for, when it is tied to some.

    total_eur    the costs themselves
    intensity    the highest share (per cent) that the law allows for them, None when nothing was worked out
    union_rate   highest share (per cent) of the Union programme that also pays for them, None without one
    """

    name: str
    total_eur: Decimal
    intensity: Decimal | None = None
    union_rate: Decimal | None = None


@dataclass(frozen=True)
class Difficulty:
    """Figures for the test of Art 2(18) of Regulation 651/2014, at the level of the group. None: not stated.

    subscribed_capital_eur  with share premium
    accumulated_result_eur  losses netted with reserves; negative is a loss
    debt_to_equity, interest_cover  for the last two years, latest first
    """

    limited_liability: bool
    subscribed_capital_eur: Decimal | None = None
    accumulated_result_eur: Decimal | None = None
    capital_in_accounts_eur: Decimal | None = None
    capital_lost_eur: Decimal | None = None
    insolvency: bool | None = None
    rescue_aid_open: bool | None = None
    debt_to_equity: tuple[Decimal, ...] = ()
    interest_cover: tuple[Decimal, ...] = ()


@dataclass(frozen=True)
class Exemption:
    """What a block exemption asks beyond the amount. None means: not known, so that a person must look.

    size               micro, small, medium, large or review, at the day of the grant
    submitted_on, works_start_on  incentive effect, Art 6(2)
    recovery_order     an unpaid recovery order of the Commission stands (Art 1(4))
    scheme             {"reference", "published_on", "published_url", "valid_from", "valid_to", "version"};
                       empty without
    category           of Art 25: fundamental, industrial, experimental, feasibility; of Art 28 and 31: ""
    bonuses            codes of the additions claimed: collaboration, dissemination, licensing, region_a, region_c,
                       several_states, disabled_or_disadvantaged
    region             "", "a" or "c" (Art 107(3) TFEU)
    start_up           facts of Art 22(2): {"unlisted", "registered_on", "profits_distributed", "took_over",
                       "innovative"}
    """

    size: str = "review"
    submitted_on: date | None = None
    works_start_on: date | None = None
    recovery_order: bool | None = None
    difficulty: Difficulty | None = None
    scheme: Mapping[str, Any] = field(default_factory=dict)
    category: str = ""
    bonuses: frozenset[str] = frozenset()
    region: str = ""
    start_up: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One intended grant with all that decides it.

    member        who would receive it; `links` and `events` tell with whom it is one undertaking
    basis         the code it would rest on; irrelevant when `origin` is no State resource
    aid           every award known for any member, past and present
    declared_on   day the latest declaration of other aid was signed, None without one
    owners_known  True: the ownership was declared; None or False: nobody said who stands behind the company
    activities_separated  a mixed firm keeps the books of excluded activities apart (Art 1(2)); None: not asked
    purposes      codes of purposes stated, to be held against Law.excluded
    fiscal_year_end  (month, day) of the undertaking, for regimes that count fiscal years
    register_eur  sum the State's central register shows for the window, None when nobody looked
    law           the rows that may apply; `policy` the readings of what the law leaves open
    """

    member: str
    granting_state: str
    origin: Origin
    amount_eur: Decimal
    basis: str = GENERAL
    aid: tuple[Aid, ...] = ()
    links: tuple[ControlLink, ...] = ()
    events: tuple[GroupEvent, ...] = ()
    declared_on: date | None = None
    owners_known: bool | None = True
    nace_code: str = ""
    activities_separated: bool | None = None
    purposes: frozenset[str] = frozenset()
    fiscal_year_end: tuple[int, int] = (12, 31)
    register_eur: Decimal | None = None
    costs: Costs | None = None
    exemption: Exemption | None = None
    law: tuple[Law, ...] = ()
    policy: Policy = Policy()

    def __post_init__(self) -> None:
        if self.amount_eur < 0:
            raise ValueError("a grant cannot be worth less than nothing")


@dataclass(frozen=True)
class Reason:
    """Why the verdict is as it is. `values` are JSON values for the sentence that a person reads."""

    code: str
    article: str
    weight: Outcome
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Counted:
    """One earlier award as it meets one limit.

    amount_eur     what of it is this undertaking's: less than the award after a split
    falls_out_on   the first day it no longer uses up the limit
    why            "" when it counts, else other_state, other_pool, too_old, other_undertaking, no_state_aid
    """

    aid: Aid
    amount_eur: Decimal
    counted: bool
    falls_out_on: date | None
    why: str = ""


@dataclass(frozen=True)
class Room:
    """What one limit held before the grant and would hold after it."""

    code: str
    article: str
    ceiling_eur: Decimal
    used_eur: Decimal
    before_eur: Decimal
    after_eur: Decimal
    window_from: date
    items: tuple[Counted, ...]


@dataclass(frozen=True)
class Verdict:
    """The answer. `largest_eur` is the largest amount that would not be refused that day (two decimals, rounded down).

    rooms   every limit that was looked at, the tightest first; empty when the grant is no aid
    group   the members of the single undertaking that day
    """

    outcome: Outcome
    counts_as_aid: bool
    basis: str
    law_version: str
    rule_version: str
    on: date
    amount_eur: Decimal
    largest_eur: Decimal
    reasons: tuple[Reason, ...]
    rooms: tuple[Room, ...] = ()
    group: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(reason.code for reason in self.reasons)
