"""The pages of jobs: the list, one job in five views, and what can be done with it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import may
from accounts.roles import Action
from jobs.execution import selectors
from jobs.execution.charging import RULES
from jobs.execution.curves import all_charts, loss_chart
from jobs.execution.moves import story
from jobs.execution.services import cancel_job, copy_draft, retry_job, set_may_move, used_gpu_seconds
from jobs.execution.services.moving import allowed_elsewhere
from jobs.metering.energy import footprints
from jobs.models import Job, UsageDiscrepancy, UsageRecord
from jobs.states import JOB_WAITING, JobState
from portal.kernel.clock import now
from portal.kernel.errors import DomainError

PER_PAGE = 20
STOP_POLLING = 286


def _own(request: HttpRequest, pk: UUID) -> Job:
    """A job of one of the person's organisations, or 404."""
    related = ("organisation", "site", "partition", "base_model", "dataset", "allocation", "created_by")
    return get_object_or_404(Job.objects.visible_to(request.user).select_related(*related), pk=pk)


@login_required
@require_safe
def jobs(request: HttpRequest) -> HttpResponse:
    group = request.GET.get("show", "")
    page = Paginator(selectors.jobs_of(request.organisation, group), PER_PAGE).get_page(request.GET.get("page"))
    counts = selectors.group_counts(request.organisation)
    here = reverse("jobs:jobs")
    filters = [{"url": here, "label": _("All"), "count": counts["all"], "current": group not in selectors.GROUPS}]
    filters += [
        {"url": f"{here}?show={name}", "label": label, "count": counts[name], "current": group == name}
        for name, (label, _condition) in selectors.GROUPS.items()
    ]
    results = selectors.result_ids(list(page.object_list))
    rows = [(job, results.get(job.pk)) for job in page.object_list]
    return render(request, "jobs/jobs.html", {"page": page, "rows": rows, "filters": filters, "total": counts["all"]})


def _tabs(job: Job, current: str) -> list[dict[str, Any]]:
    rooms = (
        ("jobs:job", _("Overview")),
        ("jobs:job_log", _("Log")),
        ("jobs:job_metrics", _("Metrics")),
        ("jobs:job_files", _("Files")),
        ("jobs:job_cost", _("Cost")),
    )
    return [{"url": reverse(name, args=[job.pk]), "label": label, "current": name == current} for name, label in rooms]


def _status_context(request: HttpRequest, job: Job) -> dict[str, Any]:
    """What the live part shows; the page and the polled fragment share it."""
    attempt = selectors.newest_attempt(job)
    return {
        "job": job,
        "attempt": attempt,
        "live": selectors.live(job, attempt),
        # A run that starts anew has no curve yet; the one of the attempt that was given up would mislead.
        "chart": loss_chart(None if job.state == JobState.QUEUED else attempt),
        "quiet_since": selectors.quiet_since(job, now()),
        "explanation": selectors.explain(job, attempt),
        "story": story(list(job.moves.select_related("from_site", "to_site"))),
        "tuned": selectors.tuned_model_of(job),
        "poll_seconds": None if job.is_final else 15 if job.state in JOB_WAITING else 2,
        "may_act": may(request.user, Action.SUBMIT_JOB, organisation=job.organisation),
    }


@login_required
@require_safe
def job(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = _own(request, pk)
    context = {
        **_status_context(request, row),
        "elsewhere": [] if row.is_final else sorted({place.site.name for place in allowed_elsewhere(row)}),
        "tabs": _tabs(row, "jobs:job"),
        "method": selectors.METHODS.get(row.method, row.method),
        "footprint": footprints([row.pk]).get(row.pk),
    }
    return render(request, "jobs/job.html", context)


@login_required
@require_safe
def job_status(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The live part alone. Once the job has ended it carries no more polling, so it ends by itself."""
    return render(request, "jobs/_job_status.html", _status_context(request, _own(request, pk)))


@login_required
@require_safe
def job_log(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The last part of the log, or all of it from `?from=0`."""
    row = _own(request, pk)
    attempt = selectors.newest_attempt(row)
    start = _offset(request) if "from" in request.GET else selectors.log_tail_start(attempt)
    text, cursor = selectors.log_since(attempt, start)
    context = {
        "job": row,
        "tabs": _tabs(row, "jobs:job_log"),
        "text": text,
        "cursor": cursor,
        "cut": start > 0,
        "more": row.is_final and len(text.encode()) >= selectors.LOG_PAGE,
        "poll_seconds": None if row.is_final else 2,
    }
    return render(request, "jobs/job_log.html", context)


@login_required
@require_safe
def job_log_lines(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What the log has grown since `?from=`; status 286 tells htmx that there will be no more."""
    row = _own(request, pk)
    text, cursor = selectors.log_since(selectors.newest_attempt(row), _offset(request))
    ended = row.is_final and not text
    context = {"job": row, "text": text, "cursor": cursor, "poll_seconds": None if ended else 2}
    return render(request, "jobs/_job_log.html", context, status=STOP_POLLING if ended else 200)


def _offset(request: HttpRequest) -> int:
    value = request.GET.get("from", "0")
    return min(int(value), 2**62) if value.isascii() and value.isdigit() and len(value) < 20 else 0


@login_required
@require_safe
def job_metrics(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = _own(request, pk)
    context = {
        "job": row,
        "tabs": _tabs(row, "jobs:job_metrics"),
        "charts": all_charts(selectors.newest_attempt(row)),
        "tuned": selectors.tuned_model_of(row),
    }
    return render(request, "jobs/job_metrics.html", context)


@login_required
@require_safe
def job_files(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = _own(request, pk)
    attempt = selectors.newest_attempt(row)
    context = {
        "job": row,
        "tabs": _tabs(row, "jobs:job_files"),
        "files": attempt.artefacts.all() if attempt else [],
        "tuned": selectors.tuned_model_of(row),
    }
    return render(request, "jobs/job_files.html", context)


@login_required
@require_safe
def job_cost(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = _own(request, pk)
    attempt = selectors.newest_attempt(row)
    context = {
        "job": row,
        "tabs": _tabs(row, "jobs:job_cost"),
        "cost": selectors.cost_of(row, used_gpu_seconds(attempt) if attempt else 0),
        "attempt": attempt,
        "so_far": attempt.provisional_gpu_seconds if attempt and not row.is_final else None,
        "usage": UsageRecord.objects.filter(attempt__job=row).select_related("corrects"),
        "questions": UsageDiscrepancy.objects.filter(attempt__job=row, resolved_at__isnull=True).exists(),
        "bookings": row.ledger_entries.order_by("pk"),
        "footprint": footprints([row.pk]).get(row.pk),
        "rules": RULES,
    }
    return render(request, "jobs/job_cost.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def job_cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Asks whether to stop, and stops."""
    row = _own(request, pk)
    if request.method == "POST":
        try:
            stopped = cancel_job(job=row, actor=request.user, at=now())
        except DomainError as refusal:
            if refusal.status == 403:
                raise
            messages.info(request, refusal.sentence)
        else:
            if stopped.state == JobState.CANCELLED:
                messages.success(request, _("Stopped. Nothing was charged."))
            else:
                messages.success(request, _("The site has been asked to stop. What was trained until then is kept."))
        return redirect("jobs:job", row.pk)
    if row.is_final:
        return redirect("jobs:job", row.pk)
    return render(request, "jobs/job_cancel.html", {"job": row})


@login_required
@require_POST
def job_moving(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Gives or takes back the consent that another place takes the run, should its site fail."""
    row = _own(request, pk)
    try:
        changed = set_may_move(job=row, may_move="may_move" in request.POST, actor=request.user)
    except DomainError as refusal:
        if refusal.status == 403:
            raise
        messages.info(request, refusal.sentence)
    else:
        said = _("Saved. Should the site fail, the run goes to another place of your allocation.")
        messages.success(request, said if changed.may_move else _("Saved. The run stays at its site."))
    return redirect("jobs:job", row.pk)


@login_required
@require_POST
def job_retry(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = _own(request, pk)
    try:
        again = retry_job(job=row, actor=request.user, at=now())
    except DomainError as refusal:
        if refusal.status == 403:
            raise
        messages.error(request, refusal.sentence)
        return redirect("jobs:job", row.pk)
    messages.success(request, _("Started again as %(job)s.") % {"job": again.reference})
    return redirect("jobs:job", again.pk)


@login_required
@require_POST
def job_copy(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Use these settings again: a draft with the same answers, opened in the wizard."""
    draft = copy_draft(job=_own(request, pk), actor=request.user, at=now())
    return redirect("jobs:wizard_step", draft.pk, 1)
