"""The pages about groups, declarations and law, through the web as people use them."""

import json
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import AidScheme, ControlStatement, LegalParameter, SmeAssessment, UndertakingEvent
from accounts.roles import Role
from accounts.state_aid import difficulty, regimes, serial
from accounts.state_aid.keys import organisation_key
from accounts.state_aid.services import build_case, latest_declaration
from portal.kernel.clock import today
from tests.accounts.state_aid.services.given import (
    item,
    left,
    link,
    make_administrator,
    make_company,
    make_scheme,
    past_award,
)
from tests.factories import grant, make_user, with_second_factor

pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    return make_company()


@pytest.fixture
def own(client, company):
    client.force_login(company.owner)
    return client


@pytest.fixture
def office(client):
    client.force_login(with_second_factor(make_administrator()))
    return client


def page(name, *args):
    return reverse(f"accounts:{name}", args=args)


LINK = {"direction": "up", "name": "Holding GmbH", "country": "DE", "vat_number": "DE 136 695 976",
        "ground": "majority_of_votes", "valid_from": "2024-01-01"}  # fmt: skip


# ---- links ---------------------------------------------------------------------------------------------------------


def test_an_owner_states_a_link_and_reads_that_it_waits(own, company):
    answer = own.post(page("group_link"), LINK, follow=True)
    row = ControlStatement.objects.get()
    assert (row.controller, row.controlled) == ("vat:DE136695976", organisation_key(company.pk))
    assert b"Waits for confirmation" in answer.content


def test_the_page_is_the_same_whether_the_company_named_is_here_or_not(client):
    make_company(vat_number="DE136695976", country="DE", legal_name="Secret Name GmbH", items=[item("250000")])
    shown = []
    for number in ("DE136695976", "DE129273398"):
        company = make_company(legal_name="Curious SARL")
        client.force_login(company.owner)
        answer = client.post(page("group_link"), {**LINK, "vat_number": number}, follow=True).content.decode()
        assert "Secret Name" not in answer
        main = answer[answer.index("<main") : answer.index("</main>")]
        own_ids = (str(ControlStatement.objects.get(organisation=company).pk), number)
        for one in own_ids:
            main = main.replace(one, "·")
        shown.append(main)
    assert shown[0] == shown[1]


def test_the_page_marks_members_that_nobody_confirmed(own, company):
    assert b"Not confirmed yet" not in own.get(page("group")).content
    link(company, controller="vat:DE136695976")
    assert b"Not confirmed yet" in own.get(page("group")).content


def test_a_faulty_number_is_named_beside_its_field_and_nothing_typed_is_lost(own):
    answer = own.post(page("group_link"), {**LINK, "vat_number": "DE1"})
    assert b"not a valid VAT number" in answer.content
    assert b"Holding GmbH" in answer.content
    assert not ControlStatement.objects.exists()


def test_a_company_without_a_number_keeps_its_key_by_its_name(own):
    for direction in ("up", "down"):
        own.post(page("group_link"), {**LINK, "direction": direction, "vat_number": "", "country": "US"})
    up, down = ControlStatement.objects.order_by("created_at")
    assert up.controller == down.controlled
    assert up.confirmed_on == today()


def test_the_owner_named_sees_the_statement_and_confirms_it(client):
    one, other = make_company(legal_name="Upper SA"), make_company()
    row = link(one, controlled=other)
    client.force_login(other.owner)
    assert b"Upper SA states" in client.get(page("group")).content
    client.post(page("group_link_confirm", row.pk))
    row.refresh_from_db()
    assert row.confirmed_by == other.owner


def test_the_owner_named_refuses_a_statement_with_a_reason(client):
    one, other = make_company(), make_company(legal_name="Registered Name GmbH")
    row = link(one, controlled=other)
    client.force_login(other.owner)
    assert page("group_link_refuse", row.pk).encode() in client.get(page("group")).content
    url = page("group_link_refuse", row.pk)
    assert b"Say what is wrong" in client.post(url, {"reason": ""}).content
    client.post(url, {"reason": "Sold in 2024"})
    row.refresh_from_db()
    assert (row.refused_by, row.refused_reason, row.valid_to) == (other.owner, "Sold in 2024", today())
    client.force_login(one.owner)
    assert b"Sold in 2024" in client.get(page("group")).content
    client.force_login(with_second_factor(make_administrator()))
    office = client.get(page("groups")).content
    assert b"Sold in 2024" in office and page("groups_link", row.pk).encode() not in office


def test_a_link_is_ended_on_a_page_of_its_own(own, company):
    row = link(company, controller="party:1")
    own.post(page("group_link_end", row.pk), {"valid_to": "2026-11-01"})
    row.refresh_from_db()
    assert row.valid_to == date(2026, 11, 1)


def test_a_member_reads_the_group_and_changes_nothing(client, company):
    somebody = make_user()
    grant(somebody, Role.MEMBER, organisation=company)
    client.force_login(somebody)
    assert client.get(page("group")).status_code == 200
    assert client.post(page("group_link"), LINK).status_code == 403
    assert client.get(page("group_event")).status_code == 403


# ---- events --------------------------------------------------------------------------------------------------------


def event_data(**fields):
    return {
        "kind": "split", "on": "2026-06-01", "we_were": "on", "we_are": "on", "equity": "300000",
        "companies-TOTAL_FORMS": "1", "companies-INITIAL_FORMS": "0", "companies-0-name": "Child SARL",
        "companies-0-country": "FI", "companies-0-vat_number": "FI20774740", "companies-0-after": "on",
        "companies-0-equity": "100000", **fields,
    }  # fmt: skip


def test_an_owner_states_a_split_with_who_uses_what(own, company):
    past_award(company, "240000", on=date(2025, 5, 1), reference="ALC-7")
    answer = own.post(page("group_event"), event_data(used_0="0"), follow=True)
    row = UndertakingEvent.objects.get()
    me = organisation_key(company.pk)
    assert (row.before, row.after) == ([me], [me, "vat:FI20774740"])
    assert row.equity == {me: "300000", "vat:FI20774740": "100000"}
    assert row.used_by == {"ALC-7": "vat:FI20774740"}
    assert b"Waits for confirmation" in answer.content


def test_the_buyer_stands_first_in_a_takeover(own, company):
    own.post(page("group_event"), event_data(kind="acquisition", buyer="first"))
    row = UndertakingEvent.objects.get()
    assert row.before == row.after == ["vat:FI20774740", organisation_key(company.pk)]


def test_another_company_keeps_what_was_typed(own):
    answer = own.post(page("group_event"), event_data(more="1"))
    assert b"Child SARL" in answer.content
    assert b"companies-1-name" in answer.content
    assert b"There is a problem" not in answer.content


def test_a_correction_starts_from_the_row_and_replaces_it(own, company):
    own.post(page("group_event"), event_data())
    first = UndertakingEvent.objects.get()
    assert b"Child SARL" in own.get(page("group_event_correct", first.pk)).content
    own.post(page("group_event_correct", first.pk), event_data(equity="100000"))
    assert UndertakingEvent.objects.get(supersedes=first).equity[organisation_key(company.pk)] == "100000"


def test_an_event_is_taken_back_on_its_page(own):
    own.post(page("group_event"), event_data())
    first = UndertakingEvent.objects.get()
    answer = own.post(page("group_event_correct", first.pk), {"take_back": "1"}, follow=True)
    assert UndertakingEvent.objects.get(supersedes=first).before == []
    assert b"Child SARL" not in answer.content


def test_parties_that_do_not_fit_are_explained(own):
    answer = own.post(page("group_event"), event_data(kind="merger"))
    assert b"Check the parties" in answer.content


# ---- administrators ------------------------------------------------------------------------------------------------


def test_an_administrator_confirms_links_and_events(office, company):
    row = link(company, controller="vat:DE136695976")
    assert b"vat:DE136695976" in office.get(page("groups")).content
    office.post(page("groups_link", row.pk))
    row.refresh_from_db()
    assert row.confirmed_on == today()


@pytest.mark.parametrize("name", ["law", "groups", "law_scheme_add"])
def test_pages_of_law_are_closed_to_owners(own, name):
    assert own.get(page(name)).status_code == 403


def test_a_rate_is_entered_with_its_source_and_stands_in_the_history(office):
    data = {"state": "sek", "units_per_euro": "11.2345", "valid_from": "2026-03-02", "source": "ECB, 2 March 2026"}
    answer = office.post(page("law_parameters", "exchange_rate"), data, follow=True)
    assert LegalParameter.objects.get().state == "SEK"
    assert b"11.2345" in answer.content
    assert b"ECB, 2 March 2026" in answer.content


def test_a_reading_is_chosen_and_the_others_stay(office):
    data = {"innovation_everywhere": "False", "valid_from": "2026-03-02", "source": "Opinion of the ministry"}
    office.post(page("law_parameters", "policy"), data)
    assert LegalParameter.objects.get().value == {"innovation_everywhere": False}
    assert b"Opinion of the ministry" in office.get(page("law_parameters", "policy")).content


def test_a_new_version_of_a_text_starts_from_the_row_in_force(office):
    shown = office.get(page("law_parameters", "law") + "?from=2023/2831").content.decode()
    assert "2023/2831" in shown
    row = serial.law_to_json(regimes.DE_MINIMIS[0]) | {"version": "2023/2831 as amended"}
    answer = office.post(page("law_parameters", "law"), {"row": json.dumps(row), "source": "OJ L 1"})
    assert answer.status_code == 302
    assert LegalParameter.objects.get().valid_from == date(2024, 1, 1)


def test_a_faulty_row_of_law_is_shown_again_with_the_place_of_the_fault(office):
    answer = office.post(page("law_parameters", "law"), {"row": '{"code": "x"}', "source": "OJ L 1"})
    assert b"kind: is missing" in answer.content


def test_an_unknown_kind_of_row_is_not_found(office):
    assert office.get(page("law_parameters", "something")).status_code == 404


SCHEME = {"title": "Compute for all", "code": "lu-compute", "state": "LU", "authority": "A ministry",
          "basis": "651/2014-28", "valid_from": "2026-02-01", "published_on": "2026-01-01",
          "published_url": "https://example.eu/x"}  # fmt: skip


def test_a_scheme_is_added_and_edited(office):
    office.post(page("law_scheme_add"), SCHEME)
    scheme = AidScheme.objects.get()
    office.post(page("law_scheme", scheme.pk), {**SCHEME, "title": "Compute for some"})
    scheme.refresh_from_db()
    assert scheme.title == "Compute for some"


def test_a_scheme_published_after_its_offer_is_refused_beside_the_day(office):
    answer = office.post(page("law_scheme_add"), {**SCHEME, "published_on": "2026-03-01"})
    assert b"before it is offered" in answer.content
    assert not AidScheme.objects.exists()


# ---- the declaration -----------------------------------------------------------------------------------------------


def declaration(*rows, **fields):
    data = {"lines-TOTAL_FORMS": str(len(rows)), "lines-INITIAL_FORMS": "0", "signed": "on", "signer_name": "Olga",
            "signer_position": "Director", "other_aid": "some" if rows else "none", **fields}  # fmt: skip
    for number, row in enumerate(rows):
        data |= {f"lines-{number}-{name}": value for name, value in row.items()}
    return data


LINE = {"state": "SE", "amount_eur": "112345", "currency": "SEK", "granted_on": "2026-03-02",
        "regulation": "2023/2831"}  # fmt: skip


def test_a_line_in_another_currency_asks_for_the_rate_and_keeps_what_was_typed(own, company):
    before = latest_declaration(company).pk
    answer = own.post(page("aid_declare"), declaration(LINE))
    assert b"European Central Bank" in answer.content
    assert b'value="112345"' in answer.content
    assert latest_declaration(company).pk == before
    own.post(page("aid_declare"), declaration({**LINE, "rate": "11.2345"}))
    assert latest_declaration(company).items[0]["amount_eur"] == "10000.00"


def test_questions_of_block_exemptions_are_asked_only_where_a_scheme_is_in_force(own):
    assert b"recovery_order" not in own.get(page("aid_declare")).content
    make_scheme()
    assert b"recovery_order" in own.get(page("aid_declare")).content


def test_figures_on_difficulty_are_kept(own, company):
    make_scheme()
    answers = {"recovery_order": "no", "limited_liability": "yes", "subscribed_capital_eur": "50,000",
               "accumulated_result_eur": "-12,500.50", "insolvency": "no", "rescue_aid_open": "no"}  # fmt: skip
    own.post(page("aid_declare"), declaration(**answers))
    said = latest_declaration(company).statements
    assert said["recovery_order"] is False
    assert said["difficulty"]["accumulated_result_eur"] == "-12500.50"
    assert b"-12500.50" in own.get(page("aid_declare")).content


RATIOS = {"debt_to_equity_1": "8", "interest_cover_1": "-0.5", "debt_to_equity_2": "7.6", "interest_cover_2": "0.9"}


def test_large_firms_are_asked_for_debt_and_interest_of_two_years(own, company):
    make_scheme()
    assert b"debt_to_equity" not in own.get(page("aid_declare")).content
    SmeAssessment.objects.filter(organisation=company).update(size_class="large")
    assert b"debt_to_equity_2" in own.get(page("aid_declare")).content
    own.post(page("aid_declare"), declaration(**RATIOS))
    said = latest_declaration(company).statements["difficulty"]
    assert (said["debt_to_equity"], said["interest_cover"]) == (["8", "7.6"], ["-0.5", "0.9"])
    judged = build_case(
        organisation=company, granting_state="LU", origin="national_share", amount_eur=Decimal(1), on=today(),
        scheme=AidScheme.objects.get(),
    )  # fmt: skip
    found = difficulty.test(judged.exemption.difficulty, is_sme=False, age_years=9)
    assert found.grounds == ("e",)
    again = own.get(page("aid_declare")).content
    assert b'value="7.6"' in again and b'value="-0.5"' in again


def test_farms_are_asked_whether_they_keep_books_apart(client):
    farm = make_company(nace_code="01.11")
    client.force_login(farm.owner)
    assert b"activities_separated" in client.get(page("aid_declare")).content
    client.post(page("aid_declare"), declaration(activities_separated="yes"))
    assert latest_declaration(farm).statements["activities_separated"] is True


def test_a_purpose_that_aid_may_not_serve_is_kept_with_the_declaration(own, company):
    own.post(page("aid_declare"), declaration(purposes=["export"]))
    assert latest_declaration(company).statements["purposes"] == ["export"]


def test_aid_of_another_member_is_declared_for_it(own, company):
    link(company, controller="party:1")
    own.post(page("aid_declare"), declaration({**LINE, "currency": "EUR", "member": "party:1"}))
    assert left(company, "SE", on=today()) == Decimal("187655.00")


def test_it_lists_what_people_forget(own):
    assert b"Vouchers" in own.get(page("aid_declare")).content
