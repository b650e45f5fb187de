"""The life of a request up to its decision: draft, save, send, ask, answer, withdraw."""

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import audit
from accounts.calendars import add_working_days, working_days_between
from accounts.models import Organisation, RoleGrant, User
from accounts.permissions import require
from accounts.roles import Action, Role
from accounts.services import notify
from catalog.models import AccessMode
from jobs.applications.checks import rate_for
from jobs.applications.decisions import decide_by_policy
from jobs.models import Application, ApplicationMessage
from jobs.models.references import next_reference
from jobs.states import ApplicationState
from portal.kernel.errors import DomainError

EDITABLE = (
    "title", "purpose", "benefit", "site", "partition", "base_model", "gpu_hours", "starts_on", "months",
    "plan", "data_declaration", "ai_act", "public_support",
)  # fmt: skip


@transaction.atomic
def start_application(*, organisation: Organisation, mode: AccessMode, actor: User, at: datetime) -> Application:
    """Opens a draft. A policy mode fills in the amount and period that its terms fix."""
    require(actor, Action.APPLY, organisation=organisation)
    fixed = mode.decided_by == AccessMode.DecidedBy.POLICY
    return Application.objects.create(
        reference=next_reference("REQ", year=at.year),
        organisation=organisation,
        created_by=actor,
        mode=mode,
        starts_on=at.date(),
        gpu_hours=mode.max_gpu_hours if fixed else None,
        months=min(mode.months) if fixed and mode.months else None,
    )


def save_draft(*, application: Application, answers: dict[str, Any], actor: User) -> Application:
    """Keeps whatever was answered so far; completeness is asked for at sending only."""
    require(actor, Action.APPLY, organisation=application.organisation)
    if application.state not in (ApplicationState.DRAFT, ApplicationState.QUESTION):
        raise DomainError(
            "not_editable", _("This request was sent and can no longer be changed. Withdraw it to start anew.")
        )
    for name in EDITABLE:
        if name in answers:
            setattr(application, name, answers[name])
    application.save(update_fields=[*(name for name in EDITABLE if name in answers), "saved_at"])
    return application


def missing_answers(application: Application, *, on: date) -> list[tuple[str, str]]:
    """What still stands between this draft and sending it: (field, sentence) pairs."""
    missing: list[tuple[str, str]] = []
    mode = application.mode
    if not application.title:
        missing.append(("title", _("Give the project a short name.")))
    if len(application.purpose.strip()) < 20:
        missing.append(("purpose", _("Say in a sentence or two what you want to do.")))
    if application.site is None or application.partition is None:
        missing.append(("partition", _("Choose where it should run.")))
    elif application.partition.site_id != application.site_id:
        missing.append(("partition", _("The hardware chosen is not at that site. Choose again.")))
    elif not application.site.is_connected:
        missing.append(
            ("partition", _("%(site)s takes no new work at present. Choose another site.") % {"site": application.site})
        )
    elif mode.sites.exists() and not mode.sites.filter(pk=application.site.pk).exists():
        missing.append(
            (
                "partition",
                _("%(site)s does not offer %(mode)s. Choose another site.") % {"site": application.site, "mode": mode},
            )
        )
    elif rate_for(application, on=on) is None:
        missing.append(
            (
                "partition",
                _("%(site)s has no valid rate for this hardware. Choose other hardware or ask its helpdesk.")
                % {"site": application.site},
            )
        )
    if not application.gpu_hours:
        missing.append(("gpu_hours", _("Enter how many GPU-hours you need.")))
    elif application.gpu_hours < mode.min_gpu_hours:
        missing.append(
            ("gpu_hours", _("%(mode)s starts at %(hours)s GPU-hours.") % {"mode": mode, "hours": mode.min_gpu_hours})
        )
    elif mode.max_gpu_hours and application.gpu_hours > mode.max_gpu_hours:
        missing.append(
            ("gpu_hours", _("%(mode)s ends at %(hours)s GPU-hours.") % {"mode": mode, "hours": mode.max_gpu_hours})
        )
    if application.months not in mode.months:
        missing.append(("months", _("Choose one of the periods that %(mode)s offers.") % {"mode": mode}))
    if application.starts_on is None or application.starts_on < on:
        missing.append(("starts_on", _("The first day must be today or later.")))
    if application.site and application.site.aid_scheme_id and not application.public_support.get("works_start_on"):
        missing.append(
            (
                "works_start_on",
                _("%(site)s grants under a scheme: say when the work begins.") % {"site": application.site},
            )
        )
    if not application.data_declaration.get("answered"):
        missing.append(("data_sources", _("Tell us where your data comes from.")))
    if not application.ai_act.get("answered"):
        missing.append(("ai_act_confirm", _("Answer the questions on the use of AI and confirm them.")))
    return missing


def submit_application(*, application: Application, actor: User, at: datetime) -> Application:
    """Sends a request: a policy decides it in the same breath, a helpdesk gets it with a decide-by date.

    Sending twice is harmless: the second call finds the first one's outcome and returns it.
    """
    require(actor, Action.APPLY, organisation=application.organisation)
    mode = application.mode
    by_policy = mode.decided_by == AccessMode.DecidedBy.POLICY
    with transaction.atomic():
        application = (
            Application.objects.select_for_update(of=("self",))
            .select_related("organisation", "mode", "site", "partition")
            .get(pk=application.pk)
        )
        if application.state != ApplicationState.DRAFT:
            return application
        if application.starts_on and application.starts_on < at.date():
            # A draft from last week still means "from now".
            application.starts_on = at.date()
            application.save(update_fields=["starts_on"])
        if not AccessMode.objects.open_on(at.date()).filter(pk=mode.pk).exists():
            raise DomainError("mode_closed", _("%(mode)s is closed at present. Your draft is kept.") % {"mode": mode})
        missing = missing_answers(application, on=at.date())
        if missing:
            raise DomainError("incomplete", missing[0][1], field=missing[0][0])
        assert application.site is not None
        application.move_to(
            ApplicationState.SUBMITTED,
            submitted_at=at,
            decide_by=at.date()
            if by_policy
            else add_working_days(at.date(), mode.decision_working_days, application.site.country),
        )
        audit.record(
            actor=actor,
            action="application.submitted",
            target=application,
            organisation=application.organisation,
            mode=mode.code,
            gpu_hours=application.gpu_hours,
            site=application.site.slug,
        )
        if by_policy:
            decide_by_policy(application=application, at=at)
            return application
    _tell_helpdesk(
        application,
        kind="application_submitted",
        title=_("New request %(reference)s") % {"reference": application.reference},
    )
    return application


@transaction.atomic
def ask_question(*, application: Application, body: str, actor: User, at: datetime) -> ApplicationMessage:
    """The officer asks; the decision clock stands still until the applicant answers."""
    assert application.site is not None
    require(actor, Action.REVIEW_APPLICATION, site_slug=application.site.slug)
    if not body.strip():
        raise DomainError("empty_message", _("Write your question first."), field="reason")
    application.move_to(ApplicationState.QUESTION, question_since=at)
    message = ApplicationMessage.objects.create(
        application=application, author=actor, from_helpdesk=True, body=body.strip()
    )
    audit.record(actor=actor, action="application.question", target=application, organisation=application.organisation)
    _tell_applicants(
        application,
        kind="question",
        title=_("A question about your request %(reference)s") % {"reference": application.reference},
        body=body.strip(),
    )
    return message


@transaction.atomic
def answer_question(*, application: Application, body: str, actor: User, at: datetime) -> ApplicationMessage:
    """The applicant writes; an open question is thereby answered and the clock goes on where it stopped."""
    require(actor, Action.APPLY, organisation=application.organisation)
    if not body.strip():
        raise DomainError("empty_message", _("Write your answer first."), field="body")
    if application.state not in (ApplicationState.QUESTION, ApplicationState.SUBMITTED):
        raise DomainError("already_decided", _("This request has been decided; a message would reach nobody."))
    message = ApplicationMessage.objects.create(
        application=application, author=actor, from_helpdesk=False, body=body.strip()
    )
    if application.state == ApplicationState.QUESTION:
        assert (
            application.site is not None
            and application.question_since is not None
            and application.decide_by is not None
        )
        paused = working_days_between(application.question_since.date(), at.date(), application.site.country)
        application.move_to(
            ApplicationState.SUBMITTED,
            question_since=None,
            decide_by=add_working_days(application.decide_by, paused, application.site.country),
        )
    _tell_helpdesk(
        application, kind="answer", title=_("Answer on %(reference)s") % {"reference": application.reference}
    )
    return message


@transaction.atomic
def withdraw(*, application: Application, actor: User) -> Application:
    """Takes a request back before it is decided."""
    require(actor, Action.APPLY, organisation=application.organisation)
    application.move_to(ApplicationState.WITHDRAWN)
    audit.record(actor=actor, action="application.withdrawn", target=application, organisation=application.organisation)
    return application


def _tell_helpdesk(application: Application, *, kind: str, title: str) -> None:
    assert application.site is not None
    officers = User.objects.filter(
        role_grants__in=RoleGrant.objects.filter(role=Role.HELPDESK, site_slug=application.site.slug)
    ).distinct()
    for officer in officers:
        notify(
            user=officer,
            kind=kind,
            title=title,
            body=f"{application.organisation}: {application.title}",
            path=reverse("jobs:review", args=[application.pk]),
            email=True,
        )


def _tell_applicants(application: Application, *, kind: str, title: str, body: str) -> None:
    if application.created_by:
        notify(
            user=application.created_by,
            kind=kind,
            title=title,
            body=body,
            path=reverse("jobs:application", args=[application.pk]),
            organisation=application.organisation,
            email=True,
        )
