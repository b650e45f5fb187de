"""What hours are worth and whether that counts as aid, in the same words wherever hours are shown."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from accounts import countries
from accounts.state_aid.services.law import Rules
from catalog.models import AccessMode, Site
from portal.kernel.money import euro
from portal.ui.numbers import money


@dataclass(frozen=True)
class Worth:
    """An amount, or a span of amounts, beside what it means. `counts` is None where that depends on the site."""

    low: Decimal
    high: Decimal
    counts: bool | None
    because: str

    @property
    def amount(self) -> str:
        if self.low == self.high:
            return money(self.low)
        return _("%(low)s to %(high)s") % {"low": money(self.low), "high": money(self.high)}


def counts(site: Site, *, on: date) -> bool:
    """Whether time of this site is aid: a State's own share; the Union's only where an administrator reads it so
    (one query, for sites of the Union's share only)."""
    if site.resource_origin in (Site.Origin.UNION_SHARE, Site.Origin.CEDED_TO_JU):
        return Rules(on).policy.union_share_is_aid
    return site.resource_origin == Site.Origin.NATIONAL_SHARE


def because(site: Site, *, counted: bool) -> str:
    """Why time of this site does or does not count as aid, as the second half of a sentence."""
    if counted:
        return _("counts as aid of %(state)s") % {"state": countries.name(site.granting_state)}
    reasons = {
        Site.Origin.UNION_SHARE: _("does not count as aid, because the time is the Union's own"),
        Site.Origin.CEDED_TO_JU: _("does not count as aid, because the State gave the time to the Joint Undertaking"),
        Site.Origin.COMMERCIAL: _("does not count as aid, because it is paid for at the market price"),
    }
    return reasons[Site.Origin(site.resource_origin)]


def worth_of(value: Decimal, site: Site, *, on: date) -> Worth:
    """An amount of hours at one site, already valued."""
    counted = counts(site, on=on)
    return Worth(value, value, counted, because(site, counted=counted))


def worth_of_mode(mode: AccessMode, *, on: date) -> Worth | None:
    """What a way to access is worth at the sites where it is open; None while no rate is known there.

    Reads `mode.sites` with `partitions` and `rates_today`, as `catalog.selectors.with_hardware` fetches them. A mode
    that a policy decides gives all its hours; one without an upper end is valued at its lower end alone.
    """
    sites = [site for site in mode.sites.all() if site.is_connected]
    rates = [
        card.eur_per_gpu_hour for site in sites for partition in site.partitions.all() for card in partition.rates_today
    ]
    if not rates:
        return None
    least = mode.max_gpu_hours if mode.decided_by == AccessMode.DecidedBy.POLICY else mode.min_gpu_hours
    least, most = least or mode.min_gpu_hours, mode.max_gpu_hours or mode.min_gpu_hours
    counted = {counts(site, on=on) for site in {site.resource_origin: site for site in sites}.values()}
    low, high = euro(least * min(rates)), euro(most * max(rates))
    if len(sites) == 1:
        return Worth(low, high, True in counted, because(sites[0], counted=True in counted))
    if counted == {True}:
        return Worth(low, high, True, _("counts as aid of the State that grants it"))
    if counted == {False}:
        return Worth(low, high, False, _("does not count as aid at any of these sites"))
    return Worth(low, high, None, _("whether it counts as aid depends on the site"))
