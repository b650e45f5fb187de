"""What no rule decides: who sees it, who decides it, and what follows."""

import pytest
from django.urls import reverse

from accounts.models import AuditEvent, Notification, SizeReview
from accounts.roles import Role
from accounts.selectors import statements_visible_to
from accounts.services import declare_size
from accounts.services.size_reviews import decide_size
from portal.kernel.errors import DomainError, NotAllowed
from tests.accounts.size.conftest import TODAY
from tests.factories import grant, make_user, with_second_factor

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(db):
    somebody = with_second_factor(make_user(full_name="Maija Virtanen"))
    grant(somebody, Role.HELPDESK, site_slug="lumi")
    return somebody


@pytest.fixture
def statement(contested):
    return declare_size(actor=contested.owner, organisation=contested.organisation, on=TODAY)


def decide(officer, statement, size="small", reason="The buyer was itself small; see the register extract."):
    return decide_size(actor=officer, assessment=statement, size_class=size, reason=reason, on=TODAY)


def test_a_contested_change_of_ownership_waits_for_an_officer(statement):
    assert (statement.size_class, statement.is_sme) == ("review", False)


def test_the_officers_answer_is_the_size_that_counts(officer, statement, owner):
    decide(officer, statement)
    statement.refresh_from_db()
    assert (statement.size_class, statement.decided_size, statement.is_sme) == ("review", "small", True)
    notice = Notification.objects.get(user=owner, kind="size_decided")
    assert "Small enterprise" in notice.title and "register extract" in notice.body and notice.by_email
    assert AuditEvent.objects.get(action="size.reviewed").data == {"size": "small"}


def test_deciding_twice_is_one_decision_and_another_one_replaces_it(officer, statement):
    assert decide(officer, statement) == decide(officer, statement)
    decide(officer, statement, size="medium", reason="The register extract shows a second owner.")
    statement.refresh_from_db()
    assert SizeReview.objects.count() == 2
    assert statement.decided_size == "medium"


def test_an_officer_does_not_decide_for_their_own_company(officer, statement):
    grant(officer, Role.MEMBER, organisation=statement.organisation)
    with pytest.raises(NotAllowed, match=r"^own_company:"):
        decide(officer, statement)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
def test_other_staff_decides_nothing(role, statement):
    somebody = with_second_factor(make_user())
    grant(somebody, role)
    with pytest.raises(NotAllowed):
        decide(somebody, statement)


def test_an_owner_does_not_decide_about_the_own_company(owner, statement):
    with pytest.raises(NotAllowed):
        decide(owner, statement)


def test_a_newer_statement_takes_the_place_of_the_old_one(officer, statement, contested):
    contested.answer(changed="no")
    newer = declare_size(actor=contested.owner, organisation=contested.organisation, on=TODAY)
    assert newer.size_class != "review"
    with pytest.raises(DomainError, match=r"^superseded:"):
        decide(officer, statement)


def test_what_the_rules_decided_is_not_an_officers(officer, scene):
    scene.figures(9.5, 3, 1.9)
    scene.answer()
    decided = declare_size(actor=scene.owner, organisation=scene.organisation, on=TODAY)
    with pytest.raises(DomainError, match=r"^not_for_review:"):
        decide(officer, decided)


def test_an_officer_sees_companies_that_asked_for_a_person_and_no_others(officer, statement, stranger):
    other = stranger.role_grants.get().organisation
    other.sme_assessments.create(
        size_class="small",
        rule_version="t",
        trace={},
        declared_autonomous=True,
        declared_by=stranger,
        declared_on=TODAY,
    )
    assert list(statements_visible_to(officer)) == [statement]


def test_the_queue_leads_to_the_page_and_nothing_is_preselected(signed_in, officer, statement):
    client = signed_in(officer)
    assert statement.organisation.legal_name in client.get(reverse("accounts:size_reviews")).content.decode()
    url = reverse("accounts:size_review", args=[statement.pk])
    answer = client.get(url)
    assert answer.context["form"]["size_class"].value() is None
    assert "The law is contested here" in answer.content.decode()
    assert client.post(url, {"size_class": "small"}).status_code == 422
    assert client.post(url, {"size_class": "small", "reason": "Seen."}).url == reverse("accounts:size_reviews")
    assert statement.organisation.legal_name not in client.get(reverse("accounts:size_reviews")).content.decode()
    assert (
        statement.organisation.legal_name
        in client.get(reverse("accounts:size_reviews") + "?decided=1").content.decode()
    )


@pytest.mark.parametrize("who", ["owner", "stranger"])
def test_the_queue_is_not_there_for_companies(who, request, signed_in, statement):
    client = signed_in(request.getfixturevalue(who))
    assert client.get(reverse("accounts:size_reviews")).status_code == 404
    assert client.get(reverse("accounts:size_review", args=[statement.pk])).status_code == 404


def test_an_officer_opens_the_statement_and_its_pdf(signed_in, officer, statement):
    client = signed_in(officer)
    assert client.get(reverse("accounts:size_statement", args=[statement.pk])).status_code == 200
    assert client.get(reverse("accounts:size_statement_file", args=[statement.pk])).content.startswith(b"%PDF-")
