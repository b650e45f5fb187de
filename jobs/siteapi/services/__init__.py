"""What the portal does when a site speaks."""

from jobs.siteapi.services.artefacts import list_artefacts, receive_chunk
from jobs.siteapi.services.attempts import attempt_under_lease, input_of
from jobs.siteapi.services.enrolment import create_enrolment_code, enrol, revoke_agent
from jobs.siteapi.services.inputs import fresh_inputs, input_at_address
from jobs.siteapi.services.keys import (
    agents_without_newest_key,
    ask_for_new_key,
    check_still_in_force,
    introduce_key,
    note_portal_key,
    replace_by,
    revoke_key,
    revoke_own_key,
)
from jobs.siteapi.services.messages import note_message, note_refusal, prune_messages
from jobs.siteapi.services.refusals import suspicious, write_down_refusal
from jobs.siteapi.services.session import open_session
from jobs.siteapi.services.store import report_models, store_tokenizer
from jobs.siteapi.services.sync import check_epoch, take_reports, take_work

__all__ = [
    "agents_without_newest_key",
    "ask_for_new_key",
    "attempt_under_lease",
    "check_epoch",
    "check_still_in_force",
    "create_enrolment_code",
    "enrol",
    "fresh_inputs",
    "input_at_address",
    "input_of",
    "introduce_key",
    "list_artefacts",
    "note_message",
    "note_portal_key",
    "note_refusal",
    "open_session",
    "prune_messages",
    "receive_chunk",
    "replace_by",
    "report_models",
    "revoke_agent",
    "revoke_key",
    "revoke_own_key",
    "store_tokenizer",
    "suspicious",
    "take_reports",
    "take_work",
    "write_down_refusal",
]
