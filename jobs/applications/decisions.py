"""Deciding a request, by the published rules or by an officer: once, with the checks as they stood."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AidAssessment, User
from accounts.permissions import require
from accounts.roles import Action
from accounts.services import notify
from jobs.allocations.grants import grant_allocation
from jobs.applications.checks import HELPDESK_CHECKS, STARTER_RULES, Check, run_checks
from jobs.models import Application, Decision
from jobs.states import ApplicationState
from portal.kernel.errors import DomainError

Outcome = Decision.Outcome


def decide_by_policy(*, application: Application, at: datetime) -> Decision:
    """Applies the published rules to a submitted request; every rule's outcome is kept with the decision.

    Must run inside the transaction that submitted the request.
    """
    checks = run_checks(STARTER_RULES, application, on=at.date())
    failed = [check for check in checks if check.passed is not True]
    if failed:
        reason = _("Not granted by the published rules: %(rules)s.") % {"rules": "; ".join(c.title for c in failed)}
        return _close(application, Outcome.DECLINED, 0, reason, None, checks, None)
    assert application.gpu_hours is not None
    return _grant(
        application=application,
        gpu_hours=application.gpu_hours,
        ends_on=None,
        reason=_("Granted at once: every published rule is met."),
        decided_by=None,
        checks=checks,
        at=at,
    )


@transaction.atomic
def approve(
    *,
    application: Application,
    gpu_hours: int,
    ends_on: date | None,
    reason: str,
    actor: User,
    at: datetime,
    register_eur: Decimal | None = None,
) -> Decision:
    """An officer grants the request, as asked or with fewer hours.

    `register_eur` is what the State's central register shows for the group, where the officer looked it up. Raises
    DomainError("aid_ceiling") naming the largest amount that would fit, and DomainError("state_changed") when somebody
    decided first; then nothing is granted.
    """
    application = _locked(application)
    assert application.site is not None
    require(actor, Action.REVIEW_APPLICATION, site_slug=application.site.slug)
    _must_be_open(application)
    _must_have_reason(reason)
    if gpu_hours <= 0:
        raise DomainError("no_hours", _("Enter how many GPU-hours you approve."), field="gpu_hours")
    if application.gpu_hours and gpu_hours > application.gpu_hours:
        raise DomainError(
            "more_than_asked",
            _("They asked for %(hours)s GPU-hours; approve that much or less.") % {"hours": application.gpu_hours},
            field="gpu_hours",
        )
    checks = run_checks(HELPDESK_CHECKS, application, on=at.date())
    return _grant(
        application=application,
        gpu_hours=gpu_hours,
        ends_on=ends_on,
        reason=reason,
        decided_by=actor,
        checks=checks,
        at=at,
        register_eur=register_eur,
    )


@transaction.atomic
def decline(*, application: Application, reason: str, actor: User, at: datetime) -> Decision:
    """An officer says no, with a reason the applicant can act on."""
    application = _locked(application)
    assert application.site is not None
    require(actor, Action.REVIEW_APPLICATION, site_slug=application.site.slug)
    _must_be_open(application)
    _must_have_reason(reason)
    checks = run_checks(HELPDESK_CHECKS, application, on=at.date())
    return _close(application, Outcome.DECLINED, 0, reason, actor, checks, None)


def _locked(application: Application) -> Application:
    return (
        Application.objects.select_for_update(of=("self",))
        .select_related("organisation", "mode", "site__aid_scheme", "partition", "created_by")
        .get(pk=application.pk)
    )


def _must_be_open(application: Application) -> None:
    if application.state not in (ApplicationState.SUBMITTED, ApplicationState.QUESTION):
        raise DomainError(
            "already_decided",
            _("This request is %(state)s. Reload the page to see what was decided.")
            % {"state": application.get_state_display().lower()},
        )


def _must_have_reason(reason: str) -> None:
    if len(reason.strip()) < 10:
        raise DomainError("no_reason", _("Write a message to the applicant; they will act on it."), field="reason")


def _grant(
    *,
    application: Application,
    gpu_hours: int,
    ends_on: date | None,
    reason: str,
    decided_by: User | None,
    checks: list[Check],
    at: datetime,
    register_eur: Decimal | None = None,
) -> Decision:
    _allocation, assessment = grant_allocation(
        application=application,
        gpu_hours=gpu_hours,
        ends_on=ends_on,
        at=at,
        reviewed_by=decided_by,
        register_eur=register_eur,
    )
    outcome = Outcome.APPROVED if gpu_hours == application.gpu_hours else Outcome.APPROVED_LESS
    return _close(application, outcome, gpu_hours, reason, decided_by, checks, assessment)


def _close(
    application: Application,
    outcome: str,
    gpu_hours: int,
    reason: str,
    decided_by: User | None,
    checks: list[Check],
    assessment: AidAssessment | None,
) -> Decision:
    decision = Decision.objects.create(
        application=application,
        outcome=outcome,
        gpu_hours=gpu_hours,
        reason=reason.strip(),
        decided_by=decided_by,
        checks=[check.as_row() for check in checks],
        aid_assessment=assessment,
    )
    declined = outcome == Outcome.DECLINED
    application.move_to(ApplicationState.DECLINED if declined else ApplicationState.APPROVED)
    audit.record(
        actor=decided_by,
        action="application.declined" if declined else "application.approved",
        target=application,
        organisation=application.organisation,
        decision=str(decision.pk),
        gpu_hours=gpu_hours,
    )
    if application.created_by:
        title = (
            _("Your request %(reference)s was declined")
            if declined
            else _("Your request %(reference)s was approved: %(hours)s GPU-hours")
        ) % {"reference": application.reference, "hours": gpu_hours}
        notify(
            user=application.created_by,
            kind="decision",
            title=title,
            body=decision.reason,
            path=reverse("jobs:application", args=[application.pk]),
            organisation=application.organisation,
            email=True,
        )
    return decision
