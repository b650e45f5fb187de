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
# No basis for a grant: the row that dates how much of a machine may serve the economy (recital 49 of 651/2014).
ANCILLARY_USE = "651/2014-49"

DE_MINIMIS_CODES = frozenset({GENERAL, SGEI, AGRICULTURE, FISHERIES, GENERAL_UNTIL_2023, SGEI_UNTIL_2023})


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
    # A row that dates a threshold and is no basis for any grant.
    THRESHOLD = "threshold"


class Window(StrEnum):
    """Over which time earlier aid is added up.

    ROLLING       from the same calendar day `window_years` ago (29 February looks back to 28 February); that boundary
                  day counts unless the policy says otherwise
    FISCAL_YEARS  the undertaking's fiscal year that holds the day, and the `window_years` - 1 before it
    EVER          all earlier aid
    Aid dated after the day counts too: it can only come from another time zone or a corrected date.
    """

    ROLLING = "rolling"
    FISCAL_YEARS = "fiscal_years"
    EVER = "ever"


@dataclass(frozen=True)
class Limit:
    """One ceiling of a row of law.

    code          names the limit in a verdict
    per_state     whether each granting State has its own; otherwise all States together
    pool          codes whose aid uses it up
    with_register_eur  the ceiling instead where the granting State runs the register that the act asks for
                  (`Case.state_register`); None when that makes no difference
    only_if       the switch of `Policy` under which the limit is looked at, "not " before it for the other reading;
                  "" always
    only_mixed    looked at only when aid that counts for it rests on another code than the grant itself
    """

    code: str
    ceiling_eur: Decimal
    window: Window
    window_years: int
    per_state: bool
    pool: frozenset[str]
    article: str
    with_register_eur: Decimal | None = None
    only_if: str = ""
    only_mixed: bool = False


@dataclass(frozen=True)
class Law:
    """One row of law between two days (both included). A change of law is a new row, never a changed one.

    adjustment_until  aid may still be granted on the old terms up to here, but only after a person has looked at it
    limits            every ceiling a grant under this row must respect; its own first
    register_from     first day the central register must hold; declarations are due until it covers a whole window
    excluded_nace     divisions it does not cover, unless the firm keeps them apart (`Case.activities_separated`)
    only_nace         divisions it is made for, empty for all; for another main activity a person must look
    excluded          codes of purposes it never covers: export, domestic_goods, primary_production, ...
    declaration_days  own policy: a declaration older than this must be signed again
    terms             further numbers: intensities, bonuses, caps, clocks (JSON values, amounts as strings); the keys
                      stand in `regimes`
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
    only_nace: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    declaration_days: int = 90
    terms: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Policy:
    """How the portal reads what the law leaves open. Each is a dated setting; the default is the careful reading.

    boundary_day_counts          aid granted exactly as many years ago still counts
    union_share_is_aid           time that the Joint Undertaking allocates (its own or ceded) is counted, not only
                                 recorded
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

    controller_kind  "undertaking", "person" or "public_body". Only undertakings join what they control: natural persons
                are not in the list of Art 2(2), and enterprises whose only common link is a public body are not one
                (recital 5). Links of the other two kinds are kept to be shown and join nothing.
    ground      one of the four of Art 2(2): majority_of_votes, appoints_board, dominant_influence, voting_agreement
    confirmed   False while only one side says so; such a link sends the case to a person
    """

    controller: str
    controlled: str
    valid_from: date
    valid_to: date | None = None
    ground: str = "majority_of_votes"
    confirmed: bool = True
    controller_kind: str = "undertaking"


class Change(StrEnum):
    MERGER = "merger"
    ACQUISITION = "acquisition"
    SPLIT = "split"


@dataclass(frozen=True)
class GroupEvent:
    """What happened to undertakings on a day (Art 3(8), 3(9)); it holds from that day on.

    MERGER       `before` are absorbed by, or merged into, the one of `after`. All their aid, whenever it was granted,
                 is from then on that of `after`; for links the names mean the same undertaking
    ACQUISITION  the first of `before` takes over the others; they live on. `after` repeats all of them. It joins the
                 first with each other from that day, until the first end (`valid_to`) after that day of a link between
                 the two, either way round; without such an end for good. A divested firm takes its own aid with it
    SPLIT        the one of `before` becomes those of `after`; aid granted before that day goes to the successor that
                 `used_by` names for the award's reference, otherwise to all in proportion to `equity` (each successor's
                 book value). Shares are rounded down to the cent; cents left over go to the largest remainders, the
                 first of `after` on a tie. Where a successor's equity is missing or negative, or all are zero, nobody
                 knows: each successor counts the whole (together never more than the award) and a person must look.
                 When the one of `before` does not live on in `after`, aid booked on it later is shared out too
    confirmed    False while only one side says so: it is counted as stated, and a person must look
    Events of one day apply in the order given. Links do not pass to successors of a split; they are stated anew.
    """

    kind: Change
    on: date
    before: tuple[str, ...]
    after: tuple[str, ...]
    equity: Mapping[str, Decimal] = field(default_factory=dict)
    used_by: Mapping[str, str] = field(default_factory=dict)
    confirmed: bool = True


@dataclass(frozen=True)
class Costs:
    """The eligible costs that the new grant pays for, when it is tied to some.

    Aid for the same costs is every `Aid` with the same name in `costs`, whoever granted or received it and whenever.
    All of it but centrally managed Union money, with the new grant, must stay within `total_eur` times the highest
    intensity: of the earlier aid, and of the new grant (for de minimis aid `intensity` here, under a block exemption
    what its article gives). De minimis aid for costs that no intensity is known for has no such limit.

    total_eur    the costs themselves
    intensity    the highest share (per cent) that the law allows for them, None when nothing was worked out
    union_rate   highest share (per cent) of the Union programme that also pays for them, None without one: all public
                 money for these costs, Union money included, must stay within it
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
class Scheme:
    """A State's published measure. None: not known, so that a person must look.

    version        Law.version it was made under, "" for the one in force
    published_on   day the discounts and the rules of selection were both public (Art 5(2)(ga))
    offered_on     day the discounted access was offered; without it the day of the application, then of the grant
    quantifiable   the advantage of each enterprise can be expressed in money
    records_years  how long records of each enterprise's advantage are kept after the last aid
    """

    reference: str
    valid_from: date
    valid_to: date | None = None
    version: str = ""
    published_on: date | None = None
    published_url: str = ""
    offered_on: date | None = None
    discounts_published: bool | None = None
    selection_published: bool | None = None
    quantifiable: bool | None = None
    records_years: int | None = None


@dataclass(frozen=True)
class StartUp:
    """Facts of Art 22(2). None: not known, so that a person must look.

    took_over   True only above the 10 % of turnover that the article lets pass
    innovative  of Art 2(80); doubles the amounts (22(5)); None counts as no
    """

    unlisted: bool | None = None
    registered_on: date | None = None
    profits_distributed: bool | None = None
    took_over: bool | None = None
    innovative: bool | None = None


@dataclass(frozen=True)
class Exemption:
    """What a block exemption asks beyond the amount. None means: not known, so that a person must look.

    size               micro, small, medium, large or review, at the day of the grant
    submitted_on, works_start_on  incentive effect, Art 6(2)
    application_lacks  what of Art 6(2) the application does not hold: name_and_size, description, location, costs,
                       amount; empty when it is complete
    recovery_order     an unpaid recovery order of the Commission stands (Art 1(4))
    founded_on         day the enterprise was registered, for the test of difficulty; None counts as three years old
    category           of Art 25: fundamental, industrial, experimental, feasibility; of the others ""
    bonuses            codes of the additions claimed: collaboration, dissemination, licensing, region_a, region_c,
                       several_states, disabled_or_disadvantaged
    region             "", "a" or "c" (Art 107(3) TFEU)
    """

    size: str = "review"
    submitted_on: date | None = None
    works_start_on: date | None = None
    application_lacks: frozenset[str] = frozenset()
    recovery_order: bool | None = None
    difficulty: Difficulty | None = None
    founded_on: date | None = None
    scheme: Scheme | None = None
    category: str = ""
    bonuses: frozenset[str] = frozenset()
    region: str = ""
    start_up: StartUp | None = None


@dataclass(frozen=True)
class Case:
    """One intended grant with all that decides it.

    member        who would receive it; `links` and `events` tell with whom it is one undertaking
    basis         the code it would rest on; irrelevant when `origin` is no State resource
    aid           every award known for any member, past and present
    declared_on   day the latest declaration of other aid was signed, None without one; one dated later than the day
                  after the grant counts as none
    owners_known  True: the ownership was declared; None or False: nobody said who stands behind the company
    activities_separated  a mixed firm keeps the books of excluded activities apart (Art 1(2)); None: not asked. Looked
                  at only when `nace_code` lies in the row's excluded divisions: True passes, False is refused, None
                  goes to a person
    purposes      codes of purposes stated, to be held against Law.excluded
    fiscal_year_end  (month, day) of the undertaking, for regimes that count fiscal years
    register_eur  sum the State's central register shows for the row's first limit, None when nobody looked. When it is
                  more than what we know, the difference counts in every limit per State whose pool holds that limit's;
                  any difference goes to a person. None goes to a person once no declaration is due any more
    state_register  the granting State runs the central register of Art 6 of 717/2014, which lifts that ceiling
    national_left_eur  what is left of the State's national cap, for rows whose terms have "national_cap"; None: nobody
                  looked, which goes to a person
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
    state_register: bool = False
    national_left_eur: Decimal | None = None
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
    falls_out_on   the first day it no longer uses up the limit; None when it never does or never ends
    why            "" when it counts, else the first that holds of no_state_aid, other_undertaking, other_pool,
                   other_state, too_old
    """

    aid: Aid
    amount_eur: Decimal
    counted: bool
    falls_out_on: date | None
    why: str = ""


@dataclass(frozen=True)
class Room:
    """What one limit held before the grant and would hold after it; never below nothing.

    used_eur     rounded up to the cent
    after_eur    the same as before when the grant is refused: nothing of it is granted
    window_from  first day that counts; None when time does not matter
    """

    code: str
    article: str
    ceiling_eur: Decimal
    used_eur: Decimal
    before_eur: Decimal
    after_eur: Decimal
    window_from: date | None
    items: tuple[Counted, ...]


@dataclass(frozen=True)
class Verdict:
    """The answer. `largest_eur` is the largest amount that would not be refused that day (two decimals, rounded down).

    It is 0 when the grant is refused for more than its amount, and the amount asked when nothing limits it.
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
