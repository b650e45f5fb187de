"""An award that should not have been granted is taken back: by an administrator, with a reason, by a row of its own."""

import uuid
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import AidAward, AidDuty, AuditEvent
from accounts.state_aid.duties.services import close_duty
from accounts.state_aid.services import adjust_to_use, reverse_award, standing
from portal.kernel.errors import NotAllowed
from tests.accounts.state_aid.duties.scene import make_officer
from tests.accounts.state_aid.services.given import TODAY, grant_aid, left, make_administrator, make_company, refused
from tests.factories import with_second_factor

pytestmark = pytest.mark.django_db
WHY = "Decision of the ministry, file 12/34"


def test_all_that_is_left_no_longer_counts_and_every_row_stays():
    company, office = make_company(), make_administrator()
    award = grant_aid(company, "1000")
    adjust_to_use(organisation=company, reference="ALC-1", used_eur=Decimal(400), agreement="a", actor=office, on=TODAY)
    row = reverse_award(award=award.award, reason=WHY, actor=office, on=TODAY)
    assert (row.event, row.amount_eur, row.reason) == ("reversed", Decimal("-400.00"), WHY)
    assert standing(award.award) == 0
    assert left(company) == Decimal("300000.00")
    events = AidAward.objects.filter(award=award.award).order_by("created_at").values_list("event", flat=True)
    assert list(events) == ["reserved", "granted", "adjusted", "reversed"]
    assert AuditEvent.objects.filter(action="aid.reversed", actor=office).exists()


def test_what_stood_in_a_register_is_to_be_corrected_there():
    award = grant_aid(make_company(), "1000")
    entry = AidDuty.objects.get(award=award.award, kind="register")
    close_duty(duty=entry, reference="R-1", actor=make_officer("LU"), on=TODAY)
    reverse_award(award=award.award, reason=WHY, actor=make_administrator(), on=TODAY)
    assert AidDuty.objects.open().filter(award=award.award, kind="correction").exists()


def test_it_needs_a_reason_an_award_and_something_left():
    company, office = make_company(), make_administrator()
    award = grant_aid(company, "1000")
    with refused("reversal_reason"):
        reverse_award(award=award.award, reason=" ", actor=office, on=TODAY)
    with refused("aid_award_unknown"):
        reverse_award(award=uuid.uuid4(), reason=WHY, actor=office, on=TODAY)
    reverse_award(award=award.award, reason=WHY, actor=office, on=TODAY)
    with refused("nothing_to_reverse"):
        reverse_award(award=award.award, reason=WHY, actor=office, on=TODAY)


def test_only_administrators_take_awards_back(client):
    company = make_company()
    award = grant_aid(company, "1000")
    with pytest.raises(NotAllowed):
        reverse_award(award=award.award, reason=WHY, actor=company.owner, on=TODAY)
    client.force_login(company.owner)
    assert client.post(reverse("accounts:award_reverse", args=[award.award]), {"reason": WHY}).status_code == 403


def test_the_page_shows_what_is_left_before_anything_happens(client):
    company = make_company()
    award = grant_aid(company, "1000")
    client.force_login(with_second_factor(make_administrator()))
    url = reverse("accounts:award_reverse", args=[award.award])
    assert b"1,000.00" in client.get(url).content
    assert b"Say why" in client.post(url, {"reason": ""}).content
    assert standing(award.award) == Decimal("1000.00")
    done = client.post(url, {"reason": WHY}, follow=True).content
    assert standing(award.award) == 0
    assert WHY.encode() in done and b"Nothing is left" in done
