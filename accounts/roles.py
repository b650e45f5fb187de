"""The one table of permission: which role may do what. Pages and services ask `accounts.permissions.require`."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """Owner and member belong to an organisation, helpdesk and operator to a site; the others see the whole portal."""

    OWNER = "owner", _("Owner")
    MEMBER = "member", _("Member")
    HELPDESK = "helpdesk", _("Helpdesk officer")
    OPERATOR = "operator", _("Site operator")
    ADMINISTRATOR = "administrator", _("Administrator")
    AUDITOR = "auditor", _("Auditor")


ORGANISATION_ROLES = frozenset({Role.OWNER, Role.MEMBER})
SITE_ROLES = frozenset({Role.HELPDESK, Role.OPERATOR})
PORTAL_ROLES = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})


class Action(models.TextChoices):
    VIEW_ORGANISATION = "view_organisation", _("See the organisation's work")
    EDIT_ORGANISATION = "edit_organisation", _("Change the organisation's details")
    MANAGE_TEAM = "manage_team", _("Invite and remove people")
    DECLARE = "declare", _("Sign declarations for the organisation")
    APPLY = "apply", _("Ask for compute")
    MANAGE_DATA = "manage_data", _("Upload and delete data")
    SUBMIT_JOB = "submit_job", _("Start and stop fine-tuning jobs")
    DOWNLOAD_RESULT = "download_result", _("Download finished models")
    REVIEW_APPLICATION = "review_application", _("Decide requests for compute")
    REVIEW_SIZE = "review_size", _("Decide the size of a company where the rules ask for a person")
    OPERATE_SITE = "operate_site", _("Look after a site's agents, keys and usage")
    MANAGE_SITES = "manage_sites", _("Manage sites, rates and access modes")
    MANAGE_QUOTAS = "manage_quotas", _("Change allocations")
    MANAGE_ROLES = "manage_roles", _("Give and take roles")
    MANAGE_LAW = "manage_law", _("Enter law, rates and schemes, and confirm groups of companies")
    READ_AUDIT = "read_audit", _("Read the audit record")
    KEEP_REGISTER = "keep_register", _("Enter awards in registers and report them")
    READ_AID_LEDGER = "read_aid_ledger", _("Read every organisation's public support")


_MEMBER = frozenset(
    {
        Action.VIEW_ORGANISATION,
        Action.APPLY,
        Action.MANAGE_DATA,
        Action.SUBMIT_JOB,
        Action.DOWNLOAD_RESULT,
    }
)

PERMISSIONS: dict[Role, frozenset[Action]] = {
    Role.MEMBER: _MEMBER,
    Role.OWNER: _MEMBER | {Action.EDIT_ORGANISATION, Action.MANAGE_TEAM, Action.DECLARE},
    Role.HELPDESK: frozenset({Action.REVIEW_APPLICATION, Action.REVIEW_SIZE, Action.KEEP_REGISTER}),
    Role.OPERATOR: frozenset({Action.OPERATE_SITE}),
    Role.ADMINISTRATOR: frozenset(
        {
            Action.OPERATE_SITE,
            Action.MANAGE_SITES,
            Action.MANAGE_QUOTAS,
            Action.MANAGE_ROLES,
            Action.MANAGE_LAW,
            Action.READ_AUDIT,
            Action.KEEP_REGISTER,
        }
    ),
    Role.AUDITOR: frozenset({Action.READ_AUDIT, Action.READ_AID_LEDGER}),
}


def roles_that_may(action: Action) -> frozenset[Role]:
    """Every role whose row holds that action."""
    return frozenset(role for role, actions in PERMISSIONS.items() if action in actions)
