"""From a first visit to an account: address, code from the outbox, password, invitation."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse

from accounts.models import OutboxMessage, User
from accounts.roles import Role
from accounts.services import invite
from portal.kernel.clock import now
from tests.factories import grant, make_user, with_second_factor

pytestmark = pytest.mark.django_db
PASSWORD = "weaving-looms-by-night"


@pytest.fixture(autouse=True)
def readable_outbox(settings):
    settings.EMBEDDED = True
    settings.EMAIL_BACKEND = "accounts.outbox.OutboxBackend"


def code_for(address):
    """What a person reads on the outbox page."""
    body = OutboxMessage.objects.filter(to=address).latest("pk").body
    return re.search(r"^\s*([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})\s*$", body, re.M).group(1)


def sign_up(client, address="nora@example.eu", **data):
    return client.post(
        reverse("account_signup"),
        {"full_name": "Nora Ek", "email": address, "password1": PASSWORD, **data},
        follow=True,
    )


def confirm(client, address):
    return client.post(reverse("account_email_verification_sent"), {"code": code_for(address)}, follow=True)


def test_a_person_signs_up_with_a_code_and_is_led_to_register_the_company(client):
    sign_up(client)
    answer = confirm(client, "nora@example.eu")
    person = User.objects.get(email="nora@example.eu")
    assert person.full_name == "Nora Ek"
    assert EmailAddress.objects.get(user=person).verified
    assert answer.redirect_chain[-1][0] == reverse("accounts:organisation_create")


def test_nobody_is_signed_in_before_the_code(client):
    sign_up(client)
    assert client.get(reverse("accounts:profile")).url.startswith(reverse("account_login"))


def test_the_code_stands_on_the_outbox_page(client):
    sign_up(client)
    assert code_for("nora@example.eu").encode() in client.get(reverse("accounts:outbox")).content


def test_the_email_speaks_of_the_portal_by_name(client):
    sign_up(client)
    assert "Hello from Open PaaS" in OutboxMessage.objects.get().body


def test_a_wrong_code_lets_nobody_in(client):
    sign_up(client)
    client.post(reverse("account_email_verification_sent"), {"code": "ZZZ-ZZZ"})
    assert not EmailAddress.objects.filter(verified=True).exists()


def test_signing_up_with_a_known_address_looks_the_same_and_tells_the_owner_of_the_address(client):
    fresh = sign_up(client, "fresh@example.eu")
    client.logout()
    client.cookies.clear()
    make_user(email="known@example.eu")
    EmailAddress.objects.create(
        user=User.objects.get(email="known@example.eu"), email="known@example.eu", verified=True
    )
    known = sign_up(client, "known@example.eu")
    assert known.redirect_chain == fresh.redirect_chain
    assert known.status_code == fresh.status_code
    secret = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]+"|X-CSRFToken[^}]+|(fresh|known)@example.eu')
    assert secret.sub(b"", known.content) == secret.sub(b"", fresh.content)
    assert User.objects.filter(email="known@example.eu").count() == 1
    assert "already" in OutboxMessage.objects.filter(to="known@example.eu").latest("pk").body


def test_signing_in_by_code(client):
    person = make_user(email="nora@example.eu")
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    client.post(reverse("account_request_login_code"), {"email": person.email})
    client.post(reverse("account_confirm_login_code"), {"code": code_for(person.email)})
    assert client.get(reverse("accounts:profile")).status_code == 200


def test_an_unknown_address_asking_for_a_code_is_not_told_so(client):
    answer = client.post(reverse("account_request_login_code"), {"email": "nobody@example.eu"})
    assert answer.url == reverse("account_confirm_login_code")


def test_signing_in_by_password(client):
    person = make_user(email="nora@example.eu", password=PASSWORD)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    client.post(reverse("account_login"), {"login": "Nora@Example.eu", "password": PASSWORD})
    assert client.get(reverse("accounts:profile")).status_code == 200


@pytest.mark.parametrize(
    "name", ["account_signup_by_passkey", "account_login", "account_signup", "account_reset_password"]
)
def test_the_entrance_pages_answer(client, name):
    assert client.get(reverse(name)).status_code == 200


def test_an_invited_person_signs_up_and_joins(client, owner, organisation):
    _invitation, token = invite(
        actor=owner, organisation=organisation, email="nora@example.eu", role=Role.MEMBER, at=now()
    )
    link = reverse("accounts:invitation", args=[token])
    assert b"Create an account" in client.get(link).content
    sign_up(client)
    answer = confirm(client, "nora@example.eu")
    assert answer.redirect_chain[-1][0] == link
    client.post(link)
    person = User.objects.get(email="nora@example.eu")
    assert person.role_grants.get().organisation == organisation
    assert person.current_organisation == organisation


def test_the_same_invitation_opens_nothing_for_the_next(client, owner, organisation):
    _invitation, token = invite(
        actor=owner, organisation=organisation, email="nora@example.eu", role=Role.MEMBER, at=now()
    )
    client.force_login(make_user(email="eve@example.eu"))
    assert client.post(reverse("accounts:invitation", args=[token])).status_code == 403


# ---- second factor -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "site"), [(Role.HELPDESK, "lumi"), (Role.ADMINISTRATOR, "")])
def test_officers_and_administrators_must_set_up_a_second_factor_first(client, role, site):
    officer = make_user()
    grant(officer, role, site_slug=site)
    client.force_login(officer)
    assert client.get(reverse("accounts:notifications")).url == reverse("mfa_index")
    assert client.get(reverse("mfa_index")).status_code == 200
    with_second_factor(officer)
    assert client.get(reverse("accounts:notifications")).status_code == 200


def test_recovery_codes_alone_are_no_second_factor(client):
    from allauth.mfa.models import Authenticator

    officer = make_user()
    grant(officer, Role.ADMINISTRATOR)
    Authenticator.objects.create(user=officer, type=Authenticator.Type.RECOVERY_CODES, data={})
    client.force_login(officer)
    assert client.get(reverse("accounts:notifications")).url == reverse("mfa_index")


def test_owners_are_asked_but_not_held_up(client, owner, organisation):
    client.force_login(owner)
    assert client.get(reverse("accounts:notifications")).status_code == 200
    assert b"A second step at sign-in" in client.get(reverse("accounts:organisation")).content


def test_demonstration_officers_are_spared_in_the_embedded_mode_only(client, settings):
    officer = make_user(is_demonstration=True)
    grant(officer, Role.HELPDESK, site_slug="lumi")
    client.force_login(officer)
    assert client.get(reverse("accounts:notifications")).status_code == 200
    settings.EMBEDDED = False
    assert client.get(reverse("accounts:notifications")).url.startswith(reverse("account_login"))


def test_demonstration_people_cannot_sign_in_outside_the_embedded_mode(client, settings):
    person = make_user(email="ana@example.eu", password=PASSWORD, is_demonstration=True)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    settings.EMBEDDED = False
    answer = client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD})
    assert answer.status_code == 403
    assert "_auth_user_id" not in client.session
