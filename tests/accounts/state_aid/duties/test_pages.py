"""The pages of duties, register files, answers, totals and requests, for each who may and may not."""

import io
from datetime import date

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from pypdf import PdfReader

from accounts.models import AidDuty, AidLetter, InformationRequest, RegisterExport
from accounts.state_aid.duties.services import open_duties
from accounts.state_aid.letters.services import issue_open_letters
from accounts.state_aid.threads import thread_of
from tests.accounts.state_aid.duties.rows import DutyRows
from tests.accounts.state_aid.duties.scene import (
    GRANTED,
    make_administrator,
    make_auditor,
    make_award,
    make_officer,
)
from tests.factories import make_organisation, make_user

pytestmark = pytest.mark.django_db
LISTS = ("duties", "register", "references", "yearly", "requests")


@pytest.fixture(autouse=True)
def the_day():
    """A Tuesday, six working days after the grant."""
    with time_machine.travel("2026-12-01 10:00", tick=False) as traveller:
        yield traveller


@pytest.fixture
def owner():
    return make_user(full_name="Olga Owner", language="en")


@pytest.fixture
def rows(owner):
    return DutyRows(make_organisation(owner=owner, legal_name="Kuusamo Systems Oy"))


@pytest.fixture
def as_(client):
    def sign_in(person):
        client.force_login(person)
        return client

    return sign_in


def at(name, *args, **query):
    url = reverse(f"accounts:{name}", args=args)
    return f"{url}?{'&'.join(f'{key}={value}' for key, value in query.items())}" if query else url


@pytest.mark.parametrize("name", LISTS)
def test_officers_administrators_and_auditors_open_every_list(as_, rows, name):
    assert rows.duty
    for somebody in (make_officer("FI"), make_administrator(), make_auditor()):
        assert as_(somebody).get(at(name)).status_code == 200


@pytest.mark.parametrize("name", (*LISTS, "request_new"))
def test_a_companys_people_are_told_that_these_pages_are_not_theirs(as_, owner, rows, name):
    assert as_(owner).get(at(name)).status_code == 403


@pytest.mark.parametrize("name", LISTS)
def test_without_signing_in_there_is_nothing(client, name):
    assert "/account/login/" in client.get(at(name)).url


def test_what_is_overdue_comes_first_and_says_how_late(as_, rows, the_day):
    the_day.move_to("2026-12-22 10:00")
    assert rows.duty
    later = make_award(on=date(2026, 12, 14))
    open_duties(award=later, on=later.granted_on)
    AidDuty.objects.filter(kind="notice").delete()
    page = as_(make_officer("FI")).get(at("duties")).content.decode()
    assert page.index("1 working day late") < page.index("working days left")


def test_an_officer_sees_only_the_duties_of_their_state(as_, rows):
    assert rows.duty
    assert "Kuusamo Systems Oy" in as_(make_officer("FI")).get(at("duties")).content.decode()
    other = as_(make_officer("SE"))
    assert "Kuusamo Systems Oy" not in other.get(at("duties")).content.decode()
    assert other.get(at("duty", rows.duty.pk)).status_code == 404


def test_a_duty_shows_its_law_and_is_closed_by_the_registers_number(as_, rows):
    client = as_(make_officer("FI"))
    page = client.get(at("duty", rows.duty.pk)).content.decode()
    assert "Art 6(1)" in page and "2023/2831" in page and rows.award.reference in page
    answer = client.post(at("duty_done", rows.duty.pk), {"reference": "AIR-1", "done_on": "2026-11-24"})
    assert answer.url == at("duties")
    rows.duty.refresh_from_db()
    assert (rows.duty.state, rows.duty.reference) == ("done", "AIR-1")


def test_a_wrong_day_keeps_what_was_typed(as_, rows):
    client = as_(make_officer("FI"))
    page = client.post(at("duty_done", rows.duty.pk), {"reference": "AIR-77", "done_on": "2026-11-01"}).content.decode()
    assert "AIR-77" in page and "cannot have been done before" in page


def test_a_day_in_the_future_is_refused(as_, rows):
    client = as_(make_officer("FI"))
    page = client.post(at("duty_done", rows.duty.pk), {"reference": "AIR-77", "done_on": "2026-12-02"}).content.decode()
    assert "AIR-77" in page and "lies in the future" in page


def test_closing_without_doing_needs_a_reason(as_, rows):
    client = as_(make_officer("FI"))
    assert client.post(at("duty_cancel", rows.duty.pk), {"note": ""}).status_code == 200
    client.post(at("duty_cancel", rows.duty.pk), {"note": "The ministry enters it"})
    rows.duty.refresh_from_db()
    assert (rows.duty.state, rows.duty.note) == ("cancelled", "The ministry enters it")


def test_an_auditor_looks_and_changes_nothing(as_, rows):
    client = as_(make_auditor())
    page = client.get(at("duty", rows.duty.pk)).content.decode()
    assert "Record that it is done" not in page
    for name, data in (
        ("duty_done", {"reference": "x", "done_on": "2026-11-24"}),
        ("duty_cancel", {"note": "x"}),
    ):
        assert client.post(at(name, rows.duty.pk), data).status_code == 403
    assert client.post(at("request_answer", rows.request.pk)).status_code == 403
    assert client.post(at("yearly_file"), {"state": "FI", "year": "2026", "format": "csv"}).status_code == 403
    form = {"state": "FI", "profile": "eair", "format": "csv"}
    assert client.post(at("register"), form).status_code == 403
    rows.duty.refresh_from_db()
    assert rows.duty.state == "open"


def test_the_register_page_shows_each_line_and_makes_the_file(as_, rows):
    assert rows.duty
    client = as_(make_officer("FI"))
    page = client.get(at("register")).content.decode()
    assert thread_of(rows.award.award).entry in page and "Complete" in page
    answer = client.post(at("register"), {"state": "FI", "profile": "eair", "only_open": "on", "format": "csv"})
    export = RegisterExport.objects.get()
    assert answer.url.endswith(f"#file-{export.pk}")
    file = client.get(at("export_file", export.pk))
    assert file["Content-Type"].startswith("text/csv") and "Kuusamo Systems Oy" in file.content.decode()
    assert file["X-Content-SHA256"] == export.sha256


def test_an_incomplete_line_says_what_it_lacks(as_):
    award = make_award(organisation=make_organisation(nace_code="x"))
    open_duties(award=award, on=GRANTED)
    page = as_(make_officer("FI")).get(at("register")).content.decode()
    assert "1 of 1 lines is not complete" in page and "NACE sector has another form" in page


def test_another_state_cannot_be_chosen_or_downloaded(as_, rows):
    export = rows.export
    client = as_(make_officer("SE"))
    assert client.get(at("export_file", export.pk)).status_code == 404
    page = client.get(at("register", state="FI", profile="eair")).content.decode()
    assert "Kuusamo Systems Oy" not in page


def upload(client, text, state="FI"):
    file = SimpleUploadedFile("answers.csv", text.encode(), content_type="text/csv")
    return client.post(at("references"), {"state": state, "kind": "register", "file": file})


def test_answers_are_recorded_from_a_file(as_, rows):
    assert rows.duty
    entry = thread_of(rows.award.award).entry
    answer = upload(as_(make_officer("FI")), f"entry,reference\n{entry},AIR-5\n")
    assert answer.url == at("duties")
    rows.duty.refresh_from_db()
    assert rows.duty.reference == "AIR-5"


def test_wrong_lines_are_listed_with_their_numbers(as_, rows):
    assert rows.duty
    page = upload(as_(make_officer("FI")), "entry,reference\nNOBODY,AIR-5\n").content.decode()
    assert "Lines to put right" in page and "NOBODY is not waiting for this" in page


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "entry,reference\n"])
def test_a_file_that_is_none_is_refused_beside_its_field(as_, text):
    answer = upload(as_(make_officer("FI")), text)
    assert answer.status_code == 200
    assert answer.context["form"].errors["file"]


def test_the_years_totals_are_shown_and_made_into_a_file(as_, rows):
    assert rows.duty
    client = as_(make_officer("FI"))
    page = client.get(at("yearly", state="FI", year=2026)).content.decode()
    assert "€110,000.00" in page and "62" in page
    answer = client.post(at("yearly_file"), {"state": "FI", "year": "2026", "format": "xlsx"})
    export = RegisterExport.objects.get(profile="yearly")
    assert answer.url == at("export_file", export.pk)
    assert client.get(answer.url).content.startswith(b"PK")


def test_a_request_is_recorded_looked_at_and_answered(as_, rows):
    assert rows.duty
    client = as_(make_officer("FI"))
    form = {
        "reference": "COMP/2026/9", "asked_by": "European Commission", "question": "All awards.",
        "received_on": "2026-12-01", "state": "FI", "organisations": [str(rows.organisation.pk)],
    }  # fmt: skip
    client.post(at("request_new"), form)
    asked = InformationRequest.objects.get()
    assert asked.scope == {"organisations": [str(rows.organisation.pk)]}
    assert client.get(at("request_bundle_zip", asked.pk)).content.startswith(b"PK")
    client.post(at("request_answer", asked.pk))
    asked.refresh_from_db()
    assert asked.answered_on == date(2026, 12, 1)
    sent = b"".join(client.get(at("request_bundle_zip", asked.pk)).streaming_content)
    assert sent.startswith(b"PK")
    assert asked.sha256 in client.get(at("request", asked.pk)).content.decode()


def test_what_was_typed_about_a_request_is_kept_when_it_is_refused(as_, rows):
    form = {
        "reference": rows.request.reference, "asked_by": "European Commission", "question": "A long question.",
        "received_on": "2026-11-20", "state": "FI",
    }  # fmt: skip
    page = as_(make_officer("FI")).post(at("request_new"), form).content.decode()
    assert "A long question." in page and "recorded already" in page


def test_an_officer_of_another_state_finds_neither_request_nor_bundle(as_, rows):
    client = as_(make_officer("SE"))
    for name in ("request", "request_bundle_zip"):
        assert client.get(at(name, rows.request.pk)).status_code == 404
    assert client.post(at("request_answer", rows.request.pk)).status_code == 404


def test_the_company_finds_its_letters_and_nobody_else_does(as_, owner, rows):
    letter = rows.letter
    client = as_(owner)
    page = client.get(at("letters")).content.decode()
    assert at("letter_file", letter.pk) in page
    file = client.get(at("letter_file", letter.pk))
    assert file["Content-Type"] == "application/pdf"
    assert "2023/2831" in PdfReader(io.BytesIO(file.content)).pages[0].extract_text()
    stranger = make_user()
    make_organisation(owner=stranger)
    assert as_(stranger).get(at("letter_file", letter.pk)).status_code == 404
    assert as_(make_officer("SE")).get(at("letter_file", letter.pk)).status_code == 404


def test_a_letter_is_made_in_another_language(as_, owner, rows):
    client = as_(owner)
    answer = client.post(at("letter_language", rows.letter.pk), {"language": "mt", "next": at("letters")})
    assert answer.url == at("letters")
    assert AidLetter.objects.filter(language="mt").count() == 1


def test_an_unknown_language_is_refused_with_a_sentence(as_, owner, rows):
    answer = as_(owner).post(at("letter_language", rows.letter.pk), {"language": "tlh"})
    assert answer.status_code == 409
    assert "Choose one of the languages" in answer.content.decode()


def test_lists_cost_the_same_number_of_queries_however_long(as_, rows, django_assert_max_num_queries):
    assert rows.duty
    client = as_(make_officer("FI"))
    for _time in range(8):
        award = make_award()
        open_duties(award=award, on=GRANTED)
    issue_open_letters(on=GRANTED)
    for name in LISTS:
        with django_assert_max_num_queries(22):
            assert client.get(at(name)).status_code == 200
