"""How a ceiling becomes free again: one limit's account on the days on which something falls out of its window."""

from datetime import date
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.state_aid.case import Room
from portal.ui.numbers import money
from portal.ui.steps import Step, StepChart

YEARS_AHEAD = 3


def falls_out(room: Room) -> list[tuple[date, Decimal]]:
    """The days on which something that counts today falls out, each with how much, in their order."""
    found: dict[date, Decimal] = {}
    for item in room.items:
        if item.counted and item.amount_eur and item.falls_out_on is not None:
            found[item.falls_out_on] = found.get(item.falls_out_on, Decimal(0)) + item.amount_eur
    return sorted(found.items())


def recovery_chart(room: Room, *, on: date, place: str, ident: str) -> StepChart | None:
    """What stays used over the coming years against the ceiling; None when nothing counts today."""
    days = falls_out(room)
    if not days:
        return None
    used, steps = room.used_eur, [_step(room, on, None, room.used_eur)]
    for day, amount in days:
        used -= amount
        steps.append(_step(room, day, amount, max(used, Decimal(0))))
    last = days[-1][0]
    words = {
        "used": money(room.used_eur),
        "day": date_format(last, "DATE_FORMAT"),
        "left": money(free_at_last(room, used)),
    }
    return StepChart(
        title=_("Public support from %(place)s that still counts") % {"place": place},
        start=on,
        end=max(_years_on(on, YEARS_AHEAD), last),
        steps=steps,
        summary=_("%(used)s counts today; from %(day)s on %(left)s is free if nothing is added.") % words,
        unit="EUR",
        label_head=_("From"),
        heads=(_("Falls out"), _("Still counts"), _("Then free")),
        limit=float(room.ceiling_eur),
        limit_label=_("Ceiling %(amount)s") % {"amount": money(room.ceiling_eur, 0)},
        thousands=True,
        ident=ident,
    )


def free_at_last(room: Room, used: Decimal) -> Decimal:
    """What is free once everything that can fall out has."""
    return max(room.ceiling_eur - max(used, Decimal(0)), Decimal(0))


def _step(room: Room, day: date, amount: Decimal | None, used: Decimal) -> Step:
    free = max(room.ceiling_eur - used, Decimal(0))
    what = "" if amount is None else _("%(amount)s falls out") % {"amount": money(amount)}
    return Step(day, float(used), what, (money(amount), money(used), money(free)))


def _years_on(day: date, years: int) -> date:
    leap = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year + years, day=28 if leap else day.day)
