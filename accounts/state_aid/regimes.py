"""The dated rows of state-aid law that we were given to keep. A change of law is a new row, never a changed number.

Sources are the acts as published in the Official Journal. Rows that an administrator enters later come as `extra`.

Keys of `Law.terms` (JSON values; amounts and per cents as strings). All rows that grants rest on:
    register_working_days, register_alert_days  entry in the register, and on which working days people are alerted
    records_years          how long records are kept
    national_cap           the State's total for the sector is limited (`Case.national_left_eur`)
    apart                  further `ControlLink.controller_kind`s that join nothing under this act
Block exemptions:
    sizes                  sizes of enterprises it covers; missing for all
    scheme                 aid must rest on a published scheme
    published_access       the checklist of Art 5(2)(ga) applies
    support_service        whether free compute is a support service is open (`Policy.compute_is_support_service`)
    incentive_effect       Art 6(2) applies
    in_difficulty          "refuse", or "review" where the act lets schemes of this kind in
    difficulty             numbers of Art 2(18)
    intensity              {category: per cent of the eligible costs}
    full_within_limits     within the row's own limits up to 100 % of the costs may be aided, beyond them `intensity`
    size_bonus             {size: points}; size_bonus_for: categories it is added in
    bonus                  {code: points}, of which the highest one claimed is added; bonus_for: categories
    further_bonus          {code: points}, each added
    cap                    highest intensity after bonuses; cap_for: categories
    project_threshold_eur  {category or "": highest amount for one project} (Art 4(1))
    start_up_years, region_ceiling_eur, innovative_factor  Art 22
    publication_above_eur, publication_sector_eur, publication_sector_nace, publication_months  Art 9
Thresholds: warn_percent, alarm_percent.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.state_aid.case import (
    AGRICULTURE,
    ANCILLARY_USE,
    FISHERIES,
    GENERAL,
    GENERAL_UNTIL_2023,
    INNOVATION,
    RESEARCH,
    SGEI,
    SGEI_UNTIL_2023,
    START_UP,
    TRAINING,
    Kind,
    Law,
    Limit,
    Window,
)

# What a declaration may name. Services of general economic interest have a pool and a ceiling of their own.
DECLARABLE: tuple[str, ...] = (GENERAL, GENERAL_UNTIL_2023, AGRICULTURE, FISHERIES, SGEI, SGEI_UNTIL_2023)

ROLLING, FISCAL, EVER = Window.ROLLING, Window.FISCAL_YEARS, Window.EVER
REGISTER: dict[str, Any] = {"register_working_days": 20, "register_alert_days": [10, 15, 18], "records_years": 10}
# Aid under 1407/2013 lies inside the window of three years until the end of 2026.
POOL = frozenset({GENERAL, GENERAL_UNTIL_2023, AGRICULTURE, FISHERIES})
FARMING_AND_FISHING = frozenset({AGRICULTURE, FISHERIES})
# Purposes that no de minimis act covers: Art 1(1) of each.
NEVER = frozenset({"export", "domestic_goods"})
PASSED_ON = frozenset({"price_or_quantity", "passed_to_producers"})


def _overall(article: str) -> Limit:
    """Farming and fishing aid also count towards the general ceiling (Art 5 of each act)."""
    return Limit("general", Decimal("300000"), ROLLING, 3, True, POOL, article)


def _both_sectors(article: str, window: Window) -> tuple[Limit, Limit]:
    """The two sector acts word their common ceiling differently, hence one limit for each reading."""
    careful = Limit(
        "farming_and_fishing", Decimal("30000"), window, 3, True, FARMING_AND_FISHING, article,
        with_register_eur=Decimal("40000"), only_if="sector_sum_is_lower_ceiling", only_mixed=True,
    )  # fmt: skip
    wide = Limit(
        "farming_and_fishing", Decimal("50000"), window, 3, True, FARMING_AND_FISHING, article,
        only_if="not sector_sum_is_lower_ceiling", only_mixed=True,
    )  # fmt: skip
    return careful, wide


DE_MINIMIS: tuple[Law, ...] = (
    Law(
        code=GENERAL,
        kind=Kind.DE_MINIMIS,
        title="De minimis aid",
        version="2023/2831",
        valid_from=date(2024, 1, 1),
        valid_to=date(2030, 12, 31),
        adjustment_until=date(2031, 6, 30),
        source="Commission Regulation (EU) 2023/2831, OJ L, 2023/2831, 15.12.2023",
        limits=(_overall("Art 3(2)"),),
        register_from=date(2026, 1, 1),
        excluded_nace=frozenset({"01", "03"}),
        excluded=NEVER | PASSED_ON | {"primary_agriculture", "primary_fishery"},
        terms=REGISTER,
    ),
    Law(
        code=SGEI,
        kind=Kind.DE_MINIMIS,
        title="De minimis aid for services of general economic interest",
        version="2023/2832",
        valid_from=date(2024, 1, 1),
        valid_to=date(2030, 12, 31),
        adjustment_until=date(2031, 6, 30),
        source="Commission Regulation (EU) 2023/2832, OJ L, 2023/2832, 15.12.2023",
        limits=(Limit("sgei", Decimal("750000"), ROLLING, 3, True, frozenset({SGEI, SGEI_UNTIL_2023}), "Art 3(2)"),),
        register_from=date(2026, 1, 1),
        excluded_nace=frozenset({"01", "03"}),
        # Art 5(2): no other compensation for the same service, whether it is State aid or not.
        excluded=NEVER | PASSED_ON | {"primary_agriculture", "primary_fishery", "compensated_service"},
        # Art 2(2): a common non-profit entity joins no more than a common public body does.
        terms={**REGISTER, "apart": ["non_profit"]},
    ),
    Law(
        code=AGRICULTURE,
        kind=Kind.DE_MINIMIS,
        title="De minimis aid for primary agricultural production",
        version="1408/2013 as amended by 2024/3118",
        valid_from=date(2024, 12, 16),
        valid_to=date(2032, 12, 31),
        adjustment_until=date(2033, 6, 30),
        source="Commission Regulation (EU) No 1408/2013, OJ L 352, 24.12.2013, p. 9, with 2024/3118, OJ L, 13.12.2024",
        limits=(
            Limit("agriculture", Decimal("50000"), ROLLING, 3, True, frozenset({AGRICULTURE}), "Art 3(2)"),
            *_both_sectors("Art 5(2)", ROLLING),
            _overall("Art 5(1)"),
        ),
        register_from=date(2027, 1, 1),
        only_nace=frozenset({"01"}),
        excluded=NEVER | {"price_or_quantity"},
        terms={**REGISTER, "national_cap": True},
    ),
    Law(
        code=FISHERIES,
        kind=Kind.DE_MINIMIS,
        title="De minimis aid for fishery and aquaculture",
        version="717/2014 as amended by 2023/2391",
        valid_from=date(2023, 10, 25),
        valid_to=date(2029, 12, 31),
        adjustment_until=date(2030, 6, 30),
        source="Commission Regulation (EU) No 717/2014, OJ L 190, 28.6.2014, p. 45, with 2023/2391, OJ L, 5.10.2023",
        limits=(
            Limit(
                "fisheries", Decimal("30000"), FISCAL, 3, True, frozenset({FISHERIES}), "Art 3(2)",
                with_register_eur=Decimal("40000"),
            ),
            *_both_sectors("Art 5(2)", FISCAL),
            _overall("Art 5(1)"),
        ),
        only_nace=frozenset({"03"}),
        excluded=NEVER | {"price_or_quantity", "fleet_capacity", "vessel_purchase"},
        terms={**REGISTER, "national_cap": True},
    ),
)  # fmt: skip

# Art 2(18): more than half of the capital, debt over equity above 7.5 and interest cover below 1.0 for two years.
DIFFICULTY: Mapping[str, Any] = {
    "capital_share": "0.5", "debt_to_equity": "7.5", "interest_cover": "1.0", "years": 2, "young_years": 3,
}  # fmt: skip
GBER: dict[str, Any] = {
    "valid_from": date(2023, 7, 1),
    "valid_to": date(2026, 12, 31),
    "adjustment_until": date(2027, 6, 30),
    "version": "651/2014 as amended by 2023/1315",
    # Art 1(2)(c) and (d)
    "excluded": NEVER,
    "source": "Commission Regulation (EU) No 651/2014, OJ L 187, 26.6.2014, p. 1, with 2023/1315, OJ L 167, 30.6.2023",
}
COMMON: dict[str, Any] = {
    **REGISTER,
    "scheme": True,
    "incentive_effect": True,
    "in_difficulty": "refuse",
    "difficulty": DIFFICULTY,
    "publication_above_eur": "100000",
    "publication_sector_eur": "10000",
    "publication_sector_nace": ["01", "03"],
    "publication_months": 6,
}
SME = ["micro", "small", "medium"]
SIZE_BONUS = {"micro": "20", "small": "20", "medium": "10"}


def _innovation(code: str, *, per_state: bool, only_if: str) -> Limit:
    """Art 28(4) speaks of an undertaking, not of a State: one limit for each reading."""
    pool = frozenset({INNOVATION})
    return Limit(code, Decimal("220000"), ROLLING, 3, per_state, pool, "Art 28(4)", only_if=only_if)


BLOCK_EXEMPTIONS: tuple[Law, ...] = (
    Law(
        code=INNOVATION,
        kind=Kind.BLOCK_EXEMPTION,
        title="Innovation aid for SMEs: free or reduced access to support services",
        limits=(
            _innovation("innovation", per_state=False, only_if="innovation_everywhere"),
            _innovation("innovation_per_state", per_state=True, only_if="not innovation_everywhere"),
        ),
        terms={
            **COMMON,
            "sizes": SME,
            "published_access": True,
            "support_service": True,
            "intensity": {"": "50"},
            "full_within_limits": True,
            "project_threshold_eur": {"": "10000000"},
        },
        **GBER,
    ),
    Law(
        code=RESEARCH,
        kind=Kind.BLOCK_EXEMPTION,
        title="Aid for research and development projects",
        terms={
            **COMMON,
            "intensity": {"fundamental": "100", "industrial": "50", "experimental": "25", "feasibility": "50"},
            "size_bonus": SIZE_BONUS,
            "size_bonus_for": ["industrial", "experimental", "feasibility"],
            "bonus": {
                "collaboration": "15",
                "dissemination": "15",
                "licensing": "15",
                "region_a": "15",
                "region_c": "5",
                "several_states": "25",
            },
            "bonus_for": ["industrial", "experimental"],
            "cap": "80",
            "cap_for": ["industrial", "experimental"],
            "project_threshold_eur": {
                "fundamental": "55000000",
                "industrial": "35000000",
                "experimental": "25000000",
                "feasibility": "8250000",
            },
        },
        **GBER,
    ),
    Law(
        code=START_UP,
        kind=Kind.BLOCK_EXEMPTION,
        title="Start-up aid",
        limits=(Limit("start_up", Decimal("500000"), EVER, 0, False, frozenset({START_UP}), "Art 22(3)(c)"),),
        terms={
            **COMMON,
            "sizes": ["micro", "small"],
            # Art 6(5)(b); and schemes for start-ups may let undertakings in difficulty in (Art 1(4)(c)).
            "incentive_effect": False,
            "in_difficulty": "review",
            "start_up_years": 5,
            "region_ceiling_eur": {"c": "750000", "a": "1000000"},
            "innovative_factor": "2",
        },
        **GBER,
    ),
    Law(
        code=TRAINING,
        kind=Kind.BLOCK_EXEMPTION,
        title="Training aid",
        terms={
            **COMMON,
            "intensity": {"": "50"},
            "size_bonus": SIZE_BONUS,
            "size_bonus_for": [""],
            "further_bonus": {"disabled_or_disadvantaged": "10"},
            "cap": "70",
            "cap_for": [""],
            "project_threshold_eur": {"": "3000000"},
        },
        **GBER,
    ),
)
ANCILLARY = Law(
    code=ANCILLARY_USE,
    kind=Kind.THRESHOLD,
    title="Economic use that stays ancillary",
    version="2022/C 414/01",
    valid_from=date(2022, 10, 28),
    valid_to=date(2099, 12, 31),
    adjustment_until=date(2099, 12, 31),
    source="Recital 49 of Regulation (EU) No 651/2014; Framework for R&D&I 2022/C 414/01",
    terms={"warn_percent": "15", "alarm_percent": "20"},
)
BUILT_IN: tuple[Law, ...] = (*DE_MINIMIS, *BLOCK_EXEMPTIONS, ANCILLARY)


def laws_on(day: date, extra: Iterable[Law] = ()) -> tuple[Law, ...]:
    """The rows that a grant of that day may rest on, adjustment periods included, in the order they were entered.

    A row of the same code, version and first day as an earlier one corrects it and takes its place.
    """
    rows: dict[tuple[str, str, date], Law] = {}
    for law in (*BUILT_IN, *extra):
        rows[law.code, law.version, law.valid_from] = law
    return tuple(law for law in rows.values() if law.valid_from <= day <= law.adjustment_until)


def law_for(laws: Iterable[Law], code: str, on: date, version: str = "") -> Law | None:
    """The row that holds: in force before adjusting, then the youngest, then the last entered; None without any.

    A `version` asks for the text that a scheme was made under, as long as that may still be used.
    """
    rows = [law for law in laws if law.code == code and law.valid_from <= on <= law.adjustment_until]
    rows = [law for law in rows if law.version == version] or rows
    return max(enumerate(rows), key=lambda at: (on <= at[1].valid_to, at[1].valid_from, at[0]))[1] if rows else None
