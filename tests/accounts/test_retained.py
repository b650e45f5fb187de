"""Erasure and the ten years: what goes, what stays, what loses the name, and that the person is told why."""

import json
from datetime import date, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts import erasure
from accounts.models import (
    AidAssessment,
    AidAward,
    AidDeclaration,
    AidLetter,
    ControlStatement,
    Evidence,
    Holding,
    OwnershipStatement,
    Party,
    SizeReview,
    SmeAssessment,
    UndertakingEvent,
)
from accounts.retained import AID_RECORD_YEARS, KEPT, forget_working_papers, kept_until
from accounts.roles import Role
from portal.kernel.clock import now, today
from tests.accounts.state_aid.ledger.scene import award, company
from tests.factories import grant, make_partition, make_rate, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def firm():
    """A company with everything a person can leave behind."""
    organisation, owner = company()
    ours = Party.objects.create(organisation=organisation, is_self=True, name=organisation.legal_name)
    person = Party.objects.create(organisation=organisation, kind="person", name="Pia Privat")
    Holding.objects.create(organisation=organisation, owner=person, owned=ours, capital=60, votes=60)
    OwnershipStatement.objects.create(organisation=organisation, answers={"alone": "no"})
    signed = SmeAssessment.objects.create(
        organisation=organisation, size_class="small", rule_version="test", trace={"owners": ["Pia Privat"]},
        declared_autonomous=False, declared_by=owner, declared_on=today(),
        signature={"name": "Olga Owner", "position": "Director"},
    )  # fmt: skip
    paper(organisation, owner, "signed.pdf", assessment=signed)
    paper(organisation, owner, "draft.pdf")
    SizeReview.objects.create(
        assessment=signed, size_class="small", reason="Seen.", decided_by=owner, decided_on=today()
    )
    ControlStatement.objects.create(
        organisation=organisation, controller="vat:DK1", controller_name="Mother", controlled=f"org:{organisation.pk}",
        controlled_name="Us", valid_from=today(), stated_by=owner,
    )  # fmt: skip
    award(organisation, "1100")
    return organisation, owner


def paper(organisation, owner, name, **fields):
    row = Evidence(
        organisation=organisation, subject="accounts", title=name, filename=name, media_type="application/pdf", bytes=4,
        sha256="0" * 64, uploaded_by=owner, **fields,
    )  # fmt: skip
    row.file.save(name, ContentFile(b"%PDF"), save=False)
    row.save()
    return row


def test_the_export_names_everything_signed_handed_in_stated_and_decided(firm):
    _organisation, owner = firm
    data = json.loads(json.dumps(erasure.export_person(owner)))
    assert data["signed_size_declarations"][0]["signature"]["position"] == "Director"
    assert {one["file"]: one["signed"] for one in data["papers_handed_in"]} == {"signed.pdf": True, "draft.pdf": False}
    assert data["size_reviews_decided"][0]["reason"] == "Seen."
    assert data["group_statements"][0]["controller"] == "Mother"
    assert {one["years"] for one in data["kept_after_deletion"]} == {AID_RECORD_YEARS}


def test_the_export_names_rates_that_a_person_decided():
    user = make_user()
    make_rate(make_partition(rate=None), decided_by=user)
    assert erasure.export_person(user)["rates"][0]["role"] == "decided"


def test_aid_records_and_what_proves_them_outlive_the_account(firm):
    organisation, owner = firm
    erasure.erase_person(actor=owner, person=owner, at=now())
    assert AidAward.objects.filter(organisation=organisation).count() == 2
    assert AidAssessment.objects.count() == AidDeclaration.objects.count() == 1
    signed = SmeAssessment.objects.get(signature__name="Olga Owner")
    assert signed.trace == {"owners": ["Pia Privat"]}
    assert signed.evidence.get().filename == "signed.pdf"
    assert signed.reviews.get().decided_by == owner
    assert ControlStatement.objects.get().stated_by == owner
    owner.refresh_from_db()
    assert owner.full_name == ""


def test_working_papers_go_with_the_last_person(firm, django_capture_on_commit_callbacks):
    organisation, owner = firm
    draft = Evidence.objects.get(filename="draft.pdf")
    storage, name = draft.file.storage, draft.file.name
    with django_capture_on_commit_callbacks(execute=True):
        erasure.erase_person(actor=owner, person=owner, at=now())
    assert not Party.objects.filter(organisation=organisation).exists()
    assert not Holding.objects.exists() and not OwnershipStatement.objects.exists()
    assert [one.filename for one in Evidence.objects.all()] == ["signed.pdf"]
    assert not storage.exists(name)


def test_working_papers_stay_while_somebody_else_works_there(firm):
    organisation, owner = firm
    grant(make_user(), Role.OWNER, organisation=organisation)
    erasure.erase_person(actor=owner, person=owner, at=now())
    assert Party.objects.filter(organisation=organisation).count() == 2
    assert Evidence.objects.count() == 2


def test_a_paper_that_an_event_cites_stays(firm):
    organisation, owner = firm
    draft = Evidence.objects.get(filename="draft.pdf")
    UndertakingEvent.objects.create(organisation=organisation, kind="merger", on=today(), evidence=draft)
    forget_working_papers(owner)
    assert Evidence.objects.filter(pk=draft.pk).exists()


def test_the_page_for_deleting_says_what_stays_for_how_long_and_why(client, firm):
    _organisation, owner = firm
    client.force_login(owner)
    client.post(reverse("account_reauthenticate"), {"password": "correct-horse-battery"})
    text = client.get(reverse("accounts:profile_delete")).content.decode()
    for kept in KEPT:
        assert str(kept.what) in unescape(text)
    assert "10 years from the grant" in text and "Article 17(3)(b)" in text


@pytest.mark.parametrize("model", [AidAward, AidAssessment, AidDeclaration])
def test_the_database_refuses_to_delete_an_aid_record(firm, model):
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.all().delete()


def test_the_database_refuses_to_delete_a_letter(firm):
    organisation, _owner = firm
    AidLetter.objects.create(
        award=AidAward.objects.first().award, organisation=organisation, kind="notice", language="en", content={},
        sha256="0" * 64,
    )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        AidLetter.objects.all().delete()


@pytest.mark.parametrize(
    ("granted", "until"), [(date(2026, 11, 21), date(2036, 11, 21)), (date(2028, 2, 29), date(2038, 2, 28))]
)
def test_a_record_is_kept_ten_years_from_the_grant(granted, until):
    assert kept_until(granted) == until


def test_amounts_survive_to_the_cent(firm):
    organisation, owner = firm
    erasure.erase_person(actor=owner, person=owner, at=now() + timedelta(days=1))
    assert sum(row.amount_eur for row in organisation.aid_awards.all()) == Decimal("1100.00")
