"""Who works for an organisation: invitations, roles and leaving, also when two people click at once."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import AuditEvent, Invitation, OutboxMessage, RoleGrant
from accounts.roles import Role
from accounts.services import accept_invitation, change_role, find_invitation, invite, remove_person, revoke_invitation
from portal.kernel.clock import now
from portal.kernel.errors import DomainError, NotAllowed
from tests.accounts.together import outcomes, together
from tests.factories import grant, make_organisation, make_user

pytestmark = pytest.mark.django_db


def with_address(person):
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


def invited(owner, organisation, email="nora@example.eu", role=Role.MEMBER):
    return invite(actor=owner, organisation=organisation, email=email, role=role, at=now())


def refused(code):
    return pytest.raises(DomainError, match=f"^{code}:")


def test_only_a_hash_of_the_token_is_stored(owner, organisation):
    invitation, token = invited(owner, organisation)
    assert token not in str(list(Invitation.objects.values()))
    assert find_invitation(token=token, at=now()) == invitation


def test_the_link_is_sent_after_the_commit(owner, organisation, settings, django_capture_on_commit_callbacks):
    settings.EMAIL_BACKEND = "accounts.outbox.OutboxBackend"
    with django_capture_on_commit_callbacks(execute=True):
        _invitation, token = invited(owner, organisation)
    assert token in OutboxMessage.objects.get(to="nora@example.eu").body


def test_a_mail_server_that_is_away_does_not_fail_the_invitation(
    owner, organisation, settings, django_capture_on_commit_callbacks
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", 1
    with django_capture_on_commit_callbacks(execute=True):
        invitation, _token = invited(owner, organisation)
    assert Invitation.objects.filter(pk=invitation.pk).exists()


def test_inviting_twice_leaves_one_link_that_works(owner, organisation):
    _first, old = invited(owner, organisation)
    _second, new = invited(owner, organisation)
    assert find_invitation(token=old, at=now()) is None
    assert find_invitation(token=new, at=now()) is not None


def test_an_invitation_expires(owner, organisation):
    _invitation, token = invited(owner, organisation)
    assert find_invitation(token=token, at=now() + timedelta(days=15)) is None
    with refused("invitation_gone"):
        accept_invitation(
            actor=with_address(make_user(email="nora@example.eu")), token=token, at=now() + timedelta(days=15)
        )


def test_a_withdrawn_invitation_cannot_be_accepted(owner, organisation):
    invitation, token = invited(owner, organisation)
    revoke_invitation(actor=owner, invitation=invitation, at=now())
    with refused("invitation_gone"):
        accept_invitation(actor=with_address(make_user(email="nora@example.eu")), token=token, at=now())


def test_only_a_verified_owner_of_the_address_may_accept(owner, organisation):
    _invitation, token = invited(owner, organisation)
    with refused("invitation_for_somebody_else"):
        accept_invitation(actor=make_user(email="nora@example.eu"), token=token, at=now())


def test_accepting_twice_joins_once(owner, organisation):
    _invitation, token = invited(owner, organisation)
    person = with_address(make_user(email="nora@example.eu"))
    first = accept_invitation(actor=person, token=token, at=now())
    assert accept_invitation(actor=person, token=token, at=now()) == first
    assert AuditEvent.objects.filter(action="team.joined").count() == 1


def test_a_used_invitation_does_not_bring_back_who_was_removed(owner, organisation):
    _invitation, token = invited(owner, organisation)
    person = with_address(make_user(email="nora@example.eu"))
    accept_invitation(actor=person, token=token, at=now())
    remove_person(actor=owner, organisation=organisation, person=person)
    with refused("invitation_gone"):
        accept_invitation(actor=person, token=token, at=now())


def test_a_colleague_cannot_be_invited_again(owner, organisation, member):
    with refused("already_member"):
        invited(owner, organisation, email=member.email.upper())


def test_members_do_not_manage_the_team(organisation, member):
    with pytest.raises(NotAllowed):
        invited(member, organisation)


def test_the_last_owner_stays(owner, organisation, member):
    with refused("last_owner"):
        remove_person(actor=owner, organisation=organisation, person=owner)
    with refused("last_owner"):
        change_role(actor=owner, organisation=organisation, person=owner, role=Role.MEMBER)
    change_role(actor=owner, organisation=organisation, person=member, role=Role.OWNER)
    remove_person(actor=owner, organisation=organisation, person=owner)
    assert not RoleGrant.objects.filter(user=owner).exists()


def test_members_may_leave_by_themselves(organisation, member):
    remove_person(actor=member, organisation=organisation, person=member)
    assert not member.role_grants.exists()


def test_somebody_elses_colleague_is_not_found(owner, organisation, stranger):
    with refused("not_in_team"):
        remove_person(actor=owner, organisation=organisation, person=stranger)


def test_no_portal_role_comes_with_an_invitation(owner, organisation):
    with refused("role"):
        invited(owner, organisation, role=Role.ADMINISTRATOR)


# ---- at once -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_owners_removing_each_other_leave_one():
    first, second = make_user(), make_user()
    organisation = make_organisation(owner=first)
    grant(second, Role.OWNER, organisation=organisation)

    def leave(person):
        return lambda: remove_person(actor=person, organisation=organisation, person=person)

    assert outcomes(together(leave(first), leave(second))) == ["done", "last_owner"]
    assert RoleGrant.objects.filter(organisation=organisation, role=Role.OWNER).count() == 1


@pytest.mark.django_db(transaction=True)
def test_clicking_accept_many_times_at_once_joins_once():
    owner = make_user()
    organisation = make_organisation(owner=owner)
    _invitation, token = invited(owner, organisation)
    person = with_address(make_user(email="nora@example.eu"))

    def accept():
        return accept_invitation(actor=person, token=token, at=now())

    assert outcomes(together(*[accept] * 5)) == ["done"] * 5
    assert person.role_grants.count() == 1


@pytest.mark.django_db(transaction=True)
def test_withdrawing_and_accepting_at_once_ends_in_one_of_the_two():
    owner = make_user()
    organisation = make_organisation(owner=owner)
    invitation, token = invited(owner, organisation)
    person = with_address(make_user(email="nora@example.eu"))
    together(
        lambda: accept_invitation(actor=person, token=token, at=now()),
        lambda: revoke_invitation(actor=owner, invitation=invitation, at=now()),
    )
    invitation.refresh_from_db()
    assert bool(invitation.accepted_at) != bool(invitation.revoked_at)
    assert person.role_grants.exists() == bool(invitation.accepted_at)


@pytest.mark.django_db(transaction=True)
def test_inviting_many_times_at_once_leaves_one_open_invitation():
    owner = make_user()
    organisation = make_organisation(owner=owner)
    together(*[lambda: invited(owner, organisation)] * 5)
    assert organisation.invitations.filter(revoked_at=None).count() == 1


def test_a_transaction_that_fails_sends_nothing(owner, organisation, django_capture_on_commit_callbacks):
    class Stop(Exception):
        pass

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(Stop), transaction.atomic():
        invited(owner, organisation)
        raise Stop
    assert not OutboxMessage.objects.exists()
