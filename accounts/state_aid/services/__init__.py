"""What can be done about public support. One module a subject; pages and other apps import from here."""

from accounts.state_aid.services.accounts import Headroom, Member, StateAccount, headroom, headrooms, undertaking_of
from accounts.state_aid.services.awards import adjust_to_use, release_award, reverse_award, standing, threads_of
from accounts.state_aid.services.cases import Project, build_case, start_up_of
from accounts.state_aid.services.declarations import declare_aid
from accounts.state_aid.services.facts import latest_declaration
from accounts.state_aid.services.grants import assess_grant, grant_award, judge_grant, reserve_award
from accounts.state_aid.services.groups import (
    confirm_event,
    confirm_link,
    end_link,
    record_control,
    record_event,
    refuse_link,
    state_link,
    take_back_event,
    waiting_for,
)
from accounts.state_aid.services.law import parameter, units_per_euro
from accounts.state_aid.services.legal import enter_parameter, save_scheme
from accounts.state_aid.services.locks import lock_structure, lock_undertaking
from accounts.state_aid.services.undertakings import Undertaking, read_undertaking

__all__ = [
    "Headroom",
    "Member",
    "Project",
    "StateAccount",
    "Undertaking",
    "adjust_to_use",
    "assess_grant",
    "build_case",
    "confirm_event",
    "confirm_link",
    "declare_aid",
    "end_link",
    "enter_parameter",
    "grant_award",
    "headroom",
    "headrooms",
    "judge_grant",
    "latest_declaration",
    "lock_structure",
    "lock_undertaking",
    "parameter",
    "read_undertaking",
    "record_control",
    "record_event",
    "refuse_link",
    "release_award",
    "reserve_award",
    "reverse_award",
    "save_scheme",
    "standing",
    "start_up_of",
    "state_link",
    "take_back_event",
    "threads_of",
    "undertaking_of",
    "units_per_euro",
    "waiting_for",
]
