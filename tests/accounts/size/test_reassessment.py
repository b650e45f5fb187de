"""How long a signed size lasts, and that its owners are asked once when a year has closed."""

from datetime import date, timedelta

import pytest

from accounts.models import LegalParameter, Notification
from accounts.services import assessment_in_force, declare_size
from accounts.services.reassessment import a_year_later, ask_again
from accounts.size_in_force import last_day_in_force
from accounts.size_policy import size_policy_on
from accounts.sme.graph import ChangeMode
from tests.accounts.size.conftest import TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed(scene):
    scene.figures(9.5, 3, 1.9)
    scene.answer()
    return declare_size(actor=scene.owner, organisation=scene.organisation, on=TODAY)


@pytest.mark.parametrize(
    ("closing", "later"),
    [
        (date(2025, 12, 31), date(2026, 12, 31)),
        (date(2024, 2, 29), date(2025, 2, 28)),
        (date(2023, 2, 28), date(2024, 2, 29)),
        (date(2025, 6, 15), date(2026, 6, 15)),
    ],
)
def test_the_next_closing_is_a_year_later_and_month_ends_stay_month_ends(closing, later):
    assert a_year_later(closing) == later


def test_a_new_statement_is_due_once_the_next_accounts_can_be_approved(signed):
    assert signed.reassess_on == date(2026, 12, 31) + timedelta(days=180)


def test_an_estimate_lasts_until_the_first_closing_is_approved(scene):
    scene.figures(8, 0.2, 1.1, year_end=date(2026, 12, 31), basis="estimate")
    scene.answer()
    signed = declare_size(actor=scene.owner, organisation=scene.organisation, on=TODAY)
    assert signed.reassess_on == date(2026, 12, 31) + timedelta(days=180)


def test_it_counts_through_its_last_day_and_not_after(signed):
    last = last_day_in_force(signed)
    assert last == signed.reassess_on + timedelta(days=90)
    assert assessment_in_force(signed.organisation, last) == signed
    assert assessment_in_force(signed.organisation, last + timedelta(days=1)) is None


def test_owners_are_asked_once(signed, owner, member):
    assert ask_again(on=signed.reassess_on - timedelta(days=1)) == 0
    assert ask_again(on=signed.reassess_on) == 1
    assert ask_again(on=signed.reassess_on + timedelta(days=5)) == 0
    notice = Notification.objects.get(kind="size_due")
    assert (notice.user, notice.by_email) == (owner, True)


def test_a_newer_statement_is_not_asked_about(signed, scene):
    scene.figures(10, 3, 2, year_end=date(2026, 12, 31))
    declare_size(actor=scene.owner, organisation=scene.organisation, on=date(2027, 5, 1))
    assert ask_again(on=signed.reassess_on) == 0


def test_the_times_and_the_reading_of_the_law_are_dated_data():
    LegalParameter.objects.create(
        key="sme", value={"approved_after_days": 270, "ownership_change_mode": "two_period"},
        valid_from=date(2027, 1, 1), source="A decision of the steering board",
    )  # fmt: skip
    assert size_policy_on(date(2026, 12, 31)).approved_after_days == 180
    later = size_policy_on(date(2027, 1, 1))
    assert (later.approved_after_days, later.grace_days, later.ownership_change_mode) == (
        270,
        90,
        ChangeMode.TWO_PERIOD,
    )
