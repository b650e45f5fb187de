"""How good a place is by each criterion: 0 to 100 points and the reason in words. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from jobs.matching.facts import Need, Offer, Outlook
from jobs.matching.health import LATE_AFTER
from jobs.matching.sectors import works_for
from jobs.matching.span import span
from models_hub.wording import Text, Value, gettext_noop

HOUR = 3600
UNKNOWN_WAIT = 4 * HOUR
# Below these nothing is told apart: a gram of gas, a cent.
LEAST_KG = 0.001
LEAST_EUR = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Field:
    """The least of what all possible places would take: what "least" means in a ranking."""

    kg: float
    eur: Decimal


@dataclass(frozen=True, slots=True)
class Points:
    value: float
    words: Text


def emitted_kg(offer: Offer, outlook: Outlook | None) -> float:
    """Gas of the planned runs; where none is described, of one GPU-hour."""
    if outlook is not None:
        return outlook.co2e_kg
    hardware = offer.hardware
    watts = hardware.board_watts * (hardware.power_share + hardware.host_share)
    return watts / 1000 * hardware.pue * hardware.grid_g_per_kwh / 1000


def value_eur(offer: Offer, outlook: Outlook | None) -> Decimal:
    """What the planned runs are worth; where none is described, one GPU-hour."""
    rate = offer.eur_per_gpu_hour or Decimal(0)
    return rate * Decimal(str(outlook.gpu_hours)) if outlook is not None else rate


def field_of(places: Iterable[tuple[Offer, Outlook | None]]) -> Field:
    found = list(places)
    return Field(
        kg=min((emitted_kg(*place) for place in found), default=0.0),
        eur=min((value_eur(*place) for place in found), default=Decimal(0)),
    )


def start(need: Need, offer: Offer, outlook: Outlook | None, field: Field) -> Points:
    silent = min((agent.silent_seconds for agent in offer.agents if agent.silent_seconds is not None), default=0)
    if silent > LATE_AFTER.total_seconds():
        return Points(
            0.0, Text(gettext_noop("Silent for %(time)s; it takes no work until it answers."), {"time": span(silent)})
        )
    if offer.closed_seconds:
        wait = max(offer.closed_seconds, offer.wait_seconds or 0)
        return Points(
            _waiting(wait), Text(gettext_noop("Maintenance; starts in about %(time)s."), {"time": span(wait)})
        )
    if offer.wait_seconds is None:
        return Points(_waiting(UNKNOWN_WAIT), Text(gettext_noop("The site reports no waiting time.")))
    if offer.wait_seconds < 60:
        return Points(_waiting(offer.wait_seconds), Text(gettext_noop("Starts at once.")))
    words = Text(gettext_noop("Starts in about %(time)s."), {"time": span(offer.wait_seconds)})
    return Points(_waiting(offer.wait_seconds), words)


def _waiting(seconds: float) -> float:
    return 100 / (1 + max(0.0, seconds) / HOUR)


def carbon(need: Need, offer: Offer, outlook: Outlook | None, field: Field) -> Points:
    own = max(LEAST_KG, emitted_kg(offer, outlook))
    least = max(LEAST_KG, field.kg)
    values: dict[str, Value] = {"gas": _gas(emitted_kg(offer, outlook)), "times": round(own / least, 1)}
    if outlook is not None:
        values["kwh"] = outlook.energy_kwh
        words = gettext_noop("%(kwh)s kWh and %(gas)s, %(times)s times the least.")
        if own <= least * 1.05:
            words = gettext_noop("%(kwh)s kWh and %(gas)s, the least of all.")
    else:
        words = gettext_noop("%(gas)s a GPU-hour, %(times)s times the least.")
        if own <= least * 1.05:
            words = gettext_noop("%(gas)s a GPU-hour, the least of all.")
    return Points(100 * least / own, Text(words, values))


def _gas(kg: float) -> Text:
    if kg < 1:
        return Text(gettext_noop("%(n)s g CO2e"), {"n": round(1000 * kg, 1)})
    return Text(gettext_noop("%(n)s kg CO2e"), {"n": round(kg, 1)})


def price(need: Need, offer: Offer, outlook: Outlook | None, field: Field) -> Points:
    if offer.eur_per_gpu_hour is None:
        return Points(0.0, Text(gettext_noop("No rate is in force, so the value is not known.")))
    own = max(LEAST_EUR, value_eur(offer, outlook))
    least = max(LEAST_EUR, field.eur)
    values: dict[str, Value] = {"eur": f"{own:.2f}", "times": round(float(own / least), 1)}
    if outlook is not None:
        words = gettext_noop("Worth %(eur)s EUR, %(times)s times the least.")
        if own <= least * Decimal("1.05"):
            words = gettext_noop("Worth %(eur)s EUR, the least of all.")
    else:
        words = gettext_noop("%(eur)s EUR a GPU-hour, %(times)s times the least.")
        if own <= least * Decimal("1.05"):
            words = gettext_noop("%(eur)s EUR a GPU-hour, the least of all.")
    return Points(float(100 * least / own), Text(words, values))


def language(need: Need, offer: Offer, outlook: Outlook | None, field: Field) -> Points:
    spoken = {code.casefold()[:2] for code in offer.languages}
    if not spoken:
        return Points(0.0, Text(gettext_noop("The site does not say which languages its helpdesk speaks.")))
    if need.language and need.language.casefold()[:2] in spoken:
        return Points(100.0, Text(gettext_noop("The helpdesk speaks your language.")))
    if "en" in spoken:
        return Points(50.0, Text(gettext_noop("The helpdesk speaks English.")))
    return Points(0.0, Text(gettext_noop("The helpdesk speaks neither your language nor English.")))


def sector(need: Need, offer: Offer, outlook: Outlook | None, field: Field) -> Points:
    fits = works_for(offer.sectors, need.sector)
    if fits:
        return Points(100.0, Text(gettext_noop("The site works for your sector.")))
    if fits is None:
        return Points(50.0, Text(gettext_noop("The site works for all sectors.")))
    return Points(0.0, Text(gettext_noop("The site works mainly for other sectors.")))


SCORES: dict[str, Callable[[Need, Offer, Outlook | None, Field], Points]] = {
    "start": start,
    "carbon": carbon,
    "price": price,
    "language": language,
    "sector": sector,
}
