"""The moment a right arises: the aid is judged under a lock on (State, undertaking), then everything is booked."""

from calendar import monthrange
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from accounts.models import AidAssessment, AidAward, Organisation, User
from accounts.state_aid.case import RESEARCH, START_UP, Verdict
from accounts.state_aid.services import (
    Project,
    assess_grant,
    grant_award,
    judge_grant,
    lock_undertaking,
    reserve_award,
    start_up_of,
)
from accounts.state_aid.wording import refusal_sentence
from catalog.models import Partition, RateCard, Site
from jobs.models import Allocation, Application, LedgerEntry
from jobs.models.references import next_reference
from portal.kernel.errors import DomainError
from portal.kernel.money import euro, hours_to_seconds


def rate_on(partition: Partition | None, day: date) -> RateCard | None:
    """The rate card valid for this hardware on that day, the newest if several are."""
    if partition is None:
        return None
    return RateCard.objects.valid_on(day).filter(partition=partition).order_by("-valid_from").first()


def project_of(application: Application) -> Project:
    """What the request says that a legal basis may ask for. Costs without a name of their own are this request's."""
    said = application.public_support
    costs = said.get("costs") or {}
    total, starts = costs.get("total_eur"), said.get("works_start_on")
    union_rate = costs.get("union_rate")
    scheme = application.site.aid_scheme if application.site else None
    basis_is = scheme.basis if scheme else ""
    return Project(
        submitted_on=application.submitted_at.date() if application.submitted_at else None,
        works_start_on=date.fromisoformat(starts) if starts else None,
        costs_name=(costs.get("name") or application.reference) if total else "",
        costs_total_eur=Decimal(total) if total else None,
        union_rate=Decimal(union_rate) if union_rate else None,
        bonuses=frozenset(said.get("bonuses", ())) if basis_is == RESEARCH else frozenset(),
        start_up=start_up_of(said.get("start_up") or {}) if basis_is == START_UP else None,
    )


def valuation_of(*, rate: RateCard, gpu_hours: Decimal | int, eur_per_gpu_hour: Decimal) -> dict[str, str]:
    """How the value of the hours was found, as it is frozen with the award: numbers as text, never rounded."""
    return {
        "gpu_hours": str(gpu_hours),
        "eur_per_gpu_hour": str(eur_per_gpu_hour),
        "method": rate.method,
        "evidence": rate.evidence or rate.evidence_url,
        "evidence_sha256": rate.evidence_sha256,
        "rate_card": str(rate.pk),
        "price_paid_eur": "0.00",
    }


def grant_allocation(
    *,
    application: Application,
    gpu_hours: int,
    ends_on: date | None,
    at: datetime,
    reviewed_by: User | None,
    register_eur: Decimal | None = None,
) -> tuple[Allocation, AidAssessment]:
    """Grants the hours of a request. Must run inside the decision's transaction.

    `reviewed_by` is the officer who looked at what the law leaves to a person; a policy passes None and is refused.
    `register_eur` is what that officer found in the State's central register. Raises DomainError("aid_ceiling") naming
    the amount that would fit, or DomainError("no_rate"); nothing is granted.
    """
    site, partition, organisation = application.site, application.partition, application.organisation
    assert site is not None and partition is not None and application.months is not None
    on = at.date()
    rate = rate_on(partition, on)
    if rate is None:
        raise DomainError(
            "no_rate",
            _("%(site)s has no valid rate for this hardware, so its value cannot be judged.") % {"site": site},
        )
    starts_on = max(application.starts_on or on, on)
    ends_on = ends_on or add_months(starts_on, application.months)
    if ends_on < starts_on:
        raise DomainError("ends_before_start", _("The last day lies before the first."), field="ends_on")
    lock_undertaking(granting_state=site.granting_state, organisation=organisation)
    reference = next_reference("ALC", year=at.year)
    award = judge_and_grant(
        organisation=organisation,
        site=site,
        amount_eur=euro(gpu_hours * rate.eur_per_gpu_hour),
        valuation=valuation_of(rate=rate, gpu_hours=gpu_hours, eur_per_gpu_hour=rate.eur_per_gpu_hour),
        reference=reference,
        on=on,
        actor=reviewed_by,
        project=project_of(application),
        register_eur=register_eur,
    )
    allocation = Allocation.objects.create(
        reference=reference,
        organisation=organisation,
        application=application,
        site=site,
        partition=partition,
        granted_gpu_seconds=hours_to_seconds(gpu_hours),
        starts_on=starts_on,
        ends_on=ends_on,
        rate_card=rate,
        eur_per_gpu_hour=rate.eur_per_gpu_hour,
        award=award.award,
    )
    LedgerEntry.objects.create(
        allocation=allocation, kind=LedgerEntry.Kind.GRANT, gpu_seconds=allocation.granted_gpu_seconds
    )
    assert award.assessment is not None
    return allocation, award.assessment


def judge_and_grant(
    *,
    organisation: Organisation,
    site: Site,
    amount_eur: Decimal,
    valuation: dict[str, str],
    reference: str,
    on: date,
    actor: User | None,
    project: Project,
    register_eur: Decimal | None = None,
) -> AidAward:
    """Judges a grant of that value, reserves it and confers it. The caller holds the lock of `lock_undertaking`."""
    intended = {
        "organisation": organisation,
        "site_state": site.granting_state,
        "origin": site.resource_origin,
        "amount_eur": amount_eur,
        "on": on,
        "scheme": site.aid_scheme,
        "project": project,
        "register_eur": register_eur,
    }
    assessment = assess_grant(authority=site.granting_authority, **intended)
    if assessment.outcome == "refused":
        _case, verdict = judge_grant(**intended)
        hourly = Decimal(valuation["eur_per_gpu_hour"])
        raise DomainError("aid_ceiling", largest_sentence(verdict, hourly), field="gpu_hours")
    award = reserve_award(
        organisation=organisation,
        assessment=assessment,
        granting_state=site.granting_state,
        granting_authority=site.granting_authority,
        origin=site.resource_origin,
        regime=assessment.regime,
        amount_eur=amount_eur,
        granted_on=on,
        reference=reference,
        reviewed_by=actor,
        scheme=site.aid_scheme,
        project=project,
        register_eur=register_eur,
        valuation=valuation,
    )
    grant_award(award=award, actor=actor, on=on)
    return award


def largest_sentence(verdict: Verdict, eur_per_gpu_hour: Decimal) -> str:
    """Why it cannot be granted and the largest amount that would fit, for the officer or administrator."""
    why = refusal_sentence(verdict)
    hours = int(verdict.largest_eur / eur_per_gpu_hour) if eur_per_gpu_hour else 0
    if hours <= 0:
        return why
    fits = _("Up to %(hours)s GPU-hours, worth %(value)s EUR, would fit.")
    return f"{why} {fits % {'hours': hours, 'value': euro(hours * eur_per_gpu_hour)}}"


def add_months(day: date, months: int) -> date:
    """The last day of a period of whole months that starts on `day`, e.g. 21 November + 1 month -> 20 December."""
    index = day.month - 1 + months
    year, month = day.year + index // 12, index % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1])) - timedelta(days=1)
