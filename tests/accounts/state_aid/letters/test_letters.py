"""Letters are written once, kept as words, drawn again to the same bytes, and seen by nobody else."""

import hashlib
from datetime import date

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError, InternalError

from accounts.models import AidDuty, AidLetter, Notification
from accounts.state_aid.duties.services import open_correction, open_duties
from accounts.state_aid.letters.services import issue_open_letters, letter_in, letters_visible_to, pdf_of
from portal.kernel.errors import DomainError
from tests.accounts.state_aid.duties.scene import (
    GRANTED,
    make_administrator,
    make_auditor,
    make_award,
    make_officer,
    take_back,
)
from tests.accounts.together import together
from tests.factories import make_organisation, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return make_user(language="fi")


@pytest.fixture
def award(owner):
    award = make_award(organisation=make_organisation(owner=owner))
    open_duties(award=award, on=GRANTED)
    return award


def test_the_sweep_writes_the_letter_in_the_owners_language_and_closes_the_duty(award, owner):
    assert issue_open_letters(on=GRANTED) == 1
    letter = AidLetter.objects.get()
    assert (letter.language, letter.kind, letter.award) == ("fi", "notice", award.award)
    duty = AidDuty.objects.get(kind="notice")
    assert (duty.state, duty.done_on) == ("done", GRANTED)
    notice = Notification.objects.get(user=owner)
    assert notice.kind == "aid_letter" and notice.by_email


def test_a_second_sweep_writes_nothing(award):
    issue_open_letters(on=GRANTED)
    assert issue_open_letters(on=GRANTED) == 0
    assert AidLetter.objects.count() == 1


def test_the_pdf_drawn_again_equals_the_hash(award):
    issue_open_letters(on=GRANTED)
    letter = AidLetter.objects.get()
    pdf, same = pdf_of(letter)
    assert same
    assert hashlib.sha256(pdf).hexdigest() == letter.sha256
    assert pdf.startswith(b"%PDF-")


def test_a_stored_letter_cannot_be_changed(award):
    issue_open_letters(on=GRANTED)
    with pytest.raises((IntegrityError, InternalError), match="append-only"):
        AidLetter.objects.update(language="de")
    assert connection.needs_rollback


def test_a_correction_letter_follows_what_was_taken_back(award):
    issue_open_letters(on=GRANTED)
    open_correction(award=take_back(award, "10000.00"), on=date(2026, 11, 30))
    assert issue_open_letters(on=date(2026, 11, 30)) == 1
    letter = AidLetter.objects.get(kind="correction")
    stated = letter.content["facts"]
    assert (stated["before"], stated["taken_back"], stated["after"]) == ("110000.00", "10000.00", "100000.00")


def test_each_correction_has_a_letter_with_its_own_amounts(award):
    issue_open_letters(on=GRANTED)
    for amount in ("10000.00", "5000.00"):
        open_correction(award=take_back(award, amount), on=GRANTED)
    assert issue_open_letters(on=GRANTED) == 2
    stated = [letter.content["facts"] for letter in AidLetter.objects.filter(kind="correction").order_by("created_at")]
    assert {(one["ident"][-2:], one["after"]) for one in stated} == {("C1", "100000.00"), ("C2", "95000.00")}


def test_an_award_that_cannot_be_written_about_does_not_hold_up_the_others(award):
    AidDuty.objects.create(
        kind="notice", granting_state="FI", subject="x", opened_on=GRANTED, due_on=GRANTED,
        award="00000000-0000-0000-0000-000000000001",
    )  # fmt: skip
    assert issue_open_letters(on=GRANTED) == 1
    assert AidDuty.objects.open().filter(kind="notice").count() == 1


def test_another_language_is_a_letter_of_its_own_and_written_once(award, owner):
    issue_open_letters(on=GRANTED)
    letter = AidLetter.objects.get()
    copy = letter_in(letter=letter, language="el", actor=owner)
    assert letter_in(letter=letter, language="el", actor=owner) == copy
    assert letter_in(letter=copy, language="fi", actor=owner) == letter
    assert copy.content["facts"] == letter.content["facts"]
    with pytest.raises(DomainError, match="letter_language"):
        letter_in(letter=letter, language="tlh", actor=owner)


def test_who_may_read_a_letter(award, owner):
    issue_open_letters(on=GRANTED)
    stranger = make_user()
    make_organisation(owner=stranger)
    for person, sees in [
        (owner, 1),
        (make_officer("FI"), 1),
        (make_administrator(), 1),
        (make_auditor(), 1),
        (make_officer("SE"), 0),
        (stranger, 0),
    ]:
        assert letters_visible_to(person).count() == sees, person


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_write_one_letter():
    award = make_award(organisation=make_organisation(owner=make_user()))
    with transaction.atomic():
        open_duties(award=award, on=GRANTED)
    together(*[lambda: issue_open_letters(on=GRANTED)] * 4)
    assert AidLetter.objects.count() == 1
    assert Notification.objects.filter(kind="aid_letter").count() == 1
