"""The economic-use meter for those who answer for a system: officers of its site, administrators, auditors."""

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.permissions import may
from accounts.roles import Action
from accounts.state_aid.capacity import Level
from catalog.models import Site
from jobs.dashboard.exports import csv_lines
from jobs.ledger.economic import Limits, SystemUse, economic_use, law_of_the_meter
from portal.kernel.clock import today
from portal.kernel.money import seconds_to_hours

YEARS_BACK = 4
TONES = {Level.OK: "ok", Level.WARN: "warn", Level.ALARM: "bad"}
HEADER = ("site", "system", "hardware", "gpus", "year", "economic_gpu_hours", "capacity_gpu_hours", "share", "level")


def _sites_of(user: User) -> QuerySet[Site]:
    """Everything for administrators and auditors, their own sites for officers; others are not told that it exists."""
    if may(user, Action.MANAGE_SITES) or may(user, Action.READ_AID_LEDGER):
        return Site.objects.exclude(status=Site.Status.KNOWN)
    helped = Site.objects.helped_by(user)
    if not helped.exists():
        raise Http404
    return helped


def _year(request: HttpRequest) -> int:
    current = today().year
    asked = request.GET.get("year", "")
    return int(asked) if asked.isdecimal() and current - YEARS_BACK <= int(asked[:4]) <= current else current


def _shown(use: SystemUse, limit: Any) -> dict[str, Any]:
    """The bar is full at the share that is still ancillary."""
    return {"use": use, "filled": float(min(1, use.share / limit)) * 100, "tone": TONES[use.level]}


@login_required
@require_safe
def economic_use_page(request: HttpRequest) -> HttpResponse:
    year, limits = _year(request), Limits.of(law_of_the_meter(today()))
    rows = economic_use(_sites_of(cast(User, request.user)), year=year, on=today())
    years = range(today().year, today().year - YEARS_BACK - 1, -1)
    context = {
        "year": year,
        "rows": [_shown(row, limits.alarm) for row in rows],
        "limits": limits,
        "years": [{"url": f"?year={one}", "label": str(one), "current": one == year} for one in years],
    }
    return render(request, "jobs/economic_use.html", context)


@login_required
@require_safe
def economic_use_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The same, a line for each kind of hardware."""
    year = _year(request)
    lines = [
        (
            use.site.slug, use.site.system_name, part.partition.name, part.partition.gpus_total, year,
            seconds_to_hours(part.economic), seconds_to_hours(part.capacity), round(part.share, 6), use.level.value,
        )
        for use in economic_use(_sites_of(cast(User, request.user)), year=year, on=today())
        for part in use.parts
    ]  # fmt: skip
    response = StreamingHttpResponse(csv_lines(HEADER, lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="economic-use-{year}.csv"'
    return response
