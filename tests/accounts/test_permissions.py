"""Who may do what: the table of roles against the services, and the walls between organisations."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.urls import URLPattern, reverse

from accounts import services, urls
from accounts.models import AccountYear, RoleGrant
from accounts.permissions import forget_grants, may
from accounts.roles import ORGANISATION_ROLES, PERMISSIONS, SITE_ROLES, Action, Role, roles_that_may
from accounts.state_aid.services import assess_grant, declare_aid
from portal.kernel.clock import now, today
from portal.kernel.errors import DomainError, NotAllowed
from tests.accounts.size.rows import SizeRows
from tests.accounts.state_aid.duties.rows import DutyRows
from tests.accounts.state_aid.services.rows import STAFF_ONLY as GROUP_STAFF_ONLY
from tests.accounts.state_aid.services.rows import GroupRows
from tests.factories import grant, make_organisation, make_site, make_user, with_second_factor

pytestmark = pytest.mark.django_db


def holder(role, organisation, site_slug="lumi"):
    """Somebody who holds just that role."""
    somebody = make_user()
    grant(
        somebody,
        role,
        organisation=organisation if role in ORGANISATION_ROLES else None,
        site_slug=site_slug if role in SITE_ROLES else "",
    )
    return somebody


# One service for each action of this app: what it takes beyond the actor and the organisation.
VERBS = {
    "edit_organisation": (
        Action.EDIT_ORGANISATION,
        lambda actor, org: services.edit_organisation(actor=actor, organisation=org, city="Elsewhere"),
    ),
    "record_account_year": (
        Action.EDIT_ORGANISATION,
        lambda actor, org: services.record_account_year(
            actor=actor, organisation=org, year_end=date(2025, 12, 31), headcount_awu=Decimal(1),
            turnover_eur=Decimal(1), balance_sheet_eur=Decimal(1), basis="approved", on=today(),
        ),
    ),
    "forget_account_year": (
        Action.EDIT_ORGANISATION,
        lambda actor, org: services.forget_account_year(actor=actor, organisation=org, year=a_year(org)),
    ),
    "switch_organisation": (
        Action.VIEW_ORGANISATION,
        lambda actor, org: services.switch_organisation(actor=actor, organisation=org),
    ),
    "invite": (
        Action.MANAGE_TEAM,
        lambda actor, org: services.invite(
            actor=actor, organisation=org, email="new@example.eu", role=Role.MEMBER, at=now()
        ),
    ),
    "change_role": (
        Action.MANAGE_TEAM,
        lambda actor, org: services.change_role(
            actor=actor, organisation=org, person=colleague(org), role=Role.OWNER
        ),
    ),
    "remove_person": (
        Action.MANAGE_TEAM,
        lambda actor, org: services.remove_person(actor=actor, organisation=org, person=colleague(org)),
    ),
    "declare_size": (
        Action.DECLARE,
        lambda actor, org: a_year(org) and services.declare_size(
            actor=actor, organisation=org, autonomous=True, on=today()
        ),
    ),
    "declare_aid": (
        Action.DECLARE,
        lambda actor, org: declare_aid(organisation=org, items=[], actor=actor, on=today()),
    ),
    "grant_portal_role": (
        Action.MANAGE_ROLES,
        lambda actor, org: services.grant_portal_role(actor=actor, user=make_user(), role=Role.AUDITOR),
    ),
    "revoke_portal_role": (
        Action.MANAGE_ROLES,
        lambda actor, org: services.revoke_portal_role(actor=actor, grant=grant(make_user(), Role.AUDITOR)),
    ),
}  # fmt: skip


def a_year(organisation):
    return AccountYear.objects.get_or_create(
        organisation=organisation,
        year_end=date(2025, 12, 31),
        defaults={"headcount_awu": 1, "turnover_eur": 1, "balance_sheet_eur": 1, "basis": "approved"},
    )[0]


def colleague(organisation):
    somebody = make_user()
    grant(somebody, Role.MEMBER, organisation=organisation)
    return somebody


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("verb", VERBS)
def test_a_service_obeys_the_table_of_roles(verb, role):
    action, act = VERBS[verb]
    organisation = make_organisation(owner=make_user())
    actor = holder(role, organisation)
    if action in PERMISSIONS[role]:
        act(actor, organisation)
    else:
        with pytest.raises(NotAllowed):
            act(actor, organisation)


@pytest.mark.parametrize("verb", [verb for verb, (action, _act) in VERBS.items() if action != Action.MANAGE_ROLES])
def test_an_owner_has_no_say_in_another_organisation(verb, stranger, organisation):
    with pytest.raises(NotAllowed):
        VERBS[verb][1](stranger, organisation)


@pytest.mark.parametrize("action", Action)
def test_every_action_belongs_to_somebody(action):
    assert roles_that_may(action)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_a_role_counts_in_its_own_scope_only(role, action):
    organisation, other = make_organisation(), make_organisation()
    actor = holder(role, organisation, site_slug="lumi")
    listed = action in PERMISSIONS[role]
    everywhere = role not in ORGANISATION_ROLES | SITE_ROLES
    assert may(actor, action, organisation=organisation, site_slug="lumi") == listed
    assert may(actor, action, organisation=other, site_slug="leonardo") == (listed and everywhere)


def test_a_grant_taken_away_counts_no_longer(owner, organisation):
    assert may(owner, Action.DECLARE, organisation=organisation)
    RoleGrant.objects.filter(user=owner).delete()
    forget_grants(owner)
    assert not may(owner, Action.DECLARE, organisation=organisation)


def test_the_last_administrator_stays():
    first, second = make_user(), make_user()
    one, two = grant(first, Role.ADMINISTRATOR), grant(second, Role.ADMINISTRATOR)
    services.revoke_portal_role(actor=first, grant=two)
    with pytest.raises(DomainError, match=r"^last_administrator:"):
        services.revoke_portal_role(actor=first, grant=one)


def test_the_operator_appoints_the_first_administrator_only():
    first, second = make_user(), make_user()
    call_command("appoint_administrator", first.email)
    assert may(first, Action.MANAGE_ROLES)
    with pytest.raises(CommandError, match="already"):
        call_command("appoint_administrator", second.email)
    with pytest.raises(CommandError, match="Sign up"):
        call_command("appoint_administrator", "nobody@example.eu")


def test_an_officer_is_named_for_a_site_that_exists(signed_in):
    make_site(slug="lumi", name="LUMI")
    client = signed_in(with_second_factor(holder(Role.ADMINISTRATOR, None)))
    somebody = make_user()
    for site, grants in (("nowhere", 0), ("", 0), ("lumi", 1)):
        client.post(reverse("accounts:roles"), {"email": somebody.email, "role": "helpdesk", "site_slug": site})
        assert somebody.role_grants.count() == grants
    client.post(reverse("accounts:role_revoke", args=[somebody.role_grants.get().pk]))
    assert not somebody.role_grants.exists()


@pytest.mark.parametrize(
    ("role", "site", "code"),
    [
        (Role.HELPDESK, "", "site_slug"),
        (Role.AUDITOR, "lumi", "site_slug"),
        (Role.OWNER, "", "role"),
        ("king", "", "role"),
    ],
)
def test_a_portal_role_needs_its_scope(role, site, code):
    administrator = holder(Role.ADMINISTRATOR, None)
    with pytest.raises(DomainError, match=f"^{code}:"):
        services.grant_portal_role(actor=administrator, user=make_user(), role=role, site_slug=site)


def test_giving_a_role_twice_gives_it_once():
    administrator, somebody = holder(Role.ADMINISTRATOR, None), make_user()
    for _time in range(2):
        services.grant_portal_role(actor=administrator, user=somebody, role=Role.HELPDESK, site_slug="lumi")
    assert somebody.role_grants.count() == 1


# ---- the walls between organisations -------------------------------------------------------------------------------


def size_ids(organisation, owner):
    """An id for every address about a company's size."""
    owned = SizeRows(organisation, owner)
    return {
        "party": owned.party.pk, "party_remove": owned.party.pk, "party_year_remove": owned.year.pk,
        "holding": owned.holding.pk, "holding_remove": owned.holding.pk, "evidence_file": owned.paper.pk,
        "evidence_remove": owned.paper.pk, "size_statement": owned.statement.pk,
        "size_statement_file": owned.statement.pk, "size_review": owned.statement.pk,
    }  # fmt: skip


def duty_ids(organisation):
    """An id for every address about duties, letters, register files and requests for information."""
    rows = DutyRows(organisation)
    return {
        **dict.fromkeys(("duty", "duty_done", "duty_cancel"), rows.duty.pk),
        **dict.fromkeys(("letter_file", "letter_language"), rows.letter.pk),
        **dict.fromkeys(("request", "request_answer", "request_bundle_zip"), rows.request.pk),
        "export_file": rows.export.pk,
    }


def ids_of(organisation, owner):
    """An id of the organisation's own for every address of this app that takes one."""
    invitation, _token = services.invite(
        actor=owner, organisation=organisation, email="new@example.eu", role=Role.MEMBER, at=now()
    )
    notice = services.notify(user=owner, kind="test", title="t", organisation=organisation)
    return {
        "member": colleague(organisation).pk,
        "invitation_withdraw": invitation.pk,
        "company_facts_remove": a_year(organisation).pk,
        "notification": notice.pk,
        # The link of an invitation is opened by whoever holds it; what it gives is tested with the team.
        "invitation": None,
        # For auditors and administrators, who are no party; others get 403 whatever the id.
        "aid_assessment": assess_grant(
            organisation=organisation, site_state="LU", authority="", origin="union_share", amount_eur=Decimal(1),
            on=today(),
        ).pk,
        "role_revoke": grant(make_user(), Role.AUDITOR).pk,
        **size_ids(organisation, owner),
        **GroupRows(organisation).ids(),
        **duty_ids(organisation),
    }  # fmt: skip


STAFF_ONLY = {"aid_assessment", "role_revoke", *GROUP_STAFF_ONLY}
# Addresses that answer no POST, whoever asks.
READ_ONLY = {
    "evidence_file", "size_statement", "size_statement_file", "letter_file", "export_file", "request_bundle_zip",
    "request",
}  # fmt: skip


def addresses_with_ids():
    return [one.name for one in urls.urlpatterns if isinstance(one, URLPattern) and one.pattern.converters]


@pytest.mark.parametrize("name", addresses_with_ids())
@pytest.mark.parametrize("method", ["get", "post"])
def test_another_organisations_id_is_not_found(name, method, signed_in, owner, organisation, stranger):
    pk = ids_of(organisation, owner)[name]
    if pk is None:
        return
    answer = getattr(signed_in(stranger), method)(reverse(f"accounts:{name}", args=[pk]))
    if name in STAFF_ONLY:
        assert answer.status_code in {403, 405}
    else:
        closed = answer.status_code == 405 and (method == "get" or name in READ_ONLY)
        assert answer.status_code == 404 or closed


def test_switching_to_somebody_elses_organisation_is_not_found(signed_in, organisation, stranger):
    client = signed_in(stranger)
    for value in (str(organisation.pk), str(UUID(int=0)), "", "x' OR 1=1"):
        assert client.post(reverse("accounts:switch"), {"organisation": value}).status_code == 404


@pytest.mark.parametrize("name", ["roles", "audit", "aid_ledger", "administration"])
def test_staff_pages_are_closed_to_owners(name, signed_in, owner, organisation):
    assert signed_in(owner).get(reverse(f"accounts:{name}")).status_code == 403


def test_staff_pages_open_by_role(signed_in):
    administrator = with_second_factor(holder(Role.ADMINISTRATOR, None))
    client = signed_in(administrator)
    opened = {name: client.get(reverse(f"accounts:{name}")).status_code for name in ("roles", "audit", "aid_ledger")}
    assert opened == {"roles": 200, "audit": 200, "aid_ledger": 403}


def test_a_member_reads_but_does_not_sign(signed_in, member):
    client = signed_in(member)
    assert client.get(reverse("accounts:company_facts")).status_code == 200
    assert client.get(reverse("accounts:aid")).status_code == 200
    assert client.get(reverse("accounts:aid_declare")).status_code == 403
    assert client.get(reverse("accounts:organisation_edit")).status_code == 403
    assert client.post(reverse("accounts:team"), {"email": "x@example.eu", "role": "owner"}).status_code == 403
    signing = {"name": "Max Member", "position": "Weaver", "confirmed": "on"}
    assert client.post(reverse("accounts:size_check"), signing).status_code in {403, 422}
    assert not member.role_grants.get().organisation.sme_assessments.exists()
