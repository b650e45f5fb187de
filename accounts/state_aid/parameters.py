"""What an administrator may enter as dated law: each key with its shape, in plain words and as a check.

A row of `LegalParameter` is {key, state, value, valid_from, valid_to, source}. `check` takes the value as the form or a
program gives it and returns it as stored, or raises `Fault` naming the part that is wrong.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from accounts import countries
from accounts.state_aid import serial
from accounts.state_aid.case import AGRICULTURE, FISHERIES, Policy
from accounts.state_aid.duties import clocks


class Fault(Exception):
    """A value cannot be right: `field` names the part, "" the whole."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field, self.sentence = field, sentence


@dataclass(frozen=True)
class Choice:
    """One possible reading of an open question; `value` is what is stored."""

    value: Any
    label: str | Promise


@dataclass(frozen=True)
class Reading:
    """An open question of law: what the text leaves open, and the readings one may choose."""

    name: str
    question: str | Promise
    explanation: str | Promise
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Part:
    """One value of a parameter: `kind` is number, money, days, yes_no, choice or json."""

    name: str
    label: str | Promise
    kind: str
    help: str | Promise = ""
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Key:
    """One kind of parameter. `scope` says what stands in `state`: a State, a currency, or nothing."""

    code: str
    title: str | Promise
    explanation: str | Promise
    scope: str
    parts: tuple[Part, ...]
    check: Callable[[Mapping[str, Any]], dict[str, Any]]


YES, NO = Choice(True, lazy("Yes")), Choice(False, lazy("No"))

READINGS: tuple[Reading, ...] = (
    Reading(
        "boundary_day_counts",
        lazy("Does aid granted exactly three years earlier still count?"),
        lazy(
            "The regulations say “over any period of 3 years”. The careful reading counts the boundary day once more."
        ),
        (YES, NO),
    ),
    Reading(
        "union_share_is_aid",
        lazy("Is time that the Joint Undertaking allocates State aid?"),
        lazy(
            "Union money managed centrally is not (recital 14 of 2023/2831). For machine time, ceded time included, no "
            "text says so expressly; “yes” counts it like a national share."
        ),
        (NO, YES),
    ),
    Reading(
        "sector_sum_is_lower_ceiling",
        lazy("Must farming and fishing together stay below the lower of their ceilings?"),
        lazy(
            "Regulations 1408/2013 and 717/2014 word the common limit differently; the careful reading takes the lower."
        ),
        (YES, NO),
    ),
    Reading(
        "innovation_everywhere",
        lazy("Is innovation aid at 100% added up over all States?"),
        lazy("Article 28(4) of 651/2014 says “per undertaking” and names no State; the careful reading adds up all."),
        (YES, NO),
    ),
    Reading(
        "compute_is_support_service",
        lazy("Is free compute an innovation support service (Article 28)?"),
        lazy(
            "Article 2(95) names data banks, cloud and testing; that pure compute is meant is plausible, not settled."
        ),
        (
            Choice("review", lazy("A person looks at each grant")),
            Choice("accept", lazy("Yes, accept it")),
            Choice("refuse", lazy("No, refuse it")),
        ),
    ),
)

_REGIMES = (Choice(AGRICULTURE, lazy("Farming, 1408/2013")), Choice(FISHERIES, lazy("Fishing, 717/2014")))
_MODES = (
    Choice("review", lazy("A person looks")),
    Choice("immediate", lazy("Status changes at once (SME User Guide)")),
    Choice("two_period", lazy("Two closings are awaited (T-745/17)")),
)


def _decimal(value: Any, field: str, *, least: Decimal | None = None, more: bool = False) -> str:
    """The number as a plain string. `least` is the smallest allowed; with `more` it must be above zero."""
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):
        raise Fault(field, _("Enter a number.")) from None
    if not number.is_finite() or (least is not None and number < least) or (more and number <= 0):
        raise Fault(field, _("This number cannot be right here. Check its sign and its size."))
    return format(number, "f")


def _whole(value: Any, field: str, largest: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise Fault(field, _("Enter a whole number.")) from None
    if not 0 <= number <= largest:
        raise Fault(field, _("Enter a whole number of at most %(largest)d.") % {"largest": largest})
    return number


def _one_of(value: Any, field: str, choices: tuple[Choice, ...]) -> Any:
    for choice in choices:
        if value == choice.value or str(value) == str(choice.value):
            return choice.value
    raise Fault(field, _("Choose one of the answers."))


def _base_rate(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"per_cent": _decimal(value.get("per_cent"), "per_cent", least=Decimal(-5))}


def _exchange(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"units_per_euro": _decimal(value.get("units_per_euro"), "units_per_euro", more=True)}


def _national_cap(value: Mapping[str, Any]) -> dict[str, Any]:
    found = {"regime": _one_of(value.get("regime"), "regime", _REGIMES)}
    for name in ("cap_eur", "used_eur"):
        found[name] = _decimal(value.get(name), name, least=Decimal(0))
    return found


def _fisheries_register(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"runs": _one_of(value.get("runs"), "runs", (YES, NO))}


def _policy(value: Mapping[str, Any]) -> dict[str, Any]:
    known = {reading.name: reading for reading in READINGS}
    chosen = {name: answer for name, answer in value.items() if answer not in (None, "")}
    unknown = sorted(set(chosen) - set(known))
    if unknown or not chosen:
        raise Fault(unknown[0] if unknown else "", _("Choose a reading for at least one of the open questions."))
    return {name: _one_of(answer, name, known[name].choices) for name, answer in chosen.items()}


def _sme(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "approved_after_days": _whole(value.get("approved_after_days"), "approved_after_days", 730),
        "grace_days": _whole(value.get("grace_days"), "grace_days", 730),
        "ownership_change_mode": _one_of(value.get("ownership_change_mode"), "ownership_change_mode", _MODES),
    }


def _law(value: Mapping[str, Any]) -> dict[str, Any]:
    """A whole row of law. Faults name the place in the row: limits[1].ceiling_eur."""
    try:
        return serial.law_to_json(serial.law_from_json(value))
    except serial.Unreadable as fault:
        place = fault.path or _("The row")
        # Technical words of the reader of rows: a person who types a row of law reads the names of its fields.
        raise Fault("row", _("%(place)s: %(problem)s.") % {"place": place, "problem": fault.problem}) from None


def _clock(value: Mapping[str, Any]) -> dict[str, Any]:
    """How long a duty takes. Its days and source are the parameter's own."""
    try:
        clocks.from_parameter(value, valid_from=date(2000, 1, 1), valid_to=None, source="x")
    except KeyError as fault:
        raise Fault("row", _("%(place)s: is missing.") % {"place": str(fault).strip("'")}) from None
    except (ValueError, TypeError, AttributeError, ArithmeticError) as fault:
        raise Fault("row", _("This row cannot be read: %(problem)s.") % {"problem": fault}) from None
    return dict(value)


KEYS: Mapping[str, Key] = {
    key.code: key
    for key in (
        Key(
            "law",
            lazy("A text of law"),
            lazy(
                "A regulation or a version of it, with its ceilings, days and numbers. A row of the same code replaces "
                "the built-in one from its first day on, and the newest row counts. This is how a new block exemption "
                "regulation comes into force here."
            ),
            "none",
            (Part("row", lazy("The row"), "json"),),
            _law,
        ),
        Key(
            "policy",
            lazy("Readings of open questions"),
            lazy("What the texts leave open. Without a row the careful reading holds."),
            "none",
            tuple(
                Part(reading.name, reading.question, "choice", reading.explanation, reading.choices)
                for reading in READINGS
            ),
            _policy,
        ),
        Key(
            "discount_base_rate",
            lazy("Base rates for discounting"),
            lazy("The Commission's base rate of a State. The discount rate is this and one percentage point."),
            "state",
            (Part("per_cent", lazy("Base rate in per cent"), "number"),),
            _base_rate,
        ),
        Key(
            "exchange_rate",
            lazy("Exchange rates"),
            lazy("The reference rate of the European Central Bank on a day: how much of the currency is one euro."),
            "currency",
            (Part("units_per_euro", lazy("One euro is"), "number"),),
            _exchange,
        ),
        Key(
            "national_cap",
            lazy("National caps"),
            lazy(
                "What a State may grant to farming or fishing altogether (annexes of 1408/2013 and 717/2014), and what "
                "its register showed as used on the first day of the row. Our own awards from that day on are added."
            ),
            "state",
            (
                Part("regime", lazy("Regulation"), "choice", choices=_REGIMES),
                Part("cap_eur", lazy("Cap in EUR"), "money"),
                Part("used_eur", lazy("Used so far in EUR"), "money"),
            ),
            _national_cap,
        ),
        Key(
            "fisheries_register",
            lazy("Registers for fisheries"),
            lazy("Whether the State runs the central register that lifts the ceiling for fishing (717/2014)."),
            "state",
            (Part("runs", lazy("Does it run the register?"), "choice", choices=(YES, NO)),),
            _fisheries_register,
        ),
        Key(
            "duty_clock",
            lazy("Days for duties"),
            lazy(
                "How long the notice, the register entry, the publication and other duties may take. A row replaces "
                "the built-in one for the same duty and regulations from its first day on."
            ),
            "none",
            (Part("row", lazy("The row"), "json"),),
            _clock,
        ),
        Key(
            "sme",
            lazy("Size of companies"),
            lazy("How long after a closing accounts are taken as approved, and how a change of owners is read."),
            "none",
            (
                Part("approved_after_days", lazy("Days until accounts are approved"), "days"),
                Part("grace_days", lazy("Days of grace for a new statement"), "days"),
                Part("ownership_change_mode", lazy("When owners change"), "choice", choices=_MODES),
            ),
            _sme,
        ),
    )
}


def checked_scope(key: Key, state: str) -> str:
    """What stands in `state`, in capitals. Raises Fault("state")."""
    code = state.strip().upper()
    if key.scope == "state" and code not in countries.ELIGIBLE:
        raise Fault("state", _("Enter a State by its two letters, such as FI."))
    if key.scope == "currency" and not (len(code) == 3 and code.isalpha() and code != "EUR"):
        raise Fault("state", _("Enter a currency by its three letters, such as SEK."))
    return "" if key.scope == "none" else code


def policy_from(values: list[Mapping[str, Any]]) -> Policy:
    """The readings in force: of rows ordered oldest first, the last word on each question."""
    known = {one.name for one in fields(Policy)}
    said = {name: answer for value in values for name, answer in value.items() if name in known}
    return Policy(**said)


def in_force(valid_from: date, valid_to: date | None, on: date) -> bool:
    return valid_from <= on and (valid_to is None or on <= valid_to)
