"""One officer, one page, one decision."""

import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import AidAward, AidDeclaration, Notification
from accounts.roles import Role
from jobs.applications.decisions import approve, decline
from jobs.applications.services import answer_question, ask_question, submit_application
from jobs.models import Allocation, Decision
from jobs.states import ApplicationState
from portal.kernel.errors import DomainError, NotAllowed
from tests.factories import grant, make_access_mode, make_partition, make_sme, make_user, with_second_factor
from tests.jobs.applications.test_starter import AT, complete_draft, declare_no_other_aid

REASON = "Enough for the three rounds you describe."


def reserved():
    """The one award, by the row that holds its amount."""
    return AidAward.objects.get(event="reserved")


@pytest.fixture
def scene(db):
    """A sent Playground request worth 2.20 EUR an hour, its owner, and the officer of its site."""
    return make_scene()


def make_scene(hours: int = 500, owner=None, organisation=None, partition=None):
    owner = owner or make_user()
    if organisation is None:
        organisation = make_sme(owner=owner)
        declare_no_other_aid(organisation, owner)
    partition = partition or make_partition()
    officer = with_second_factor(make_user())
    grant(officer, Role.HELPDESK, site_slug=partition.site.slug)
    draft = complete_draft(
        organisation=organisation,
        mode=make_access_mode(),
        actor=owner,
        partition=partition,
        gpu_hours=hours,
        months=3,
    )
    return submit_application(application=draft, actor=owner, at=AT), owner, officer


def test_a_request_says_who_decides_by_when(scene):
    application, _owner, officer = scene
    assert application.state == ApplicationState.SUBMITTED
    assert application.decide_by == date(2026, 11, 25)
    assert Notification.objects.filter(user=officer, kind="application_submitted").exists()


def test_approving_as_asked_creates_the_allocation_and_the_award(scene):
    application, owner, officer = scene
    approve(application=application, gpu_hours=500, ends_on=None, reason=REASON, actor=officer, at=AT)
    allocation = Allocation.objects.get()
    assert allocation.granted_gpu_seconds == 500 * 3600
    assert reserved().amount_eur == Decimal("1100.00")
    assert Decision.objects.get().outcome == "approved"
    assert Notification.objects.filter(user=owner, kind="decision").exists()


def test_approving_less_is_recorded_as_such(scene):
    application, _owner, officer = scene
    approve(application=application, gpu_hours=100, ends_on=date(2026, 12, 31), reason=REASON, actor=officer, at=AT)
    assert Decision.objects.get().outcome == "approved_less"
    assert Allocation.objects.get().ends_on == date(2026, 12, 31)


def test_more_than_asked_is_refused(scene):
    application, _owner, officer = scene
    with pytest.raises(DomainError, match="more_than_asked"):
        approve(application=application, gpu_hours=501, ends_on=None, reason=REASON, actor=officer, at=AT)


def test_an_officer_of_another_site_may_not_decide(scene):
    application, _owner, _officer = scene
    stranger = make_user()
    grant(stranger, Role.HELPDESK, site_slug="elsewhere")
    with pytest.raises(NotAllowed):
        approve(application=application, gpu_hours=10, ends_on=None, reason=REASON, actor=stranger, at=AT)
    with pytest.raises(NotAllowed):
        decline(application=application, reason=REASON, actor=stranger, at=AT)


def test_a_decision_without_a_reason_is_refused(scene):
    application, _owner, officer = scene
    with pytest.raises(DomainError, match="no_reason"):
        decline(application=application, reason="no", actor=officer, at=AT)


def test_a_second_decision_finds_the_first(scene):
    application, _owner, officer = scene
    decline(application=application, reason=REASON, actor=officer, at=AT)
    with pytest.raises(DomainError, match="already_decided"):
        approve(application=application, gpu_hours=10, ends_on=None, reason=REASON, actor=officer, at=AT)
    assert not Allocation.objects.exists()


def test_a_question_stops_the_clock_and_an_answer_starts_it_again(scene):
    application, owner, officer = scene
    ask_question(application=application, body="Where is your data stored?", actor=officer, at=AT)
    application.refresh_from_db()
    assert application.state == ApplicationState.QUESTION
    answer_question(
        application=application, body="In Luxembourg.", actor=owner, at=datetime(2026, 11, 27, 9, tzinfo=UTC)
    )
    application.refresh_from_db()
    assert application.state == ApplicationState.SUBMITTED
    assert application.decide_by == date(2026, 12, 1)


def test_above_the_ceiling_the_officer_is_told_what_would_fit(db):
    owner = make_user()
    organisation = make_sme(owner=owner)
    other_aid = [{"state": "LU", "amount_eur": "299000", "granted_on": "2026-02-01", "regulation": "2023/2831"}]
    AidDeclaration.objects.create(organisation=organisation, items=other_aid, signed_by=owner, signed_on=AT.date())
    application, _owner, officer = make_scene(hours=1000, owner=owner, organisation=organisation)
    with pytest.raises(DomainError) as refusal:
        approve(application=application, gpu_hours=1000, ends_on=None, reason=REASON, actor=officer, at=AT)
    assert refusal.value.code == "aid_ceiling"
    assert "454" in refusal.value.sentence
    assert not Allocation.objects.exists()
    approve(application=application, gpu_hours=454, ends_on=None, reason=REASON, actor=officer, at=AT)
    assert reserved().amount_eur == Decimal("998.80")


@pytest.mark.django_db(transaction=True)
def test_two_officers_at_two_sites_of_one_state_cannot_together_pass_the_ceiling():
    owner = make_user()
    organisation = make_sme(owner=owner)
    declare_no_other_aid(organisation, owner)
    requests = [
        make_scene(hours=4000, owner=owner, organisation=organisation, partition=make_partition(rate="50"))
        for _ in range(2)
    ]
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def decide(application, officer):
        barrier.wait()
        try:
            approve(application=application, gpu_hours=4000, ends_on=None, reason=REASON, actor=officer, at=AT)
            outcomes.append("granted")
        except DomainError as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=decide, args=(a, officer)) for a, _o, officer in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["aid_ceiling", "granted"]
    assert AidAward.objects.filter(event="reserved").count() == 1
