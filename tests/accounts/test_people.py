"""Notices, profile, taking one's data along, leaving, and the people to try the portal with."""

import json
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.urls import reverse

from accounts import checks, erasure
from accounts.demonstration import (
    DAUGHTER_NAME,
    DEMONSTRATION_PASSWORD,
    ORGANISATION_NAME,
    PARENT_NAME,
    PEOPLE,
    create_demonstration_people,
)
from accounts.models import AidDeclaration, AuditEvent, Notification, Organisation, OutboxMessage, User
from accounts.notices import unsent
from accounts.roles import Role
from accounts.selectors import unread_count
from accounts.services import latest_assessment, notify, send_notice
from accounts.state_aid.services import declare_aid, headrooms
from accounts.tasks import sweep
from portal.kernel.clock import now, today
from portal.kernel.errors import DomainError
from tests.factories import grant, make_organisation, make_user, with_second_factor

pytestmark = pytest.mark.django_db


# ---- notices -------------------------------------------------------------------------------------------------------


def test_a_notice_is_followed_and_read(signed_in, owner, organisation):
    notice = notify(user=owner, kind="decision", title="Decided", path=reverse("accounts:team"))
    client = signed_in(owner)
    assert unread_count(owner) == 1
    assert client.get(reverse("accounts:notification", args=[notice.pk])).url == reverse("accounts:team")
    assert unread_count(owner) == 0


def test_a_notice_never_leads_out_of_the_portal(signed_in, owner):
    notice = notify(user=owner, kind="decision", title="Decided", path="//evil.example/")
    answer = signed_in(owner).get(reverse("accounts:notification", args=[notice.pk]))
    assert answer.url == reverse("accounts:notifications")


def test_all_notices_are_read_at_once_but_only_ones_own(signed_in, owner):
    other = make_user()
    for person in (owner, owner, other):
        notify(user=person, kind="k", title="t")
    signed_in(owner).post(reverse("accounts:notifications_read"))
    assert (unread_count(owner), unread_count(other)) == (0, 1)


def test_the_frame_shows_the_unread_count(signed_in, owner, organisation):
    notify(user=owner, kind="k", title="t")
    assert signed_in(owner).get(reverse("accounts:team")).context["frame"].visitor.unread == 1


def test_an_e_mail_of_a_notice_is_sent_once(owner, settings):
    settings.EMAIL_BACKEND = "accounts.outbox.OutboxBackend"
    notify(user=owner, kind="k", title="Decided", body="Yes", path="/jobs/", email=True)
    notify(user=owner, kind="k", title="Only here")
    sweep()
    sweep()
    message = OutboxMessage.objects.get()
    assert (message.to, message.subject) == (owner.email, "Decided")
    assert f"{settings.BASE_URL}/jobs/" in message.body


def test_a_mail_server_that_is_away_is_asked_again(owner, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", 1
    notice = notify(user=owner, kind="k", title="Decided", email=True)
    assert not send_notice(notice_id=notice.pk, at=now())
    assert unsent(at=now()) == [notice.pk]
    settings.EMAIL_BACKEND = "accounts.outbox.OutboxBackend"
    assert send_notice(notice_id=notice.pk, at=now())


def test_e_mails_of_yesterday_are_not_worth_sending(owner):
    notify(user=owner, kind="k", title="Decided", email=True)
    assert unsent(at=now() + timedelta(days=2)) == []


# ---- profile -------------------------------------------------------------------------------------------------------


def test_profile_is_saved(signed_in, owner):
    data = {"full_name": " Olga O. ", "language": "en", "time_zone": "Europe/Helsinki"}
    signed_in(owner).post(reverse("accounts:profile"), data)
    owner.refresh_from_db()
    assert (owner.full_name, owner.time_zone) == ("Olga O.", "Europe/Helsinki")


def test_times_are_shown_in_the_persons_zone(signed_in, owner):
    User.objects.filter(pk=owner.pk).update(time_zone="Asia/Tokyo")
    notice = notify(user=owner, kind="k", title="t")
    Notification.objects.filter(pk=notice.pk).update(created_at="2026-11-21T20:00:00Z")
    shown = signed_in(owner).get(reverse("accounts:notifications")).content.decode()
    assert re.search(r"22 November 2026\D+0?5:00", shown)


def test_an_unknown_time_zone_in_the_row_breaks_no_page(signed_in, owner):
    User.objects.filter(pk=owner.pk).update(time_zone="Europe/Atlantis")
    assert signed_in(owner).get(reverse("accounts:profile")).status_code == 200


# ---- leaving -------------------------------------------------------------------------------------------------------


def complete(person):
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    with_second_factor(person)
    notify(user=person, kind="k", title="A private word")
    return person


def test_the_export_holds_what_we_keep_and_is_json(owner, organisation):
    declare_aid(organisation=organisation, items=[], actor=complete(owner), on=today())
    data = json.loads(json.dumps(erasure.export_person(owner)))
    assert data["person"]["email"] == owner.email
    assert data["roles"][0]["organisation"] == str(organisation)
    assert data["notices"][0]["title"] == "A private word"
    assert len(data["signed_aid_declarations"]) == len(data["recorded_acts"]) == 1
    assert "secret" not in json.dumps(data)


def test_erasing_removes_the_person_and_leaves_what_they_signed(owner, organisation):
    declare_aid(organisation=organisation, items=[], actor=complete(owner), on=today())
    name, address = owner.full_name, owner.email
    erasure.erase_person(actor=owner, person=owner, at=now())
    owner.refresh_from_db()
    assert not owner.is_active
    assert not owner.has_usable_password()
    assert name not in str(owner.__dict__)
    assert address not in str(owner.__dict__)
    assert AidDeclaration.objects.get().signed_by == owner
    for model in (EmailAddress, Authenticator, Notification):
        assert not model.objects.filter(user=owner).exists()
    assert not owner.role_grants.exists()
    assert AuditEvent.objects.filter(action="person.erased", actor=owner).exists()


def test_the_last_owner_among_others_cannot_leave(owner, organisation, member):
    with pytest.raises(DomainError, match=r"^cannot_leave:"):
        erasure.erase_person(actor=owner, person=owner, at=now())
    assert User.objects.get(pk=owner.pk).is_active


def test_the_only_administrator_cannot_leave():
    administrator = make_user()
    grant(administrator, Role.ADMINISTRATOR)
    with pytest.raises(DomainError, match=r"^cannot_leave:"):
        erasure.erase_person(actor=administrator, person=administrator, at=now())


def test_other_apps_add_their_part(owner, monkeypatch):
    monkeypatch.setattr(erasure, "_parts", {})
    erased = []
    erasure.register(erasure.Part("drafts", export=lambda person: ["a draft"], erase=erased.append))
    assert erasure.export_person(owner)["drafts"] == ["a draft"]
    erasure.erase_person(actor=owner, person=owner, at=now())
    assert erased == [owner]


def test_leaving_on_the_page_asks_for_the_password_again(client, settings):
    person = complete(make_user(password="weaving-looms-by-night"))
    Authenticator.objects.filter(user=person).delete()
    client.force_login(person)
    page = reverse("accounts:profile_delete")
    assert client.post(page, {"understood": "on"}).url.startswith(reverse("account_reauthenticate"))
    client.post(reverse("account_reauthenticate"), {"password": "weaving-looms-by-night"})
    assert b"Article 17(3)(b)" in client.get(page).content
    assert client.post(page, {"understood": "on"}).url == reverse("home")
    assert not User.objects.get(pk=person.pk).is_active
    assert "_auth_user_id" not in client.session


# ---- people to try the portal with ---------------------------------------------------------------------------------


def test_demonstration_people_are_made_once_with_everything_a_grant_needs(settings):
    settings.EMBEDDED = True
    for _time in range(2):
        people = create_demonstration_people(site_slug="here", at=now())
    assert people == PEOPLE
    assert User.objects.filter(is_demonstration=True).count() == len(PEOPLE)
    organisation = Organisation.objects.get(legal_name=ORGANISATION_NAME)
    assert latest_assessment(organisation).is_sme
    assert organisation.aid_declarations.exists()
    assert organisation.role_grants.count() == 2


def test_the_demonstration_group_is_one_undertaking_with_earlier_support(settings):
    settings.EMBEDDED = True
    create_demonstration_people(site_slug="here", at=now())
    daughter = Organisation.objects.get(legal_name=DAUGHTER_NAME)
    account = headrooms(organisation=daughter, on=now().date())[0]
    assert [member.name for member in account.members] == [DAUGHTER_NAME, PARENT_NAME]
    assert (account.state, account.used) == ("LU", Decimal("115000.00"))
    assert daughter.is_demonstration


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.email)
def test_a_demonstration_person_signs_in_with_the_published_password(person, client, settings):
    settings.EMBEDDED = True
    create_demonstration_people(site_slug="here", at=now())
    client.post(reverse("account_login"), {"login": person.email, "password": DEMONSTRATION_PASSWORD})
    assert b"published" in client.get(reverse("accounts:profile")).content


def test_demonstration_people_exist_in_the_embedded_mode_only(settings):
    settings.EMBEDDED = False
    with pytest.raises(ImproperlyConfigured):
        create_demonstration_people(site_slug="here", at=now())


def test_the_portal_refuses_to_start_elsewhere_while_they_exist(settings, capsys):
    settings.EMBEDDED = True
    create_demonstration_people(site_slug="here", at=now())
    checks.refuse_demonstration()
    settings.EMBEDDED = False
    with pytest.raises(ImproperlyConfigured, match="remove_demonstration"):
        checks.refuse_demonstration()
    assert [error.id for error in checks.no_demonstration_accounts(None)] == ["accounts.E001"]
    call_command("remove_demonstration")
    checks.refuse_demonstration()
    assert checks.no_demonstration_accounts(None) == []


def test_e_mails_must_go_somewhere_outside_the_embedded_mode(settings):
    settings.EMAIL_BACKEND = checks.OUTBOX
    settings.EMBEDDED = True
    assert checks.e_mails_are_sent(None) == []
    settings.EMBEDDED = False
    assert [error.id for error in checks.e_mails_are_sent(None)] == ["accounts.E002"]


# ---- audit ---------------------------------------------------------------------------------------------------------


def events_on(client, **query):
    return [event.action for event in client.get(reverse("accounts:audit"), query).context["page_obj"]]


def test_the_audit_record_is_searched(signed_in, owner, organisation):
    declare_aid(organisation=organisation, items=[], actor=owner, on=today())
    other = make_organisation(owner=make_user())
    declare_aid(organisation=other, items=[], actor=other.role_grants.get().user, on=today())
    auditor = make_user()
    grant(auditor, Role.AUDITOR)
    client = signed_in(auditor)
    assert len(events_on(client)) == 2
    assert len(events_on(client, q="aid.")) == 2
    assert events_on(client, q=owner.email) == ["aid.declared"]
    assert events_on(client, q=str(organisation.pk)) == ["aid.declared"]
    assert events_on(client, q="nothing") == []
    tomorrow = (today() + timedelta(days=1)).isoformat()
    assert events_on(client, since=tomorrow) == []
    assert len(events_on(client, until=today().isoformat())) == 2
    assert len(events_on(client, since="not a day")) == 2
