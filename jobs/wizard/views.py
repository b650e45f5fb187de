"""The wizard's pages. Every step is saved by its POST; the draft's address can be shared within the organisation."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import require
from accounts.roles import Action
from catalog.models import FoundationModel
from jobs.models import Job, JobDraft
from jobs.states import DraftState
from jobs.wizard import pages, selectors
from jobs.wizard.comparison import compare
from jobs.wizard.drafts import CODES, Draft
from jobs.wizard.panel import panel_for
from jobs.wizard.services import discard_draft, is_expired, reopen_draft, save_step, start_draft
from jobs.wizard.starting import NotReady, start_run
from models_hub.datasets.checking import check_now
from models_hub.datasets.services import add_sample
from models_hub.recipes import RECIPES
from models_hub.states import DatasetState
from portal.kernel.clock import now, today
from portal.kernel.errors import DomainError

PER_PAGE = 20


def _own(request: HttpRequest, pk: UUID) -> JobDraft:
    """A draft of one of the person's organisations, or 404. Drafts that were thrown away are gone."""
    kept = JobDraft.objects.visible_to(request.user).exclude(state=DraftState.DISCARDED)
    return get_object_or_404(kept.select_related("organisation"), pk=pk)


def _closed(request: HttpRequest, row: JobDraft) -> HttpResponse | None:
    """The answer for a draft that cannot be worked on: the job it became, or the page that opens it again."""
    if row.state == DraftState.SUBMITTED:
        messages.info(request, _("This run has been started. Here it is."))
        return redirect("jobs:job", Job.objects.only("pk").get(draft=row).pk)
    if is_expired(row, now()):
        return render(request, "jobs/wizard/expired.html", {"draft": row}, status=410)
    return None


@login_required
def wizard_start(request: HttpRequest) -> HttpResponse:
    """The list of drafts and the beginning of a new run; `?model=` and `?dataset=` say what somebody came with."""
    if request.organisation is None:
        messages.info(request, _("First tell us which company you work for; it takes two minutes."))
        return redirect("accounts:organisation_create")
    given = request.POST if request.method == "POST" else request.GET
    model = FoundationModel.objects.filter(slug=given.get("model", "")).first() if given.get("model") else None
    if request.method == "POST":
        recipe, answers = pages.first_answers(model, given.get("dataset", ""), given.get("recipe", ""), request)
        row = start_draft(
            organisation=request.organisation, actor=request.user, at=now(), recipe=recipe, answers=answers
        )
        return redirect("jobs:wizard_step", row.pk, 1)
    page = Paginator(selectors.drafts_of(request.user, request.organisation), PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "page": page,
        "recipes": list(RECIPES),
        "hours": selectors.hours_left(request.organisation, on=today()),
        "model": model,
        "dataset": given.get("dataset", ""),
        "now": now(),
    }
    return render(request, "jobs/wizard/start.html", context)


@login_required
@require_safe
def wizard_resume(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Where one left off."""
    row = _own(request, pk)
    return _closed(request, row) or redirect("jobs:wizard_step", row.pk, row.step_reached)


@login_required
def wizard_step(request: HttpRequest, pk: UUID, step: int) -> HttpResponse:
    """One step: shows it, or saves it and goes on."""
    row = _own(request, pk)
    closed = _closed(request, row)
    if closed is not None:
        return closed
    if not 1 <= step <= len(CODES):
        raise Http404
    if step > row.step_reached:
        messages.info(request, _("Finish this step first; the later ones depend on it."))
        return redirect("jobs:wizard_step", row.pk, row.step_reached)
    draft = Draft(row, request.user, today())
    problem = draft.problem(before=step)
    if problem is not None:
        messages.warning(request, problem.sentence)
        return redirect("jobs:wizard_step", row.pk, problem.step)
    if step == len(CODES):
        return _check(request, draft)
    page = pages.step_page(draft, CODES[step - 1], request)
    if request.method == "POST":
        require(request.user, Action.SUBMIT_JOB, organisation=row.organisation)
        action = request.POST.get("action", "continue")
        if action == "later":
            _save(request, draft, step, page.answers, finished=False)
            messages.success(request, _("Saved. You can go on at any time from this list."))
            return redirect("jobs:wizard_start")
        if action == "continue" and page.is_valid():
            _save(request, draft, step, page.answers, finished=True)
            return redirect("jobs:wizard_step", row.pk, step + 1)
    status = 422 if request.method == "POST" and page.errors else 200
    return render(request, f"jobs/wizard/{page.code}.html", page.context(), status=status)


def _save(request: HttpRequest, draft: Draft, step: int, answers: dict[str, object], *, finished: bool) -> None:
    """Saves a step; the data step also keeps how long its rows are for the chosen model."""
    if CODES[step - 1] == "data":
        answers = {**answers, "tokens": pages.counted_tokens(draft, answers.get("dataset"))}
    save_step(
        draft=draft.row,
        step=step,
        code=CODES[step - 1],
        answers=answers,
        actor=request.user,
        at=now(),
        finished=finished,
    )


def _check(request: HttpRequest, draft: Draft) -> HttpResponse:
    """The last step: everything on one page, and the button that starts."""
    refusal: DomainError | None = None
    may_move = "may_move" in request.POST
    if request.method == "POST":
        try:
            job = start_run(draft=draft, actor=request.user, at=now(), may_move=may_move)
        except NotReady as unfinished:
            messages.warning(request, unfinished.sentence)
            return redirect(f"{pages.address(draft.row, unfinished.step)}?again=1")
        except DomainError as error:
            if error.status == 403:
                raise
            refusal = error
        else:
            messages.success(request, _("Started. You can close this page; we tell you when it is finished."))
            return redirect("jobs:job", job.pk)
    context = {**pages.check_context(draft, refusal), "may_move": may_move}
    return render(request, "jobs/wizard/check.html", context, status=409 if refusal else 200)


@login_required
@require_POST
def wizard_estimate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The panel for what the form says right now; nothing is saved."""
    row = _own(request, pk)
    closed = _closed(request, row)
    if closed is not None:
        return closed
    draft = Draft(row, request.user, today())
    page = pages.step_page(draft, "training", request)
    return render(request, "jobs/wizard/_estimate_update.html", {**page.context(), "panel": panel_for(draft)})


@login_required
@require_safe
def wizard_places(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every place of the federation for this run: who can take it, in which order, and why."""
    row = _own(request, pk)
    closed = _closed(request, row)
    if closed is not None:
        return closed
    draft = Draft(row, request.user, today())
    comparison = compare(draft, draft.saved("training"), at=now())
    context = {
        "draft": row,
        "table": comparison.table(everything="all" in request.GET),
        "weights": comparison.published,
        "back": pages.address(row, 3),
    }
    return render(request, "jobs/wizard/places.html", context)


@login_required
@require_POST
def wizard_sample(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Takes one of our sample data sets, and comes back to the data step with it."""
    row = _own(request, pk)
    closed = _closed(request, row)
    if closed is not None:
        return closed
    dataset = add_sample(
        organisation=row.organisation, actor=request.user, code=request.POST.get("sample", ""), at=now()
    )
    if dataset.state == DatasetState.UPLOADED:
        check_now(dataset_id=dataset.pk, clock=now)
        dataset.refresh_from_db()
    if dataset.state != DatasetState.READY:
        messages.info(request, _("The sample data is being checked. Load this page again in a moment."))
    return redirect(f"{pages.address(row, 2)}?dataset={dataset.pk}")


@login_required
@require_POST
def wizard_reopen(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = reopen_draft(draft=_own(request, pk), actor=request.user, at=now())
    messages.success(request, _("The draft is open again. Your answers are kept; check them before you start."))
    return redirect("jobs:wizard_step", row.pk, 1)


@login_required
def wizard_discard(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = _own(request, pk)
    if row.state == DraftState.SUBMITTED:
        return redirect("jobs:wizard_resume", row.pk)
    if request.method == "POST":
        discard_draft(draft=row, actor=request.user)
        messages.success(request, _("The draft was thrown away."))
        return redirect("jobs:wizard_start")
    return render(request, "jobs/wizard/discard.html", {"draft": row})
