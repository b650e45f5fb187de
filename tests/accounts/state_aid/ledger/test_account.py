"""A company's own account: what is left in each State, what falls out when, who is counted with it."""

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.state_aid.case import Aid, Counted, Room
from accounts.state_aid.charts import falls_out, recovery_chart
from accounts.state_aid.selectors import lives_of
from accounts.state_aid.services import declare_aid
from portal.kernel.clock import today
from tests.accounts.state_aid.ledger.scene import award, company, link, take_back
from tests.factories import make_organisation, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client):
    def get(owner, name="aid"):
        client.force_login(owner)
        answer = client.get(reverse(f"accounts:{name}"))
        assert answer.status_code == 200
        return answer

    return get


def room(*items, used="0"):
    return Room(
        code="general", article="Art 3(2)", ceiling_eur=Decimal("300000"), used_eur=Decimal(used),
        before_eur=Decimal("300000") - Decimal(used), after_eur=Decimal(0), window_from=date(2023, 11, 21),
        items=tuple(
            Counted(Aid("org:x", "FI", Decimal(amount), day), Decimal(amount), counted, out)
            for amount, day, counted, out in items
        ),
    )  # fmt: skip


FIRST = ("100000", date(2024, 6, 1), True, date(2027, 6, 2))
SECOND = ("40000", date(2025, 3, 15), True, date(2028, 3, 16))
GONE = ("9000", date(2020, 1, 1), False, date(2023, 1, 2))


def test_the_chart_steps_down_on_each_day_something_falls_out():
    chart = recovery_chart(room(SECOND, FIRST, GONE, used="140000"), on=date(2026, 11, 21), place="Finland", ident="x")
    assert [(step.day, step.value) for step in chart.steps] == [
        (date(2026, 11, 21), 140000.0), (date(2027, 6, 2), 40000.0), (date(2028, 3, 16), 0.0)
    ]  # fmt: skip
    assert [list(cells) for _day, cells in chart.rows] == [
        ["–", "€140,000.00", "€160,000.00"],
        ["€100,000.00", "€40,000.00", "€260,000.00"],
        ["€40,000.00", "€0.00", "€300,000.00"],
    ]
    assert chart.end == date(2029, 11, 21)


def test_two_grants_of_one_day_fall_out_together():
    assert falls_out(room(FIRST, FIRST, used="200000")) == [(date(2027, 6, 2), Decimal("200000"))]


def test_what_a_register_knows_beyond_our_rows_stays_in_the_chart():
    chart = recovery_chart(room(FIRST, used="130000"), on=date(2026, 11, 21), place="Finland", ident="x")
    assert [step.value for step in chart.steps] == [130000.0, 30000.0]
    assert "€270,000.00 is free" in chart.summary


def test_nothing_used_draws_nothing():
    assert recovery_chart(room(GONE), on=date(2026, 11, 21), place="Finland", ident="x") is None


def test_the_page_shows_what_is_left_in_each_state(page):
    organisation, owner = company()
    award(organisation, "100000", state="FI")
    award(organisation, "20000.50", state="DK")
    answer = page(owner)
    cards = answer.context["accounts"]
    assert [(card.place, card.first.room.before_eur) for card in cards] == [
        ("Finland", Decimal("200000.00")), ("Denmark", Decimal("279999.50"))
    ]  # fmt: skip
    text = answer.content.decode()
    assert "€200,000.00" in text and "What falls out when" in text


def test_union_share_is_listed_and_not_counted(page):
    organisation, owner = company()
    award(organisation, "5000", origin="union_share")
    answer = page(owner)
    assert answer.context["accounts"][0].first.room.used_eur == 0
    assert "the Union" in answer.content.decode()


def test_another_members_aid_is_one_line_with_its_name(page):
    mother, _owner = company(legal_name="Mother Mills Ltd")
    daughter, owner = company(legal_name="Daughter Looms Ltd")
    link(mother, daughter)
    award(mother, "70000")
    award(mother, "30000")
    answer = page(owner)
    card = answer.context["accounts"][0].first
    (line,) = [line for line in card.lines if not line.own]
    assert (line.who, line.amount, line.grants) == ("Mother Mills Ltd", Decimal("100000.00"), 2)
    assert card.room.before_eur == Decimal("200000.00")
    assert "Mother Mills Ltd" in answer.content.decode()


def test_the_life_of_an_award_is_shown_with_what_stands(page):
    organisation, owner = company()
    take_back(award(organisation, "1100"), "300")
    (life,) = lives_of(organisation)
    assert [row.event for row in life.rows] == ["reserved", "granted", "adjusted"]
    assert life.standing == Decimal("800.00")
    text = page(owner).content.decode()
    assert "Adjusted" in text and "€800.00" in text


def test_an_account_without_aid_says_that_everything_is_left(page):
    _organisation, owner = company()
    text = page(owner).content.decode()
    assert "Nothing counts yet" in text and "€300,000" in text


def test_without_a_declaration_the_page_says_what_to_do(page):
    _organisation, owner = company()
    silent = make_user()
    make_organisation(owner=silent)
    assert "not declared yet" in page(silent).content.decode()
    assert "not declared yet" not in page(owner).content.decode()


def test_visitors_read_what_public_support_means(client):
    text = client.get(reverse("accounts:aid")).content.decode()
    assert "€300,000" in text and "2023/2831" in text


def test_the_tables_for_machines_hold_the_same(page):
    organisation, owner = company()
    award(organisation, "1100")
    declare_aid(
        organisation=organisation, actor=owner, on=today(),
        items=[{"state": "FI", "amount_eur": Decimal("50"), "granted_on": today() - timedelta(days=9),
                "regulation": "2023/2831"}],
    )  # fmt: skip
    lines = page(owner, "aid_csv").content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("state,limit,granted_on")
    assert sorted(line.split(",")[3] for line in lines[1:]) == ["1100.00", "50.00"]
    answer = json.loads(page(owner, "aid_json").content)
    assert answer["awards"][0]["standing_eur"] == "1100.00"
    assert answer["accounts"][0]["limits"][0]["before_eur"] == "298850.00"
