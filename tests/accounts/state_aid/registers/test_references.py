"""The register's numbers come back by file: all lines or none, with a clear sentence for each wrong one."""

from datetime import date

import pytest

from accounts.models import AidDuty
from accounts.state_aid.duties.services import open_duties
from accounts.state_aid.registers.references import MOST_BYTES, WrongLines, read_answers, record_references
from accounts.state_aid.registers.services import file_of, make_export
from accounts.state_aid.threads import thread_of
from portal.kernel.errors import DomainError
from tests.accounts.state_aid.duties.scene import GRANTED, make_award, make_officer

pytestmark = pytest.mark.django_db
LATER = date(2026, 12, 15)


def granted(**fields):
    award = make_award(**fields)
    open_duties(award=award, on=award.granted_on)
    return award


def entry(award):
    return thread_of(award.award).entry


def record(text, officer, kind="register"):
    data = text if isinstance(text, bytes) else text.encode()
    return record_references(answers=read_answers(data), kind=kind, state="FI", actor=officer, on=LATER)


@pytest.fixture
def officer():
    return make_officer("FI")


def test_each_line_closes_its_duty(officer):
    one, two = granted(), granted()
    assert record(f"entry,reference,done_on\n{entry(one)},AIR-1,2026-12-14\n{entry(two)},AIR-2,\n", officer) == 2
    duty = AidDuty.objects.get(award=one.award, kind="register")
    assert (duty.state, duty.reference, duty.done_on, duty.done_by) == ("done", "AIR-1", date(2026, 12, 14), officer)
    assert AidDuty.objects.get(award=two.award, kind="register").done_on == LATER


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_spreadsheets_separators_and_marks_are_understood(officer, separator):
    award = granted()
    lines = [["entry", "reference"], [entry(award), "AIR-1"]]
    text = "\r\n".join(separator.join(line) for line in lines)
    assert record(b"\xef\xbb\xbf" + text.encode(), officer) == 1


def test_the_grants_reference_is_enough_where_it_names_one_award(officer):
    award = granted()
    assert record(f"entry,reference\n{award.reference},AIR-1\n", officer) == 1


def test_a_reference_of_two_awards_asks_for_the_longer_one(officer):
    granted(reference="ALC-2026-7777")
    granted(reference="ALC-2026-7777")
    with pytest.raises(WrongLines) as caught:
        record("entry,reference\nALC-2026-7777,AIR-1\n", officer)
    assert "names several awards" in caught.value.lines[0][1]


def test_every_wrong_line_is_named_and_nothing_is_recorded(officer):
    good, other = granted(), granted(state="SE")
    text = (
        "entry,reference,done_on\n"
        f"{entry(good)},AIR-1,\n"
        "ALC-0000,AIR-2,\n"
        ",AIR-3,\n"
        f"{entry(other)},AIR-4,\n"
        f"{entry(good)},,\n"
    )
    with pytest.raises(WrongLines) as caught:
        record(text, officer)
    assert [number for number, _sentence in caught.value.lines] == [2, 3, 4, 5, 6]
    assert AidDuty.objects.get(award=good.award, kind="register").state == "open"


def test_one_wrong_line_takes_the_good_ones_back(officer):
    good = granted()
    with pytest.raises(WrongLines) as caught:
        record(f"entry,reference\n{entry(good)},AIR-1\nALC-0000,AIR-2\n", officer)
    assert [number for number, _sentence in caught.value.lines] == [3]
    assert AidDuty.objects.get(award=good.award, kind="register").state == "open"


def test_days_that_cannot_be_are_named(officer):
    award = granted()
    with pytest.raises(WrongLines, match="reference_lines") as caught:
        record(f"entry,reference,done_on\n{entry(award)},AIR-1,14.12.2026\n", officer)
    assert "2026-12-31" in caught.value.lines[0][1]
    for day, said in (("2026-12-24", "future"), ("2026-11-20", "cannot have been done before")):
        with pytest.raises(WrongLines) as caught:
            record(f"entry,reference,done_on\n{entry(award)},AIR-1,{day}\n", officer)
        assert said in caught.value.lines[0][1]


def test_what_was_recorded_is_not_recorded_again(officer):
    award = granted()
    text = f"entry,reference\n{entry(award)},AIR-1\n"
    record(text, officer)
    with pytest.raises(WrongLines):
        record(text, officer)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "reference_file_head"),
        (b"name,number\nx,y\n", "reference_file_head"),
        (b"entry,reference\n", "reference_file_empty"),
        (b"x" * (MOST_BYTES + 1), "reference_file_large"),
        (b"\x00\xff\xfe", "reference_file_head"),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused_with_a_sentence(data, code):
    with pytest.raises(DomainError, match=code):
        read_answers(data)


def test_our_own_file_comes_back_with_the_numbers_filled_in(officer):
    award = granted()
    made = make_export(
        profile_code="eair", format_code="csv", state="FI", from_day=None, to_day=None, only_open=True,
        pseudonyms=False, actor=officer,
    )  # fmt: skip
    text = file_of(made)[0].decode("utf-8-sig").rstrip("\r\n") + "AIR-9\r\n"
    assert record(text, officer) == 1
    assert AidDuty.objects.get(award=award.award, kind="register").reference == "AIR-9"


def test_another_states_officer_records_nothing():
    award = granted()
    with pytest.raises(DomainError, match="not_allowed"):
        record(f"entry,reference\n{entry(award)},AIR-1\n", make_officer("SE"))


def test_a_publication_is_recorded_the_same_way(officer):
    award = granted(regime="651/2014-28")
    assert record(f"entry,reference\n{entry(award)},https://example.eu/1\n", officer, kind="publication") == 1
    assert AidDuty.objects.get(award=award.award, kind="publication").state == "done"
    assert AidDuty.objects.get(award=award.award, kind="publication").done_on >= GRANTED
