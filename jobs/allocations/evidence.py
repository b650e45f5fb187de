"""What was decided, for those who must show it: the facts behind each award, without the applicant's project texts."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from jobs.models import Allocation


def decision_facts(awards: Iterable[UUID]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(allocation's reference, facts) for each of these awards that granted an allocation. One query.

    Names of people stay out: who decided is told by role and id, the audit record holds the rest.
    """
    allocations = (
        Allocation.objects.filter(award__in=list(awards))
        .select_related("application__mode", "application__decision", "site", "partition", "rate_card")
        .order_by("reference")
    )
    for allocation in allocations:
        yield allocation.reference, _facts(allocation)


def _facts(allocation: Allocation) -> dict[str, Any]:
    application, rate = allocation.application, allocation.rate_card
    decision = getattr(application, "decision", None)
    return {
        "award": str(allocation.award),
        "allocation": allocation.reference,
        "site": allocation.site.slug,
        "hardware": str(allocation.partition),
        "granted_gpu_seconds": allocation.granted_gpu_seconds,
        "starts_on": allocation.starts_on.isoformat(),
        "ends_on": allocation.ends_on.isoformat(),
        "rate": {"eur_per_gpu_hour": str(allocation.eur_per_gpu_hour), "method": rate.method if rate else ""},
        "request": {
            "reference": application.reference,
            "access_mode": application.mode.code,
            "submitted_at": application.submitted_at.isoformat() if application.submitted_at else "",
            "gpu_hours": application.gpu_hours,
            "public_support": application.public_support,
        },
        "decision": None
        if decision is None
        else {
            "outcome": decision.outcome,
            "gpu_hours": decision.gpu_hours,
            "reason": decision.reason,
            "decided_at": decision.created_at.isoformat(),
            "decided_by": str(decision.decided_by_id) if decision.decided_by_id else "published rules",
            "checks": decision.checks,
            "assessment": str(decision.aid_assessment_id or ""),
        },
    }
