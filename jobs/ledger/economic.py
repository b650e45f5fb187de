"""The economic-use meter: what undertakings were charged at a site's system in a year, against all it could give.

Only work that came through this portal is known here; what a host sells elsewhere it must add itself.
"""

from calendar import isleap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Sum
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AidAward, AuditEvent, User
from accounts.roles import Role
from accounts.selectors import helpdesk_of
from accounts.services import notify
from accounts.state_aid.capacity import Level, meter
from accounts.state_aid.case import ANCILLARY_USE, Law
from accounts.state_aid.regimes import ANCILLARY, law_for
from accounts.state_aid.services.law import Rules
from catalog.models import Partition, Site
from jobs.ledger.selectors import charges
from portal.kernel.money import SECONDS_PER_HOUR
from portal.ui.numbers import percent

LEVELS = (Level.WARN, Level.ALARM)


@dataclass(frozen=True)
class Limits:
    """The shares of the yearly capacity at which people are warned and alarmed, and where they stand."""

    warn: Decimal
    alarm: Decimal
    source: str

    @classmethod
    def of(cls, law: Law) -> "Limits":
        warn, alarm = (Decimal(law.terms[name]) / 100 for name in ("warn_percent", "alarm_percent"))
        return cls(warn=warn, alarm=alarm, source=law.source)


@dataclass(frozen=True)
class PartUse:
    """One kind of hardware of the system: GPU-seconds charged to undertakings, and GPU-seconds of the whole year."""

    partition: Partition
    economic: int
    capacity: int

    @property
    def share(self) -> Decimal:
        return meter(self.economic, self.capacity)[0]


@dataclass(frozen=True)
class SystemUse:
    """A site's system in one year. `pace`: the share at the end of the year if it goes on as since January (None in
    another year, and in January, when a few days say nothing)."""

    site: Site
    year: int
    parts: list[PartUse]
    level: Level
    share: Decimal
    pace: Decimal | None

    @property
    def economic(self) -> int:
        return sum(part.economic for part in self.parts)

    @property
    def capacity(self) -> int:
        return sum(part.capacity for part in self.parts)

    @property
    def percent_used(self) -> float:
        return float(min(self.share, Decimal(1)) * 100)


def law_of_the_meter(on: date) -> Law:
    """The thresholds in force that day: what an administrator entered, else what is built in. One query."""
    return law_for(Rules(on).laws, ANCILLARY_USE, on) or ANCILLARY


def seconds_of(year: int) -> int:
    return (366 if isleap(year) else 365) * 24 * SECONDS_PER_HOUR


def charged_in(year: int, sites: Iterable[Site]) -> dict[int, int]:
    """GPU-seconds charged to undertakings in the year by partition. Non-economic use is left out. One query."""
    since, until = (timezone.make_aware(datetime(at, 1, 1)) for at in (year, year + 1))  # noqa: DTZ001  # made aware here
    free = AidAward.objects.filter(award=OuterRef("allocation__award"), origin=AidAward.Origin.NON_ECONOMIC)
    rows = (
        charges()
        .filter(allocation__site__in=[site.pk for site in sites], at__gte=since, at__lt=until)
        .filter(~Exists(free))
        .values("allocation__partition")
        .annotate(used=Sum("gpu_seconds"))
    )
    return {row["allocation__partition"]: -row["used"] for row in rows}


def economic_use(sites: QuerySet[Site], *, year: int, on: date) -> list[SystemUse]:
    """Every system with hardware, the fullest first. Four queries."""
    found = list(sites.prefetch_related("partitions"))
    charged = charged_in(year, found)
    whole, law = seconds_of(year), law_of_the_meter(on)
    rows = []
    for site in found:
        parts = [PartUse(one, charged.get(one.pk, 0), one.gpus_total * whole) for one in site.partitions.all()]
        if not parts:
            continue
        share, level = meter(sum(one.economic for one in parts), sum(one.capacity for one in parts), law)
        rows.append(SystemUse(site, year, parts, level, share, _pace(share, year, on)))
    return sorted(rows, key=lambda row: (-row.share, row.site.name))


def _pace(share: Decimal, year: int, on: date) -> Decimal | None:
    gone = on.timetuple().tm_yday
    return share * (seconds_of(year) // 86400) / gone if on.year == year and gone > 31 else None


def warn_of_economic_use(*, on: date) -> int:
    """Tells officers and administrators once for each system, year and level; the audit record remembers. Says how many
    levels were new."""
    return sum(
        _announce(use, level)
        for use in economic_use(Site.objects.connected(), year=on.year, on=on)
        for level in LEVELS[: LEVELS.index(use.level) + 1 if use.level in LEVELS else 0]
    )


@transaction.atomic
def _announce(use: SystemUse, level: Level) -> bool:
    Site.objects.select_for_update().get(pk=use.site.pk)
    action = f"capacity.{level.value}"
    said = AuditEvent.objects.filter(
        action=action, target_type=use.site._meta.label_lower, target_id=str(use.site.pk), data__year=use.year
    )
    if said.exists():
        return False
    audit.record(actor=None, action=action, target=use.site, year=use.year, share=str(round(use.share, 6)))
    if level == use.level:  # a system that jumps over the warning is told of the alarm alone
        for person in _whom(use.site):
            with translation.override(person.language):
                _tell(person, use, level)
    return True


def _whom(site: Site) -> QuerySet[User]:
    administrators = User.objects.filter(role_grants__role=Role.ADMINISTRATOR, is_active=True).distinct()
    return helpdesk_of(site.slug) | administrators


def _tell(person: User, use: SystemUse, level: Level) -> None:
    words = {"site": use.site.name, "share": percent(use.share, 1), "year": use.year}
    limits = Limits.of(law_of_the_meter(date(use.year, 12, 31)))
    if level is Level.ALARM:
        title = _("%(site)s: companies have used %(share)s of the year's capacity") % words
        body = _(
            "From %(limit)s on, public funding of the system itself may become State aid. Ask the host's legal office "
            "before more hours are granted to companies in %(year)s."
        ) % {**words, "limit": percent(limits.alarm)}
    else:
        title = _("%(site)s: companies have used %(share)s of the year's capacity") % words
        body = _(
            "Nothing is wrong yet. At %(limit)s it stops being ancillary; plan the rest of %(year)s with that in mind."
        ) % {**words, "limit": percent(limits.alarm)}
    notify(
        user=person,
        kind=f"economic_{level.value}",
        title=title,
        body=body,
        path=reverse("jobs:economic_use"),
        email=True,
    )
