"""Cases in few words: a company u in Finland that asks on 21 November 2026, with the law of that day."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from accounts.state_aid import regimes, rules
from accounts.state_aid.case import (
    GENERAL,
    INNOVATION,
    RESEARCH,
    START_UP,
    TRAINING,
    Aid,
    Case,
    ControlLink,
    Costs,
    Difficulty,
    Exemption,
    Origin,
    Policy,
    Scheme,
    StartUp,
    Verdict,
)

TODAY = date(2026, 11, 21)
LONG_AGO = date(2010, 1, 1)
HEALTHY = Difficulty(
    limited_liability=True,
    subscribed_capital_eur=Decimal(100_000),
    accumulated_result_eur=Decimal(5_000),
    insolvency=False,
    rescue_aid_open=False,
    debt_to_equity=(Decimal("1.0"), Decimal("1.2")),
    interest_cover=(Decimal("4.0"), Decimal("3.0")),
)
SCHEME = Scheme(
    reference="SA.12345",
    valid_from=date(2025, 1, 1),
    published_on=date(2025, 1, 1),
    published_url="https://example.eu/scheme",
    discounts_published=True,
    selection_published=True,
    quantifiable=True,
    records_years=10,
)
READY = Exemption(
    size="small",
    submitted_on=date(2026, 10, 1),
    works_start_on=date(2026, 12, 1),
    recovery_order=False,
    difficulty=HEALTHY,
    founded_on=date(2015, 5, 5),
    scheme=SCHEME,
)
STARTED = StartUp(
    unlisted=True, registered_on=date(2023, 3, 1), profits_distributed=False, took_over=False, innovative=False
)
ACCEPTED = Policy(compute_is_support_service="accept")


def aid(day: date, amount: str, **fields) -> Aid:
    return Aid(**{"member": "u", "state": "FI", "amount_eur": Decimal(amount), "granted_on": day, **fields})


def case(amount: str, *prior: Aid, on: date = TODAY, **fields) -> Case:
    return Case(
        **{
            "member": "u",
            "granting_state": "FI",
            "origin": Origin.NATIONAL_SHARE,
            "amount_eur": Decimal(amount),
            "basis": GENERAL,
            "aid": prior,
            "declared_on": on,
            "nace_code": "62.10",
            "law": regimes.laws_on(on),
            **fields,
        }
    )


def exempt(amount: str, *prior: Aid, on: date = TODAY, **fields) -> Case:
    """A case under a block exemption whose conditions all hold; `fields` of the exemption or of the case change it."""
    facts = {key: fields.pop(key) for key in list(fields) if key in Exemption.__dataclass_fields__}
    basis = fields.pop("basis", INNOVATION)
    ready = replace(READY, **{"start_up": STARTED if basis == START_UP else None, **facts})
    return case(amount, *prior, on=on, **{"basis": basis, "exemption": ready, "policy": ACCEPTED, **fields})


def research(amount: str, category: str, total: str, *prior: Aid, **fields) -> Case:
    costs = fields.pop("costs", Costs("project", Decimal(total)))
    return exempt(amount, *prior, basis=RESEARCH, category=category, costs=costs, **fields)


def training(amount: str, total: str, *prior: Aid, **fields) -> Case:
    return exempt(amount, *prior, basis=TRAINING, costs=Costs("course", Decimal(total)), **fields)


def start_up(amount: str, *prior: Aid, **fields) -> Case:
    facts = {key: fields.pop(key) for key in list(fields) if key in StartUp.__dataclass_fields__}
    return exempt(amount, *prior, basis=START_UP, start_up=replace(STARTED, **facts), **fields)


def link(controller: str, controlled: str, since: date = LONG_AGO, until: date | None = None, **fields) -> ControlLink:
    return ControlLink(controller, controlled, since, until, **fields)


def judged(one: Case, on: date = TODAY) -> Verdict:
    return rules.assess(one, on)
