"""How the ceiling becomes free again: one State's account over the days on which something falls out."""

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import countries
from accounts.state_aid.services import Headroom
from portal.ui.charts import Chart, Series
from portal.ui.numbers import money


def recovery_chart(room: Headroom) -> Chart | None:
    """Columns of what stays used, from today to the day when nothing is; None when nothing counts today."""
    counted = [item for item in room.items if item.counted]
    if not counted:
        return None
    days = [room.on, *sorted({item.falls_out_on for item in counted})]
    used = [float(sum(item.aid.amount_eur for item in counted if item.falls_out_on > day)) for day in days]
    country = countries.name(room.granting_state)
    return Chart(
        title=_("Public support from %(country)s that still counts") % {"country": country},
        labels=[date_format(day, "SHORT_DATE_FORMAT") for day in days],
        series=[Series(_("Used"), used)],
        summary=_("%(used)s counts today; from %(day)s nothing of it does.")
        % {"used": money(room.used), "day": date_format(days[-1], "DATE_FORMAT")},
        unit="EUR",
        label_head=_("From"),
        limit=float(room.ceiling),
        limit_label=_("Ceiling"),
        decimals=0,
        ident=f"aid-{room.granting_state.lower()}",
    )
