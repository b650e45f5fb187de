"""Which signed statement of size counts on a day. Reading only; signing stands in `accounts.services.size`."""

from datetime import date, timedelta

from accounts.models import Organisation, SmeAssessment
from accounts.size_policy import size_policy_on


def latest_assessment(organisation: Organisation) -> SmeAssessment | None:
    """The statement that counts: the one signed last."""
    return organisation.sme_assessments.order_by("-created_at").first()


def last_day_in_force(assessment: SmeAssessment) -> date | None:
    """The last day on which grants may rest on it, by the settings of the day it was signed; None without an end."""
    if assessment.reassess_on is None:
        return None
    return assessment.reassess_on + timedelta(days=size_policy_on(assessment.declared_on).grace_days)


def assessment_in_force(organisation: Organisation, on: date) -> SmeAssessment | None:
    """The statement signed last, unless it has run out on that day."""
    latest = latest_assessment(organisation)
    if latest is None:
        return None
    end = last_day_in_force(latest)
    return latest if end is None or on <= end else None


def is_due(assessment: SmeAssessment, on: date) -> bool:
    """Whether the company should state its size anew by now; the old statement may still be in force."""
    return assessment.reassess_on is not None and assessment.reassess_on <= on
