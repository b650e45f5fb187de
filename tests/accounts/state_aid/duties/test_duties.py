"""What a grant leaves to be done, and what happens when it changes."""

from datetime import date

import pytest

from accounts.models import AidDuty, AuditEvent, LegalParameter
from accounts.state_aid.duties.services import cancel_duty, close_duty, open_correction, open_duties
from portal.kernel.errors import DomainError
from tests.accounts.state_aid.duties.scene import GRANTED, make_administrator, make_award, make_officer, take_back

pytestmark = pytest.mark.django_db


def kinds(duties):
    return sorted(duty.kind for duty in duties)


def granted(**fields):
    award = make_award(**fields)
    open_duties(award=award, on=award.granted_on)
    return award


def duty(award, kind):
    return AidDuty.objects.filter(award=award.award, kind=kind).latest("created_at")


def closed(award, kind, actor):
    return close_duty(duty=duty(award, kind), reference="eAIR-1", actor=actor, on=GRANTED)


def test_a_de_minimis_grant_is_told_the_same_day_and_entered_within_twenty_working_days():
    award = granted()
    assert kinds(AidDuty.objects.all()) == ["notice", "register"]
    assert duty(award, "notice").due_on == GRANTED
    assert duty(award, "register").due_on == date(2026, 12, 21)
    assert duty(award, "register").authority == award.granting_authority


def test_opening_twice_opens_nothing_twice():
    award = granted()
    assert open_duties(award=award, on=GRANTED) == []
    assert AidDuty.objects.count() == 2


@pytest.mark.parametrize("origin", ["union_share", "ceded_to_ju", "commercial", "non_economic"])
def test_what_is_no_state_aid_opens_no_duty(origin):
    granted(origin=origin, regime="2023/2831")
    assert not AidDuty.objects.exists()


def test_the_verdict_of_the_day_decides_whether_it_counts():
    granted(origin="union_share", counts=True)
    assert kinds(AidDuty.objects.all()) == ["notice", "register"]


@pytest.mark.parametrize(("amount", "wanted"), [("100000.00", ["notice"]), ("100000.01", ["notice", "publication"])])
def test_a_block_exempted_award_is_published_above_the_threshold(amount, wanted):
    granted(regime="651/2014-28", amount=amount)
    assert kinds(AidDuty.objects.all()) == wanted


def test_an_entered_clock_of_one_state_holds_there_alone():
    LegalParameter.objects.create(
        key="duty_clock",
        state="FI",
        value={"kind": "register", "regimes": ["2023/2831"], "amount": 5, "unit": "working_days"},
        valid_from=date(2026, 1, 1),
        source="A national rule",
    )
    assert duty(granted(state="FI"), "register").due_on == date(2026, 11, 30)
    assert duty(granted(state="LU"), "register").due_on == date(2026, 12, 21)


def test_a_clock_that_cannot_be_read_leaves_the_built_in_one():
    LegalParameter.objects.create(key="duty_clock", value={"kind": "register"}, valid_from=GRANTED, source="x")
    assert duty(granted(), "register").due_on == date(2026, 12, 21)


def test_the_registers_number_closes_the_duty_and_is_audited():
    officer, award = make_officer(), granted()
    done = closed(award, "register", officer)
    done.refresh_from_db()
    assert (done.state, done.reference, done.done_by) == ("done", "eAIR-1", officer)
    assert AuditEvent.objects.filter(action="aid_duty.done", actor=officer).count() == 1


def test_a_duty_is_done_once():
    officer, award = make_officer(), granted()
    closed(award, "register", officer)
    with pytest.raises(DomainError, match="illegal_move"):
        closed(award, "register", officer)


def test_without_a_reference_nothing_is_closed():
    officer, award = make_officer(), granted()
    with pytest.raises(DomainError, match="reference_missing"):
        close_duty(duty=duty(award, "register"), reference=" ", actor=officer, on=GRANTED)
    assert duty(award, "register").state == "open"


def test_it_cannot_be_done_before_the_grant():
    officer, award = make_officer(), granted()
    with pytest.raises(DomainError, match="done_before_opened"):
        close_duty(duty=duty(award, "register"), reference="x", actor=officer, on=date(2026, 11, 20))


def test_an_officer_of_another_state_cannot_close_it():
    officer, award = make_officer("SE"), granted()
    with pytest.raises(DomainError, match="not_allowed"):
        closed(award, "register", officer)


def test_an_administrator_can_say_why_a_duty_is_not_to_be_done():
    award = granted()
    with pytest.raises(DomainError, match="reason_missing"):
        cancel_duty(duty=duty(award, "register"), reason="", actor=make_administrator(), on=GRANTED)
    cancel_duty(duty=duty(award, "register"), reason="The ministry enters it", actor=make_administrator(), on=GRANTED)
    assert duty(award, "register").state == "cancelled"


def test_a_change_after_the_entry_asks_for_a_correction_and_a_letter():
    officer, award = make_officer(), granted()
    closed(award, "register", officer)
    closed(award, "notice", officer)
    row = take_back(award, "10000.00")
    opened = open_correction(award=row, on=date(2027, 1, 4))
    assert kinds(opened) == ["correction", "notice"]
    assert duty(award, "correction").due_on > date(2027, 1, 4)


def test_a_second_change_while_the_correction_is_open_opens_no_second_one():
    officer, award = make_officer(), granted()
    closed(award, "register", officer)
    open_correction(award=take_back(award, "10000.00"), on=date(2027, 1, 4))
    open_correction(award=take_back(award, "5000.00"), on=date(2027, 1, 5))
    assert AidDuty.objects.filter(kind="correction").count() == 1


def test_a_change_after_a_correction_was_made_asks_for_another():
    officer, award = make_officer(), granted()
    closed(award, "register", officer)
    open_correction(award=take_back(award, "10000.00"), on=date(2026, 11, 23))
    closed(award, "correction", officer)
    open_correction(award=take_back(award, "5000.00"), on=date(2026, 11, 23))
    assert AidDuty.objects.filter(kind="correction").count() == 2


def test_a_change_before_the_entry_only_changes_what_will_be_entered():
    award = granted()
    assert open_correction(award=take_back(award, "10000.00"), on=GRANTED) == []
    assert duty(award, "register").state == "open"


@pytest.mark.parametrize("event", ["lapsed", "reversed"])
def test_an_award_that_is_gone_before_its_entry_needs_none(event):
    award = granted()
    open_correction(award=take_back(award, "110000.00", event), on=GRANTED)
    assert set(AidDuty.objects.values_list("state", flat=True)) == {"cancelled"}
