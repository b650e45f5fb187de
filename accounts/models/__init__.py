"""Who: people, organisations, roles, what they declared, and the record of what was decided."""

from accounts.models.audit import AuditEvent
from accounts.models.messages import Notification, OutboxMessage
from accounts.models.organisation import AccountYear, Organisation, SmeAssessment
from accounts.models.ownership import Evidence, Holding, OwnershipStatement, Party, PartyYear, SizeReview
from accounts.models.people import Invitation, RoleGrant, User
from accounts.state_aid.models import (
    AidAssessment,
    AidAward,
    AidDeclaration,
    AidDuty,
    AidLetter,
    AidLock,
    AidScheme,
    ControlStatement,
    InformationRequest,
    LegalParameter,
    RegisterExport,
    UndertakingEvent,
)

__all__ = [
    "AccountYear",
    "AidAssessment",
    "AidAward",
    "AidDeclaration",
    "AidDuty",
    "AidLetter",
    "AidLock",
    "AidScheme",
    "AuditEvent",
    "ControlStatement",
    "Evidence",
    "Holding",
    "InformationRequest",
    "Invitation",
    "LegalParameter",
    "Notification",
    "Organisation",
    "OutboxMessage",
    "OwnershipStatement",
    "Party",
    "PartyYear",
    "RegisterExport",
    "RoleGrant",
    "SizeReview",
    "SmeAssessment",
    "UndertakingEvent",
    "User",
]
