"""Public support for the helpdesk: the companies that asked at an officer's sites, and each one's account there."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.models import AidAward, AidDuty, Organisation, User
from accounts.state_aid.keys import organisation_key
from accounts.state_aid.selectors import account_cards, lives_of, place_name
from accounts.state_aid.services import headrooms, latest_declaration
from catalog.models import Site
from jobs.ledger.economic import economic_use
from jobs.models import Application
from jobs.states import ApplicationState
from portal.kernel.clock import today
from portal.kernel.web import plain_text

PER_PAGE = 25
WINDOW = timedelta(days=3 * 366)


@dataclass
class CompanyRow:
    """A company as the list shows it: what the officer's States granted through this portal in the last three years,
    and what is still to be done about it. What is left is worked out on the company's own page, group included."""

    organisation: Organisation
    requests: int
    newest: Any
    granted: Decimal = Decimal(0)
    duties: list[AidDuty] = field(default_factory=list)

    def overdue(self) -> bool:
        return any(duty.due_on < today() for duty in self.duties)


def _sites(user: User) -> list[Site]:
    """The sites whose requests this person decides; without one the pages do not exist."""
    found = list(Site.objects.helped_by(user))
    if not found:
        raise Http404
    return found


def _asked(sites: Iterable[Site]) -> QuerySet[Organisation]:
    sent = Q(applications__site__in=list(sites)) & ~Q(applications__state=ApplicationState.DRAFT)
    return Organisation.objects.filter(sent).annotate(
        requests=Count("applications", filter=sent), newest=Max("applications__submitted_at", filter=sent)
    )


@login_required
@require_safe
def supported(request: HttpRequest) -> HttpResponse:
    """Every company that asked at one of the officer's sites, found by name or number."""
    sites = _sites(cast(User, request.user))
    words = plain_text(request.GET.get("q", ""), longest=100)
    rows = _asked(sites)
    if words:
        number = words.replace(" ", "")
        rows = rows.filter(
            Q(legal_name__icontains=words) | Q(vat_number__iexact=number) | Q(euid__iexact=number)
            | Q(applications__reference__iexact=number)
        )  # fmt: skip
    page = Paginator(rows.order_by("-newest", "legal_name"), PER_PAGE).get_page(request.GET.get("page"))
    states = _states(sites)
    context = {
        "page": page,
        "rows": company_rows(page.object_list, states=states, on=today()),
        "words": words,
        "places": ", ".join(sorted(place_name(state) for state in states)),
        "meters": economic_use(Site.objects.helped_by(cast(User, request.user)), year=today().year, on=today()),
        "today": today(),
    }
    return render(request, "jobs/applications/supported.html", context)


def _states(sites: Iterable[Site]) -> set[str]:
    return {site.granting_state for site in sites} - {""}


def company_rows(organisations: Iterable[Any], *, states: set[str], on: date) -> list[CompanyRow]:
    """Two queries, however many companies."""
    rows = {one.pk: CompanyRow(one, one.requests, one.newest) for one in organisations}
    counted = AidAward.objects.filter(
        organisation__in=rows, granting_state__in=states, origin=AidAward.Origin.NATIONAL_SHARE,
        granted_on__gte=on - WINDOW,
    )  # fmt: skip
    for found in counted.order_by().values("organisation").annotate(total=Sum("amount_eur")):
        rows[found["organisation"]].granted = found["total"]
    open_ones = AidDuty.objects.open().filter(organisation__in=rows, granting_state__in=states)
    for duty in open_ones.order_by("due_on"):
        rows[duty.organisation_id].duties.append(duty)
    return list(rows.values())


@login_required
@require_safe
def supported_company(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is left to the company and its group in the officer's States, what stands, and what is still to be done."""
    sites = _sites(cast(User, request.user))
    organisation = get_object_or_404(_asked(sites), pk=pk)
    states = _states(sites)
    accounts = headrooms(organisation=organisation, on=today(), states=states)
    own, lives = organisation_key(organisation.pk), lives_of(organisation)
    references = {life.award: life.first.reference for life in lives}
    duties = AidDuty.objects.open().filter(organisation=organisation, granting_state__in=states)
    context = {
        "organisation": organisation,
        "accounts": account_cards([one for one in accounts if one.state in states], own=own),
        "members": accounts[0].members if accounts else (),
        "declaration": latest_declaration(organisation),
        "lives": [life for life in lives if life.first.granting_state in states],
        "duties": [(duty, references.get(duty.award, duty.subject)) for duty in duties],
        "requests": Application.objects.filter(organisation=organisation, site__in=sites)
        .exclude(state=ApplicationState.DRAFT)
        .select_related("site", "mode")
        .order_by("-submitted_at")[:20],
        "today": today(),
    }
    return render(request, "jobs/applications/supported_company.html", context)
