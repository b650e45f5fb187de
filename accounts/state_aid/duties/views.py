"""Pages about duties: what is to be done, by when, and its record."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.calendars import working_days_between
from accounts.models import AidAward, AidDuty, AidLetter, InformationRequest
from accounts.state_aid.duties.clocks import clock_on
from accounts.state_aid.duties.forms import CancelForm, DoneForm
from accounts.state_aid.duties.rooms import for_officers, rooms
from accounts.state_aid.duties.rows import clocks_of
from accounts.state_aid.duties.scope import keeps, states_seen_by
from accounts.state_aid.duties.services import cancel_duty, close_duty
from accounts.state_aid.duties.subjects import regime_of
from accounts.state_aid.states import DutyState
from accounts.state_aid.threads import thread_of, threads_of
from accounts.views.access import add_refusal, person
from portal.kernel.clock import today
from portal.kernel.errors import DomainError

PER_PAGE = 40
SOON = 5  # working days from which a clock is shown in another tone; the alerts follow the law's rows


@for_officers
def duties(request: HttpRequest) -> HttpResponse:
    """The list with clocks: overdue first, then by last day."""
    seen = AidDuty.objects.of_states(states_seen_by(person(request)))
    day = today()
    lists = {
        "open": seen.open(),
        "overdue": seen.overdue_on(day),
        "done": seen.exclude(state=DutyState.OPEN).order_by("-done_on", "-due_on"),
    }
    shown = request.GET.get("show") if request.GET.get("show") in lists else "open"
    page = Paginator(lists[shown].select_related("organisation"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "rooms": rooms("duties"),
        "filters": _filters(lists, shown),
        "page_obj": page,
        "rows": _rows(list(page.object_list), day),
        "shown": shown,
    }
    return render(request, "accounts/duties/duties.html", context)


def _filters(lists: dict[str, Any], shown: str) -> list[dict[str, Any]]:
    labels = {"open": _("To do"), "overdue": _("Overdue"), "done": _("Done")}
    url = reverse("accounts:duties")
    return [
        {"url": f"{url}?show={name}", "label": labels[name], "count": rows.count(), "current": name == shown}
        for name, rows in lists.items()
    ]


def _rows(found: list[AidDuty], day: date) -> list[dict[str, Any]]:
    """Each duty with its clock and its award; two further queries for the whole page."""
    awards = [duty.award for duty in found if duty.award]
    threads = {thread.award: thread for thread in threads_of(AidAward.objects.filter(award__in=awards))}
    asked = [duty.subject for duty in found if duty.kind == AidDuty.Kind.ANSWER]
    requests = {str(row.pk): row for row in InformationRequest.objects.filter(pk__in=asked)}
    return [
        {
            "duty": duty,
            "clock": clock_tag(duty, day),
            "thread": threads.get(duty.award) if duty.award else None,
            "request": requests.get(duty.subject),
        }
        for duty in found
    ]


def clock_tag(duty: AidDuty, day: date) -> dict[str, str]:
    """Words and tone for what is left of the time."""
    if duty.state != DutyState.OPEN:
        done = duty.state == DutyState.DONE
        tone, icon = ("ok", "check-lg") if done else ("", "dash-circle")
        return {"text": duty.get_state_display(), "tone": tone, "icon": icon}
    left = working_days_between(day, duty.due_on, duty.granting_state)
    if day > duty.due_on:
        late = max(1, -left)
        text = ngettext("%(n)d working day late", "%(n)d working days late", late) % {"n": late}
        return {"text": text, "tone": "bad", "icon": "exclamation-octagon-fill"}
    if duty.due_on == day:
        return {"text": _("today"), "tone": "warn", "icon": "clock"}
    text = ngettext("%(n)d working day left", "%(n)d working days left", left) % {"n": left}
    return {"text": text, "tone": "warn" if left <= SOON else "run", "icon": "clock"}


@login_required
def duty(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One duty: what it rests on, its clock, and the forms that close it."""
    found = _visible(request, pk)
    context = _page(request, found, DoneForm(), CancelForm())
    return render(request, "accounts/duties/duty.html", context)


@login_required
@require_POST
def duty_done(request: HttpRequest, pk: UUID) -> HttpResponse:
    found, form = _visible(request, pk), DoneForm(request.POST)
    if form.is_valid():
        try:
            close_duty(
                duty=found,
                reference=form.cleaned_data["reference"],
                actor=person(request),
                on=form.cleaned_data["done_on"],
            )
        except DomainError as error:
            if error.status == 403:
                raise
            add_refusal(form, error)
        else:
            messages.success(request, _("Recorded. The duty is done."))
            return redirect("accounts:duties")
    return render(request, "accounts/duties/duty.html", _page(request, found, form, CancelForm()))


@login_required
@require_POST
def duty_cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    found, form = _visible(request, pk), CancelForm(request.POST)
    if form.is_valid():
        try:
            cancel_duty(duty=found, reason=form.cleaned_data["note"], actor=person(request), on=today())
        except DomainError as error:
            if error.status == 403:
                raise
            add_refusal(form, error)
        else:
            messages.success(request, _("Recorded. Nobody is reminded of it any more."))
            return redirect("accounts:duties")
    return render(request, "accounts/duties/duty.html", _page(request, found, DoneForm(), form))


def _visible(request: HttpRequest, pk: UUID) -> AidDuty:
    seen = AidDuty.objects.of_states(states_seen_by(person(request)))
    found: AidDuty = get_object_or_404(seen.select_related("organisation", "done_by"), pk=pk)
    return found


def _page(request: HttpRequest, found: AidDuty, form: DoneForm, cancel: CancelForm) -> dict[str, Any]:
    is_open = found.state == DutyState.OPEN
    by_hand = found.kind not in {AidDuty.Kind.NOTICE, AidDuty.Kind.ANSWER}
    asked = InformationRequest.objects.filter(pk=found.subject) if found.kind == AidDuty.Kind.ANSWER else None
    return {
        "rooms": rooms("duties"),
        "duty": found,
        "clock": clock_tag(found, today()),
        "law": clock_on(found.kind, found.opened_on, regime=regime_of(found), rows=clocks_of(found.granting_state)),
        "thread": thread_of(found.award) if found.award else None,
        "asked": asked.first() if asked is not None else None,
        "letters": AidLetter.objects.filter(award=found.award) if found.award else AidLetter.objects.none(),
        "form": form,
        "cancel": cancel,
        "may_close": is_open and keeps(person(request), found.granting_state),
        "by_hand": by_hand,
    }
