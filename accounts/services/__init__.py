"""What can be done to people and organisations. One module a subject; other apps import from here."""

from accounts.notices import mark_read, notify, send_notice
from accounts.services.organisations import create_organisation, edit_organisation, switch_organisation
from accounts.services.people import update_profile
from accounts.services.portal_roles import appoint_first_administrator, grant_portal_role, revoke_portal_role
from accounts.services.size import (
    declare_size,
    forget_account_year,
    record_account_year,
)
from accounts.services.team import (
    accept_invitation,
    change_role,
    find_invitation,
    invite,
    remove_person,
    revoke_invitation,
)
from accounts.size_in_force import assessment_in_force, latest_assessment

__all__ = [
    "accept_invitation",
    "appoint_first_administrator",
    "assessment_in_force",
    "change_role",
    "create_organisation",
    "declare_size",
    "edit_organisation",
    "find_invitation",
    "forget_account_year",
    "grant_portal_role",
    "invite",
    "latest_assessment",
    "mark_read",
    "notify",
    "record_account_year",
    "remove_person",
    "revoke_invitation",
    "revoke_portal_role",
    "send_notice",
    "switch_organisation",
    "update_profile",
]
