"""What every register profile must keep: this runs over PROFILES, so a new profile is tested by being added."""

import csv
import io
import json
import zipfile
from datetime import date

import pytest

from accounts.models import AidDuty, AidScheme
from accounts.state_aid.duties.services import open_duties
from accounts.state_aid.registers import PROFILES
from accounts.state_aid.registers.base import AMOUNT, DAY, problems_of, row_of
from accounts.state_aid.registers.facts import facts_of, pseudonym
from accounts.state_aid.registers.files import FORMATS, Sheet, as_csv, as_xlsx, harmless
from accounts.state_aid.threads import thread_of
from tests.accounts.state_aid.duties.scene import make_award
from tests.factories import make_organisation

pytestmark = pytest.mark.django_db
REQUIRED = {"eair": "de minimis", "national": "de minimis", "publication": "exemption"}


def an_award(profile, **fields):
    """An award that belongs into that register."""
    if profile.duty == "publication":
        scheme = AidScheme.objects.create(
            code=f"scheme-{AidScheme.objects.count()}", title="Free compute", state="FI", authority="x",
            basis="651/2014-28", measure_reference="SA.123456", valid_from=date(2026, 1, 1),
        )  # fmt: skip
        fields = {"regime": "651/2014-28", "scheme": scheme, **fields}
    award = make_award(**fields)
    open_duties(award=award, on=award.granted_on)
    return award


def facts(award, **options):
    return facts_of(thread_of(award.award), list(AidDuty.objects.all()), **options)


@pytest.fixture(params=list(PROFILES), ids=PROFILES.codes())
def profile(request):
    return request.param


def test_an_ordinary_award_fills_every_required_column(profile):
    stated = facts(an_award(profile))
    assert profile.covers(stated)
    assert problems_of(profile, row_of(profile, stated)) == []


def test_columns_have_their_own_codes_and_words(profile):
    codes = [column.code for column in profile.columns]
    assert len(set(codes)) == len(codes)
    assert all(str(column.label) for column in profile.columns)
    assert str(profile.title) and str(profile.note) and profile.duty in AidDuty.Kind.values


def test_each_missing_required_value_is_named(profile):
    row = row_of(profile, facts(an_award(profile)))
    for column in profile.columns:
        said = problems_of(profile, {**row, column.code: ""})
        assert said == ([f"{column.label} is missing."] if column.required else [])


def test_an_amount_or_a_day_that_cannot_be_read_is_named(profile):
    row = row_of(profile, facts(an_award(profile)))
    for column in profile.columns:
        if column.kind in {AMOUNT, DAY}:
            assert problems_of(profile, {**row, column.code: "soon"}) == [f"{column.label} cannot be read: soon."]


def test_the_columns_of_article_6_or_annex_iii_are_there(profile):
    kinds = [column.kind for column in profile.columns]
    assert kinds.count(DAY) >= 1 and kinds.count(AMOUNT) >= 1
    wanted = {"beneficiary", "identifier", "amount_eur", "granted_on", "authority", "instrument"}
    marked = {name: f"<{name}>" for name in facts(an_award(profile))} | {"nace_code": "62.10", "size": "small"}
    values = set(row_of(profile, marked).values())
    assert {f"<{name}>" for name in wanted} <= values
    assert values & {"62.10", "62.1"}


def test_a_sole_trader_can_be_hidden_and_nothing_in_the_row_leads_back(profile):
    person = make_organisation(legal_name="Erika Mustermann", is_natural_person=True, city="Espoo")
    award = an_award(profile, organisation=person)
    row = row_of(profile, facts(award, pseudonyms=True))
    assert pseudonym(person) in row.values()
    for told in ("Erika", "Mustermann", person.euid, "Espoo", str(person.pk)):
        assert told not in " ".join(row.values())
    assert problems_of(profile, row) == []


def test_the_same_person_keeps_the_same_pseudonym(profile):
    person = make_organisation(is_natural_person=True)
    one, two = (facts(an_award(profile, organisation=person), pseudonyms=True) for _time in range(2))
    assert one["identifier"] == two["identifier"]


def test_a_company_is_never_hidden(profile):
    award = an_award(profile, organisation=make_organisation(legal_name="Kuusamo Oy"))
    assert "Kuusamo Oy" in row_of(profile, facts(award, pseudonyms=True)).values()


@pytest.mark.parametrize("code", FORMATS)
def test_the_same_rows_give_the_same_bytes(profile, code):
    columns = [(column.code, column.kind) for column in profile.columns]
    sheet = Sheet("x", columns, [row_of(profile, facts(an_award(profile)))], {"profile": profile.code})
    write, _media_type = FORMATS[code]
    assert write(sheet) == write(sheet)


def test_json_holds_every_row_with_every_column(profile):
    row = row_of(profile, facts(an_award(profile)))
    columns = [(column.code, column.kind) for column in profile.columns]
    data = json.loads(FORMATS["json"][0](Sheet("x", columns, [row], {"profile": profile.code})))
    assert data["profile"] == profile.code
    assert data["rows"] == [row]


def test_registers_of_de_minimis_aid_leave_exempted_awards_out_and_the_other_way_round():
    exempted = facts(an_award(PROFILES["publication"]))
    small = facts(an_award(PROFILES["eair"]))
    assert [profile.code for profile in PROFILES if profile.covers(exempted)] == ["publication"]
    assert [profile.code for profile in PROFILES if profile.covers(small)] == ["eair", "national"]


def test_an_exempted_award_below_the_threshold_is_not_published():
    stated = facts(an_award(PROFILES["publication"], amount="100000.00"))
    assert not PROFILES["publication"].covers(stated)


EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("http://evil","x")']


@pytest.mark.parametrize("evil", EVIL)
def test_a_cell_that_a_spreadsheet_would_run_is_kept_text(evil):
    assert harmless(evil).startswith("'")
    line = as_csv(Sheet("x", [("a", "text")], [{"a": evil}], {})).decode("utf-8-sig")
    cell = list(csv.reader(io.StringIO(line, newline="")))[1][0]
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("evil", [*EVIL, "{=1+1}", "http://evil.example"])
def test_a_workbook_holds_no_formula_and_no_link(evil):
    sheet = Sheet("x", [("a", "text"), ("b", "amount")], [{"a": evil, "b": evil}], {})
    book = zipfile.ZipFile(io.BytesIO(as_xlsx(sheet)))
    page = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in page and "hyperlink" not in page.lower()


def test_a_negative_amount_stays_a_number():
    assert harmless("-12.50", AMOUNT) == "-12.50"


def test_a_workbook_holds_amounts_as_numbers_and_days_as_days():
    sheet = Sheet("x", [("a", AMOUNT), ("d", DAY)], [{"a": "110000.00", "d": "2026-11-23"}], {})
    # Spreadsheets count days from 30 December 1899.
    page = zipfile.ZipFile(io.BytesIO(as_xlsx(sheet))).read("xl/worksheets/sheet1.xml").decode()
    assert "<v>110000.00</v>" in page and "<v>46349</v>" in page
