"""What is asked for, granted, run and used."""

from jobs.models.allocation import Allocation, LedgerEntry
from jobs.models.application import Application, ApplicationMessage, Decision
from jobs.models.federation import (
    AgentKey,
    AllocationPlace,
    JobMove,
    MaintenanceWindow,
    PartitionReport,
    Reconciliation,
    SiteMessage,
    SiteOutage,
    UsageDiscrepancy,
)
from jobs.models.job import Artefact, Attempt, Job, JobDraft, JobEvent, LogChunk, UsageRecord
from jobs.models.matching import MatchingWeights
from jobs.models.references import ReferenceCounter
from jobs.models.site_agent import EnrolmentCode, RequestNonce, SiteAgent

__all__ = [
    "AgentKey",
    "Allocation",
    "AllocationPlace",
    "Application",
    "ApplicationMessage",
    "Artefact",
    "Attempt",
    "Decision",
    "EnrolmentCode",
    "Job",
    "JobDraft",
    "JobEvent",
    "JobMove",
    "LedgerEntry",
    "LogChunk",
    "MaintenanceWindow",
    "MatchingWeights",
    "PartitionReport",
    "Reconciliation",
    "ReferenceCounter",
    "RequestNonce",
    "SiteAgent",
    "SiteMessage",
    "SiteOutage",
    "UsageDiscrepancy",
    "UsageRecord",
]
