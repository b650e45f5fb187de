"""Declared aid: of which company, in which currency, and each grant once."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.state_aid.keys import organisation_key
from accounts.state_aid.services import declare_aid, enter_parameter, headroom, latest_declaration
from tests.accounts.state_aid.services.given import (
    TODAY,
    confirmed_link,
    grant_aid,
    item,
    left,
    link,
    make_administrator,
    make_company,
    past_award,
    refused,
)

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 2)


def declared(company, *items, **more):
    return declare_aid(organisation=company, items=items, actor=company.owner, on=TODAY, **more)


def in_kronor(**more):
    return {"state": "SE", "granted_on": DAY, "regulation": "2023/2831", "amount": Decimal("112345"),
            "currency": "SEK", **more}  # fmt: skip


# ---- whose aid it is -----------------------------------------------------------------------------------------------


def test_aid_that_a_confirmed_member_declared_counts_for_the_group():
    one, other = make_company(), make_company(items=[item("40000")])
    confirmed_link(one, controlled=other)
    assert left(one) == Decimal("260000.00")


def test_the_same_grant_declared_by_two_members_counts_once():
    one, other = make_company(), make_company(items=[item("40000")])
    confirmed_link(one, controlled=other)
    declared(one, item("40000", member=organisation_key(other.pk)))
    assert left(one) == left(other) == Decimal("260000.00")


def test_two_equal_grants_of_one_statement_count_twice():
    company = make_company(items=[item("40000"), item("40000")])
    assert left(company) == Decimal("220000.00")


def test_what_this_portal_granted_is_not_counted_again_when_it_is_declared_too():
    company = make_company()
    grant_aid(company, "40000")
    declared(company, item("40000", day=TODAY))
    assert left(company) == Decimal("260000.00")


def test_a_parent_that_is_not_here_can_have_its_aid_declared():
    company = make_company()
    link(company, controller="party:0001")
    declared(company, item("40000", member="party:0001"))
    assert left(company) == Decimal("260000.00")


def test_aid_of_a_company_outside_the_group_is_not_taken():
    with refused("declaration_item"):
        declared(make_company(), item("40000", member="vat:DE136695976"))


def test_aid_of_another_time_counts_by_its_own_day():
    company = make_company()
    past_award(company, "100000", on=date(2023, 11, 20))
    assert left(company) == Decimal("300000.00")


# ---- currency ------------------------------------------------------------------------------------------------------


def test_a_typed_rate_turns_the_amount_into_euro_and_is_kept():
    company = make_company()
    declared(company, in_kronor(rate=Decimal("11.2345")))
    assert latest_declaration(company).items == [
        {"state": "SE", "amount_eur": "10000.00", "currency": "SEK", "amount": "112345", "rate": "11.2345",
         "granted_on": "2026-03-02", "regulation": "2023/2831"}
    ]  # fmt: skip
    assert left(company, "SE") == Decimal("290000.00")


def test_the_rate_entered_for_that_day_is_used_when_none_is_typed():
    enter_parameter(key="exchange_rate", state="SEK", value={"units_per_euro": "10"}, valid_from=date(2026, 3, 1),
                    source="European Central Bank", actor=make_administrator())  # fmt: skip
    company = make_company()
    declared(company, in_kronor())
    assert latest_declaration(company).items[0]["amount_eur"] == "11234.50"


def test_without_any_rate_the_line_is_refused_with_what_to_enter():
    with refused("declaration_rate"):
        declared(make_company(), in_kronor())


@pytest.mark.parametrize("amount", ["0", "-1"])
def test_an_amount_must_be_above_zero_in_every_currency(amount):
    with refused("declaration_item"):
        declared(make_company(), in_kronor(amount=Decimal(amount), rate=Decimal(11)))


# ---- what else is stated -------------------------------------------------------------------------------------------


def test_statements_and_signature_are_kept_with_it():
    company = make_company()
    declared(company, statements={"recovery_order": False}, signature={"name": "Olga", "position": "Director"})
    kept = latest_declaration(company)
    assert (kept.statements, kept.signature["position"]) == ({"recovery_order": False}, "Director")


def test_costs_authority_and_intensity_stay_with_the_line():
    company = make_company()
    declared(company, item(costs="Move to AI", authority="Region", intensity=Decimal("50")))
    [counted] = headroom(organisation=company, granting_state="LU", on=TODAY).items
    assert (counted.aid.costs, counted.aid.intensity) == ("Move to AI", Decimal(50))
