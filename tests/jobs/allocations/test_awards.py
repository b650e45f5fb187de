"""After an allocation ended, its award is lowered to what was used, when the granting authority agrees."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import AidAward
from accounts.roles import Role
from accounts.state_aid.services import headroom, standing
from jobs.allocations.services import adjust_awards, change_hours
from jobs.applications.decisions import approve
from jobs.models import Allocation
from portal.kernel.errors import DomainError, NotAllowed
from tests.factories import grant, make_job, make_user
from tests.jobs.applications.test_helpdesk import REASON, make_scene
from tests.jobs.applications.test_starter import AT

pytestmark = pytest.mark.django_db
AGREED = "Ministry of the Economy, letter of 3 March 2027"


@pytest.fixture
def scene():
    """500 hours worth 1100 EUR, granted; the officer; the moment after the last day."""
    application, owner, officer = make_scene(hours=500)
    approve(application=application, gpu_hours=500, ends_on=None, reason=REASON, actor=officer, at=AT)
    return Allocation.objects.get(), owner, officer


def after(allocation) -> datetime:
    return AT + timedelta(days=(allocation.ends_on - AT.date()).days + 1)


def use(allocation, hours):
    make_job(allocation=allocation, charged_gpu_seconds=hours * 3600)


def left(allocation, on):
    account = headroom(organisation=allocation.organisation, granting_state="LU", on=on.date())
    return account.left


def test_only_what_was_used_counts_once_the_authority_agreed(scene):
    allocation, _owner, officer = scene
    use(allocation, 100)
    at = after(allocation)
    adjust_awards(allocation=allocation, agreement=AGREED, actor=officer, at=at)
    assert standing(allocation.award) == Decimal("220.00")
    assert left(allocation, at) == Decimal("299780.00")
    assert AidAward.objects.get(event="adjusted").reason == AGREED


def test_what_was_never_used_lapses(scene):
    allocation, _owner, officer = scene
    adjust_awards(allocation=allocation, agreement=AGREED, actor=officer, at=after(allocation))
    assert AidAward.objects.get(event="lapsed").amount_eur == Decimal("-1100.00")


def test_hours_added_later_are_lowered_first(scene):
    allocation, _owner, officer = scene
    administrator = make_user()
    grant(administrator, Role.ADMINISTRATOR)
    change_hours(allocation=allocation, gpu_seconds=100 * 3600, reason="More data", actor=administrator, at=AT)
    use(allocation, 550)
    adjust_awards(allocation=allocation, agreement=AGREED, actor=officer, at=after(allocation))
    assert standing(allocation.award) == Decimal("1100.00")
    assert AidAward.objects.get(event="adjusted").amount_eur == Decimal("-110.00")


def test_before_its_last_day_nothing_is_lowered(scene):
    allocation, _owner, officer = scene
    with pytest.raises(DomainError, match="not_ended"):
        adjust_awards(allocation=allocation, agreement=AGREED, actor=officer, at=AT)


def test_a_job_that_still_holds_hours_is_waited_for(scene):
    allocation, _owner, officer = scene
    make_job(allocation=allocation)
    with pytest.raises(DomainError, match="still_reserved"):
        adjust_awards(allocation=allocation, agreement=AGREED, actor=officer, at=after(allocation))


def test_it_must_be_said_who_agreed(scene):
    allocation, _owner, officer = scene
    with pytest.raises(DomainError, match="no_agreement"):
        adjust_awards(allocation=allocation, agreement="yes", actor=officer, at=after(allocation))


def test_only_the_officer_of_the_site_or_an_administrator_records_it(scene):
    allocation, owner, _officer = scene
    elsewhere = make_user()
    grant(elsewhere, Role.HELPDESK, site_slug="elsewhere")
    for somebody in (owner, elsewhere):
        with pytest.raises(NotAllowed):
            adjust_awards(allocation=allocation, agreement=AGREED, actor=somebody, at=after(allocation))


def test_twice_lowers_once(scene):
    allocation, _owner, officer = scene
    use(allocation, 100)
    adjust_awards(allocation=allocation, agreement=AGREED, actor=officer, at=after(allocation))
    with pytest.raises(DomainError, match="nothing_to_adjust"):
        adjust_awards(allocation=allocation, agreement=AGREED, actor=officer, at=after(allocation))


def test_the_officer_does_it_on_the_allocations_page(client, scene):
    allocation, owner, officer = scene
    Allocation.objects.update(starts_on="2026-01-01", ends_on="2026-02-01")
    page = reverse("jobs:allocation_awards", args=[allocation.pk])
    client.force_login(officer)
    assert page in client.get(reverse("jobs:allocation", args=[allocation.pk])).content.decode()
    client.post(page, {"agreement": AGREED})
    assert standing(allocation.award) == 0
    client.force_login(owner)
    assert client.get(page).status_code == 403


def test_the_valuation_of_hours_added_is_frozen_too(scene):
    allocation, _owner, _officer = scene
    administrator = make_user()
    grant(administrator, Role.ADMINISTRATOR)
    change_hours(allocation=allocation, gpu_seconds=100 * 3600, reason="More data", actor=administrator, at=AT)
    said = [row.valuation for row in AidAward.objects.filter(event="reserved").order_by("created_at")]
    assert [(one["gpu_hours"], one["eur_per_gpu_hour"]) for one in said] == [("500", "2.2000"), ("100.00", "2.2000")]
