"""What is asked for, granted, run and used."""

from jobs.models.allocation import Allocation, LedgerEntry
from jobs.models.application import Application, ApplicationMessage, Decision
from jobs.models.job import Artefact, Attempt, Job, JobDraft, JobEvent, LogChunk, UsageRecord
from jobs.models.references import ReferenceCounter
from jobs.models.site_agent import EnrolmentCode, RequestNonce, SiteAgent

__all__ = [
    "Allocation",
    "Application",
    "ApplicationMessage",
    "Artefact",
    "Attempt",
    "Decision",
    "EnrolmentCode",
    "Job",
    "JobDraft",
    "JobEvent",
    "LedgerEntry",
    "LogChunk",
    "ReferenceCounter",
    "RequestNonce",
    "SiteAgent",
    "UsageRecord",
]
