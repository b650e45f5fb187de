"""From an officer's decision to the letter in the company's hands, through the real services and the real task."""

from datetime import timedelta

import pytest

from accounts import tasks
from accounts.models import AidAward, AidDuty, AidLetter, Notification
from accounts.state_aid.letters.services import pdf_of
from jobs.applications.decisions import approve
from tests.jobs.applications.test_helpdesk import make_scene
from tests.jobs.applications.test_starter import AT

pytestmark = pytest.mark.django_db


@pytest.fixture
def decided():
    application, owner, officer = make_scene()
    approve(application=application, gpu_hours=10, ends_on=None, reason="Enough to begin.", actor=officer, at=AT)
    return application, owner, officer


def test_a_decision_opens_the_duties_in_its_own_transaction(decided):
    award = AidAward.objects.get(event="granted")
    duties = {duty.kind: duty for duty in AidDuty.objects.filter(award=award.award)}
    assert set(duties) == {"notice", "register"}
    assert duties["notice"].due_on == AT.date()
    assert duties["register"].due_on > AT.date() + timedelta(days=26)


def test_the_task_brings_the_letter_once_however_often_it_runs(decided):
    _application, owner, _officer = decided
    for _time in range(3):
        tasks.duties()
    letter = AidLetter.objects.get()
    assert pdf_of(letter)[1]
    assert Notification.objects.filter(user=owner, kind="aid_letter").count() == 1
    assert AidDuty.objects.get(kind="notice").state == "done"
