"""What this app holds about people: the requests, messages, drafts and jobs they wrote or started.

Nothing is erased here: requests and jobs belong to the organisation and to the proof of a grant, and they name the
person only through the row that `accounts.erasure` empties.
"""

from typing import Any

from accounts.erasure import Part, register
from accounts.models import User
from jobs.models import Application, ApplicationMessage, Job, JobDraft, MaintenanceWindow, UsageDiscrepancy


def _export(person: User) -> dict[str, Any]:
    return {
        "requests": list(
            Application.objects.filter(created_by=person).values("reference", "title", "purpose", "state")
        ),
        "messages": [
            {"request": message.application.reference, "at": message.created_at.isoformat(), "body": message.body}
            for message in ApplicationMessage.objects.filter(author=person).select_related("application")
        ],
        "drafts": list(JobDraft.objects.filter(created_by=person).values("name", "recipe", "state")),
        "maintenance": list(
            MaintenanceWindow.objects.filter(entered_by=person).values("starts_at", "ends_at", "reason")
        ),
        "jobs": list(Job.objects.filter(created_by=person).values("reference", "name", "state")),
        "usage_decisions": list(
            UsageDiscrepancy.objects.filter(resolved_by=person).values("kind", "outcome", "note", "resolved_at")
        ),
    }


def register_part() -> None:
    register(Part(name="work", export=_export, erase=lambda person: None))
