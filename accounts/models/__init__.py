"""Who: people, organisations, roles, what they declared, and the record of what was decided."""

from accounts.models.audit import AuditEvent
from accounts.models.messages import Notification, OutboxMessage
from accounts.models.organisation import AccountYear, Organisation, SmeAssessment
from accounts.models.people import Invitation, RoleGrant, User
from accounts.state_aid.models import AidAssessment, AidAward, AidDeclaration, AidLock

__all__ = [
    "AccountYear",
    "AidAssessment",
    "AidAward",
    "AidDeclaration",
    "AidLock",
    "AuditEvent",
    "Invitation",
    "Notification",
    "Organisation",
    "OutboxMessage",
    "RoleGrant",
    "SmeAssessment",
    "User",
]
