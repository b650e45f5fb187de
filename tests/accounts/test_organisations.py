"""Founding organisations, their identifiers, their figures, and the forms around them."""

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import translation

from accounts import countries, identifiers, nace
from accounts.calendars import add_working_days, is_working_day, working_days_between
from accounts.forms.amounts import plain_number
from accounts.models import AccountYear, AuditEvent, Organisation
from accounts.services import create_organisation, declare_size, edit_organisation, record_account_year
from accounts.state_aid.services import latest_declaration
from portal.kernel.errors import DomainError
from tests.accounts.together import outcomes, together
from tests.factories import make_user

FACTS = {
    "legal_name": "Atelier Lux",
    "country": "LU",
    "euid": "LURCSL.B123456",
    "vat_number": "LU 150 274 42",
    "nace_code": "62",
    "street": "1 rue de l'Exemple",
    "city": "Luxembourg",
}
TODAY = date(2026, 11, 21)


def refused(code):
    return pytest.raises(DomainError, match=f"^{code}:")


# ---- identifiers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "written", "stored"),
    [
        ("LU", "15027442", "LU15027442"),
        ("LU", "lu 150.27-442", "LU15027442"),
        ("GR", "EL094259216", "EL094259216"),
        ("GR", "GR 094259216", "EL094259216"),
        ("NL", "NL4495445B01", "NL004495445B01"),
        ("ES", "B58378431", "ESB58378431"),
        ("AT", "U13585627", "ATU13585627"),
        ("GB", "GB 980 7806 84", "GB980780684"),
        ("LU", "  ", ""),
    ],
)
def test_a_vat_number_is_stored_in_one_form(country, written, stored):
    assert identifiers.checked_vat(written, country=country) == stored


@pytest.mark.parametrize(("country", "example"), identifiers.EXAMPLES.items())
def test_the_examples_we_show_are_well_formed_and_stay_as_they_are(country, example):
    assert identifiers.checked_vat(example, country=country) == example


@pytest.mark.parametrize("country", sorted(countries.MEMBER_STATES))
def test_nonsense_is_no_vat_number_anywhere(country):
    with refused("vat_number"):
        identifiers.checked_vat("12", country=country)


def test_a_vat_number_of_another_country_is_refused():
    with refused("vat_number"):
        identifiers.checked_vat("DE136695976", country="LU")


@pytest.mark.parametrize(
    ("country", "euid"),
    [
        ("DE", "DEX1517R.HRB395KI"),
        ("DK", "DKCVR.11845118"),
        ("RO", "ROONRC.J40/1234/2010"),
        ("GR", "ELGEMI.077700527000"),
        ("LU", " lurcsl.b123456 "),
    ],
)
def test_an_euid_is_a_country_a_register_and_a_number(country, euid):
    assert identifiers.checked_euid(euid, country=country) == "".join(euid.split()).upper()


@pytest.mark.parametrize(
    ("country", "euid"),
    [
        ("LU", "B123456"),
        ("LU", "LURCSL"),
        ("LU", "DKCVR.11845118"),
        ("GR", "GRGEMI.0777"),
        ("LU", "USX.1"),
        ("LU", "LU.é"),
    ],
)
def test_what_is_no_euid_of_that_country_is_refused(country, euid):
    with refused("euid"):
        identifiers.checked_euid(euid, country=country)


@pytest.mark.parametrize(("written", "stored"), [("62", "62"), ("62.10", "62.10"), (" K62,1 ", "62.1")])
def test_a_nace_code_is_a_division_group_or_class(written, stored):
    assert identifiers.checked_nace(written) == stored


@pytest.mark.parametrize("written", ["", "6", "45.11", "00", "62.100", "62.1.0", "programming"])
def test_what_is_no_nace_code_is_refused(written):
    with refused("nace_code"):
        identifiers.checked_nace(written)


def test_nace_titles_fall_back_to_the_division():
    assert nace.title("62.10") == "Computer programming"
    assert nace.title("13.20") == "Textiles"


def test_country_names_follow_the_language():
    assert countries.name("GR") == "Greece"
    with translation.override("de"):
        assert countries.name("GR") == "Griechenland"
        names = [name for _code, name in countries.choices()]
    assert names.index("Österreich") < names.index("Polen")


# ---- working days --------------------------------------------------------------------------------------------------


def test_twenty_working_days_without_holidays():
    """The fact sheet's example: granted Monday 23 November 2026, due Monday 21 December 2026."""
    assert add_working_days(date(2026, 11, 23), 20, "DE") == date(2026, 12, 21)


def test_public_holidays_of_the_state_do_not_count():
    assert add_working_days(date(2026, 12, 24), 1, "DE") == date(2026, 12, 28)
    assert not is_working_day(date(2026, 7, 14), "FR")
    assert is_working_day(date(2026, 7, 14), "DE")


def test_working_days_between_is_the_inverse():
    assert working_days_between(date(2026, 11, 23), date(2026, 12, 21), "DE") == 20
    assert working_days_between(date(2026, 12, 21), date(2026, 11, 23), "DE") == -20


@pytest.mark.parametrize("state", sorted(countries.MEMBER_STATES))
def test_every_member_state_has_a_calendar(state):
    assert not is_working_day(date(2026, 12, 25), state)


# ---- founding ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_founder_owns_the_organisation_and_works_for_it():
    founder = make_user()
    organisation = create_organisation(actor=founder, **FACTS)
    assert organisation.vat_number == "LU15027442"
    assert founder.role_grants.get().role == "owner"
    assert founder.current_organisation == organisation
    assert AuditEvent.objects.get().action == "organisation.created"


@pytest.mark.django_db
def test_the_same_form_twice_founds_one_organisation():
    founder = make_user()
    assert create_organisation(actor=founder, **FACTS) == create_organisation(actor=founder, **FACTS)
    assert Organisation.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("same", ["vat_number", "euid"])
def test_a_company_is_registered_once(same):
    create_organisation(actor=make_user(), **FACTS)
    other = {"vat_number": "", "euid": "", same: FACTS[same]}
    with refused("organisation_exists"):
        create_organisation(actor=make_user(), **{**FACTS, **other})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"country": "US"}, "country"),
        ({"vat_number": "", "euid": ""}, "identifier_missing"),
        ({"vat_number": "LU1"}, "vat_number"),
        ({"euid": "LU"}, "euid"),
        ({"nace_code": "x"}, "nace_code"),
    ],
)
def test_a_wrong_fact_founds_nothing(changed, code):
    with refused(code):
        create_organisation(actor=make_user(), **{**FACTS, **changed})
    assert not Organisation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_double_click_founds_one_organisation():
    founder = make_user()
    found = together(*[lambda: create_organisation(actor=founder, **FACTS)] * 5)
    assert outcomes(found) == ["done"] * 5
    assert Organisation.objects.count() == founder.role_grants.count() == 1


@pytest.mark.django_db
def test_changing_details_checks_them_again(owner, organisation):
    with refused("vat_number"):
        edit_organisation(actor=owner, organisation=organisation, vat_number="LU1")
    edit_organisation(actor=owner, organisation=organisation, city="Esch")
    organisation.refresh_from_db()
    assert organisation.city == "Esch"
    assert AuditEvent.objects.get(action="organisation.changed").data == {"fields": ["city"]}


@pytest.mark.django_db
def test_the_form_shows_the_refusal_beside_its_field(signed_in):
    answer = signed_in(make_user()).post(reverse("accounts:organisation_create"), {**FACTS, "vat_number": "LU1"})
    assert "vat_number" in answer.context["form"].errors
    assert b"There is a problem" in answer.content


@pytest.mark.django_db
def test_the_form_founds_and_leads_to_what_is_still_to_do(signed_in):
    answer = signed_in(make_user()).post(reverse("accounts:organisation_create"), FACTS, follow=True)
    assert b"Company figures and size" in answer.content


# ---- figures -------------------------------------------------------------------------------------------------------


def figures(owner, organisation, *, year_end=date(2025, 12, 31), awu="12", basis="approved"):
    return record_account_year(
        actor=owner, organisation=organisation, year_end=year_end, headcount_awu=Decimal(awu),
        turnover_eur=Decimal("1500000"), balance_sheet_eur=Decimal("900000"), basis=basis, on=TODAY,
    )  # fmt: skip


@pytest.mark.django_db
def test_a_signed_declaration_keeps_its_inputs_and_its_derivation(owner, organisation):
    figures(owner, organisation)
    assessment = declare_size(actor=owner, organisation=organisation, autonomous=True, on=TODAY)
    assert (assessment.size_class, assessment.declared_on, assessment.declared_by) == ("small", TODAY, owner)
    assert assessment.trace["inputs"]["ownership"]["parties"][0]["periods"][0]["awu"] == "12.00"
    assert assessment.trace["tree"]["article"] == "Art 2"


@pytest.mark.django_db
def test_nothing_is_signed_without_figures(owner, organisation):
    with refused("figures_missing"):
        declare_size(actor=owner, organisation=organisation, autonomous=True, on=TODAY)


@pytest.mark.django_db
def test_a_year_entered_again_is_replaced(owner, organisation):
    figures(owner, organisation)
    figures(owner, organisation, awu="14")
    assert AccountYear.objects.get().headcount_awu == 14


@pytest.mark.django_db
def test_accounts_of_a_running_year_are_not_approved(owner, organisation):
    with refused("year_end"):
        figures(owner, organisation, year_end=date(2026, 12, 31))


@pytest.mark.django_db
def test_estimates_are_for_companies_without_accounts(owner, organisation):
    figures(owner, organisation)
    with refused("estimate_not_allowed"):
        figures(owner, organisation, year_end=date(2026, 12, 31), basis="estimate")


@pytest.mark.parametrize(
    ("written", "sign", "plain"),
    [
        ("1500000", ".", "1500000"),
        ("1 500 000", ".", "1500000"),
        ("1,500,000.50", ".", "1500000.50"),
        ("1.500.000,50", ".", "1500000.50"),
        ("1'500'000", ".", "1500000"),
        ("1,500", ".", "1500"),
        ("1.500", ",", "1500"),
        ("1.500", ".", "1.500"),
        ("1,500", ",", "1.500"),
        ("12,5", ".", "12.5"),
        ("€ 12.50", ",", "12.50"),
        ("-3", ".", "-3"),
        ("many", ".", "many"),
    ],
)
def test_amounts_are_read_as_people_write_them(written, sign, plain):
    assert plain_number(written, decimal_sign=sign) == plain


# ---- declaration of other aid --------------------------------------------------------------------------------------


def lines(*rows, **fields):
    signature = {"signer_name": "Olga Owner", "signer_position": "Director", "signed": "on"}
    data = {"lines-TOTAL_FORMS": str(len(rows)), "lines-INITIAL_FORMS": "0", **signature, **fields}
    for number, row in enumerate(rows):
        data |= {f"lines-{number}-{name}": value for name, value in row.items()}
    return data


LINE = {"state": "FI", "amount_eur": "1,000.50", "granted_on": "2026-01-15", "regulation": "2023/2831"}


@pytest.mark.django_db
def test_a_declaration_with_a_line_is_signed_on_the_page(signed_in, owner, organisation):
    signed_in(owner).post(reverse("accounts:aid_declare"), lines(LINE, {}, other_aid="some"))
    assert latest_declaration(organisation).items == [
        {"state": "FI", "amount_eur": "1000.50", "granted_on": "2026-01-15", "regulation": "2023/2831"}
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "data",
    [
        lines({}, other_aid="some"),
        lines(LINE, other_aid="none"),
        lines({}, other_aid="none", signed=""),
        lines({**LINE, "amount_eur": "-1"}, other_aid="some"),
        lines({**LINE, "state": "US"}, other_aid="some"),
        lines({**LINE, "granted_on": "2999-01-01"}, other_aid="some"),
        lines({}, other_aid=""),
        {},
    ],
)
def test_a_declaration_that_contradicts_itself_is_not_signed(data, signed_in, owner, organisation):
    answer = signed_in(owner).post(reverse("accounts:aid_declare"), data)
    assert answer.status_code == 200
    assert latest_declaration(organisation) is None


@pytest.mark.django_db
def test_what_was_declared_before_is_filled_in_and_can_be_kept_or_emptied(signed_in, owner, organisation):
    client, page = signed_in(owner), reverse("accounts:aid_declare")
    client.post(page, lines(LINE, {**LINE, "state": "SE"}, other_aid="some"))
    assert client.get(page).content.count(b"1000.50") == 2
    empty = {"state": "", "amount_eur": "", "granted_on": "", "regulation": "2023/2831"}
    client.post(page, lines(LINE, empty, other_aid="some"))
    assert [item["state"] for item in latest_declaration(organisation).items] == ["FI"]
    client.post(page, {**lines(LINE, other_aid="some"), "lines-INITIAL_FORMS": "1"})
    assert [item["state"] for item in latest_declaration(organisation).items] == ["FI"]


@pytest.mark.django_db
def test_another_line_keeps_what_was_typed(signed_in, owner, organisation):
    data = lines({**LINE, "amount_eur": "12345"}, other_aid="some", more="1")
    answer = signed_in(owner).post(reverse("accounts:aid_declare"), data)
    assert answer.content.count(b'name="lines-1-amount_eur"') == 1
    assert b'value="12345"' in answer.content
    assert b"There is a problem" not in answer.content


@pytest.mark.django_db
def test_the_account_can_be_taken_along_as_csv(signed_in, owner, organisation):
    signed_in(owner).post(reverse("accounts:aid_declare"), lines(LINE, other_aid="some"))
    text = signed_in(owner).get(reverse("accounts:aid_csv")).content.decode("utf-8-sig")
    head, row = text.splitlines()
    cells = dict(zip(head.split(","), row.split(","), strict=True))
    assert (cells["state"], cells["granted_on"], cells["amount_eur"]) == ("FI", "2026-01-15", "1000.50")
    assert (cells["source"], cells["counts_no_more_from"]) == ("declared", "2029-01-16")
