"""Officers hear of each alert once, whoever looks and however often."""

from datetime import date

import pytest
from django.core import mail
from django.db import transaction

from accounts.models import AidDuty, Notification
from accounts.state_aid.duties.alerts import alert_due
from accounts.state_aid.duties.scope import officers_of
from accounts.state_aid.duties.services import close_duty, open_duties
from accounts.state_aid.duties.yearly import open_yearly, year_of
from tests.accounts.state_aid.duties.scene import GRANTED, make_administrator, make_award, make_officer, take_back
from tests.accounts.together import together
from tests.factories import make_organisation

pytestmark = pytest.mark.django_db
# Working days 10, 15 and 18 after Monday 23 November 2026, the last day, and the day after it.
DAYS = [date(2026, 12, 7), date(2026, 12, 14), date(2026, 12, 17), date(2026, 12, 21), date(2026, 12, 22)]


def notices(user):
    return Notification.objects.filter(user=user, kind="aid_duty").count()


@pytest.fixture
def officer():
    return make_officer("FI")


@pytest.fixture
def register(officer):
    award = make_award()
    open_duties(award=award, on=GRANTED)
    AidDuty.objects.filter(kind="notice").delete()
    return AidDuty.objects.get(kind="register")


def test_alerts_come_on_working_days_ten_fifteen_eighteen_and_when_overdue(register, officer):
    heard = []
    for day in DAYS:
        alert_due(on=day)
        heard.append(notices(officer))
    assert heard == [1, 2, 3, 3, 4]


def test_nothing_is_said_before_the_tenth_working_day(register, officer):
    alert_due(on=date(2026, 12, 4))
    assert notices(officer) == 0


def test_looking_again_says_nothing_again(register, officer):
    for _time in range(3):
        alert_due(on=DAYS[0])
    assert notices(officer) == 1


def test_a_duty_that_missed_several_alerts_speaks_once(register, officer):
    assert alert_due(on=DAYS[2]) == 1
    assert notices(officer) == 1
    register.refresh_from_db()
    assert register.alerted == ["day 10", "day 15", "day 18"]


def test_a_closed_duty_is_silent(register, officer):
    close_duty(duty=register, reference="eAIR-1", actor=officer, on=GRANTED)
    assert alert_due(on=DAYS[4]) == 0


def test_the_authoritys_officers_and_the_administrators_hear_it_and_no_other_state(register, officer):
    administrator, other = make_administrator(), make_officer("SE")
    alert_due(on=DAYS[0])
    assert (notices(officer), notices(administrator), notices(other)) == (1, 1, 0)


def test_where_no_site_names_the_authority_every_officer_of_the_state_hears_it():
    one, two = make_officer("FI", "CSC"), make_officer("FI", "Business Finland")
    assert set(officers_of("FI", "CSC")) == {one}
    assert set(officers_of("FI", "Another authority")) == {one, two}


def test_an_alert_is_also_sent_by_email_and_leads_to_the_duty(register, officer):
    alert_due(on=DAYS[0])
    notice = Notification.objects.get(user=officer)
    assert notice.by_email
    assert str(register.pk) in notice.path
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_alert_once():
    officer = make_officer("FI")
    with transaction.atomic():
        open_duties(award=make_award(), on=GRANTED)
    AidDuty.objects.filter(kind="notice").delete()
    together(*[lambda: alert_due(on=DAYS[0])] * 4)
    assert notices(officer) == 1


def test_the_year_before_is_to_be_reported_by_30_june_once_for_each_state():
    for state in ("FI", "FI", "LU"):
        make_award(state=state)
    make_award(state="SE", origin="union_share")
    make_award(state="DE", regime="651/2014-28")
    opened = open_yearly(on=date(2027, 1, 2))
    assert {(duty.granting_state, duty.subject, duty.due_on) for duty in opened} == {
        ("FI", "2026", date(2027, 6, 30)),
        ("LU", "2026", date(2027, 6, 30)),
    }
    assert open_yearly(on=date(2027, 1, 2)) == []


def test_a_reported_year_is_not_asked_for_again():
    make_award(state="FI")
    [duty] = open_yearly(on=date(2027, 1, 2))
    close_duty(duty=duty, reference="sent", actor=make_officer("FI"), on=date(2027, 6, 1))
    assert open_yearly(on=date(2027, 6, 2)) == []


def test_the_first_year_reported_is_2026():
    make_award(state="FI", on=date(2025, 5, 5))
    assert open_yearly(on=date(2026, 3, 1)) == []


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_open_one_report():
    make_award(state="FI")
    together(*[lambda: open_yearly(on=date(2027, 1, 2))] * 4)
    assert AidDuty.objects.filter(kind="yearly").count() == 1


def test_the_years_totals_count_awards_beneficiaries_and_sectors_as_they_stand():
    firm = make_organisation(nace_code="62.10")
    make_award(organisation=firm, amount="1000.00")
    reduced = make_award(organisation=firm, amount="500.00")
    take_back(reduced, "100.00")
    gone = make_award(amount="700.00")
    take_back(gone, "700.00", "reversed")
    make_award(organisation=make_organisation(nace_code="72.19"), amount="20.50")
    year = year_of(state="FI", year=2026)
    assert (year.awards, year.beneficiaries, str(year.total_eur)) == (3, 2, "1420.50")
    assert [(line.division, line.awards, str(line.total_eur)) for line in year.lines] == [
        ("62", 2, "1400.00"),
        ("72", 1, "20.50"),
    ]
