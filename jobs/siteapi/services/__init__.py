"""What the portal does when a site speaks."""

from jobs.siteapi.services.artefacts import list_artefacts, receive_chunk
from jobs.siteapi.services.attempts import attempt_under_lease, input_of
from jobs.siteapi.services.enrolment import create_enrolment_code, enrol, revoke_agent
from jobs.siteapi.services.session import open_session
from jobs.siteapi.services.store import report_models, store_tokenizer
from jobs.siteapi.services.sync import check_epoch, take_reports, take_work

__all__ = [
    "attempt_under_lease",
    "check_epoch",
    "create_enrolment_code",
    "enrol",
    "input_of",
    "list_artefacts",
    "open_session",
    "receive_chunk",
    "report_models",
    "revoke_agent",
    "store_tokenizer",
    "take_reports",
    "take_work",
]
