"""Files are kept as rows, made again bit by bit, and only for those who keep or audit the State's register."""

import hashlib
from datetime import date

import pytest

from accounts.models import AidDuty, RegisterExport
from accounts.state_aid.duties.services import close_duty, open_duties
from accounts.state_aid.registers import PROFILES
from accounts.state_aid.registers.services import file_of, filename, lines_for, make_export, make_yearly_export
from portal.kernel.errors import DomainError
from tests.accounts.state_aid.duties.scene import GRANTED, make_auditor, make_award, make_officer, take_back
from tests.factories import make_organisation

pytestmark = pytest.mark.django_db


def granted(**fields):
    award = make_award(**fields)
    open_duties(award=award, on=award.granted_on)
    return award


def lines(**changes):
    asked = {"state": "FI", "from_day": None, "to_day": None, "only_open": False, "pseudonyms": False}
    return lines_for(profile=PROFILES["eair"], **{**asked, **changes})


def export(actor, **changes):
    asked = {
        "profile_code": "eair", "format_code": "csv", "state": "FI", "from_day": None, "to_day": None,
        "only_open": False, "pseudonyms": False,
    }  # fmt: skip
    return make_export(actor=actor, **{**asked, **changes})


@pytest.mark.parametrize("code", ["csv", "xlsx", "json"])
def test_a_file_made_again_equals_the_hash(code):
    granted()
    made = export(make_officer("FI"), format_code=code)
    content, same = file_of(RegisterExport.objects.get(pk=made.pk))
    assert same and hashlib.sha256(content).hexdigest() == made.sha256
    assert filename(made) == f"eair-FI.{code}"


def test_a_file_made_earlier_does_not_change_with_the_award():
    award = granted()
    made = export(make_officer("FI"))
    before, _same = file_of(made)
    take_back(award, "10000.00")
    after, same = file_of(RegisterExport.objects.get(pk=made.pk))
    assert same and after == before and b"110000.00" in after


def test_only_awards_of_the_state_and_the_days_that_count_are_in():
    wanted = granted(on=date(2026, 11, 23))
    granted(on=date(2026, 10, 1))
    granted(state="SE")
    granted(origin="union_share")
    found = lines(from_day=date(2026, 11, 1), to_day=date(2026, 11, 30))
    assert [line.facts["award"] for line in found] == [str(wanted.award)]


def test_what_was_entered_is_left_out_on_request_and_carries_its_number():
    officer, done, _waiting = make_officer("FI"), granted(), granted()
    close_duty(
        duty=AidDuty.objects.get(award=done.award, kind="register"), reference="AIR-7", actor=officer, on=GRANTED
    )
    assert len(lines(only_open=True)) == 1
    assert sorted(line.row["RegisterReference"] for line in lines()) == ["", "AIR-7"]


def test_a_reduced_award_carries_what_is_left_and_a_withdrawn_one_appears_only_if_it_was_entered():
    reduced, gone, entered = granted(), granted(), granted()
    take_back(reduced, "10000.00")
    take_back(gone, "110000.00", "reversed")
    close_duty(
        duty=AidDuty.objects.get(award=entered.award, kind="register"),
        reference="AIR-8",
        actor=make_officer("FI"),
        on=GRANTED,
    )
    take_back(entered, "110000.00", "lapsed")
    found = {line.facts["award"]: (line.row["AidAmountEUR"], line.row["Status"]) for line in lines()}
    assert found == {
        str(reduced.award): ("100000.00", "corrected"),
        str(entered.award): ("0.00", "withdrawn"),
    }


def test_the_beneficiary_is_shown_as_it_was_on_the_day_of_the_grant():
    firm = make_organisation(legal_name="Old Name Oy")
    granted(organisation=firm)
    type(firm).objects.update(legal_name="New Name Oy")
    [line] = lines()
    assert line.row["BeneficiaryName"] == "Old Name Oy"


def test_a_row_that_lacks_something_says_what():
    award = make_award(organisation=make_organisation(nace_code="62.1x"))
    open_duties(award=award, on=GRANTED)
    [line] = lines()
    assert line.problems == ["NACE sector has another form than the register expects: 62.1x."]


def test_days_the_wrong_way_round_and_empty_files_are_refused():
    officer = make_officer("FI")
    with pytest.raises(DomainError, match="export_days"):
        export(officer, from_day=date(2026, 2, 1), to_day=date(2026, 1, 1))
    with pytest.raises(DomainError, match="export_empty"):
        export(officer)
    with pytest.raises(DomainError, match="export_unknown"):
        export(officer, profile_code="unknown")


@pytest.mark.parametrize("who", [lambda: make_officer("SE"), make_auditor])
def test_only_those_who_keep_the_states_register_make_files(who):
    granted()
    with pytest.raises(DomainError, match="not_allowed"):
        export(who())
    assert not RegisterExport.objects.exists()


def test_the_years_file_has_a_line_for_each_sector_and_the_total():
    granted(amount="1000.00")
    granted(amount="500.00", organisation=make_organisation(nace_code="72.19"))
    made = make_yearly_export(state="FI", year=2026, format_code="csv", actor=make_officer("FI"))
    text = file_of(made)[0].decode("utf-8-sig").splitlines()
    assert text[0] == "granting_state,year,regulation,nace_division,awards,beneficiaries,total_eur"
    assert text[1:] == [
        "FI,2026,2023/2831,62,1,1,1000.00",
        "FI,2026,2023/2831,72,1,1,500.00",
        "FI,2026,all,all,2,2,1500.00",
    ]
