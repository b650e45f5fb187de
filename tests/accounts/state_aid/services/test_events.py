"""Mergers, takeovers and splits: the past stays as it was decided, and what counts afterwards is worked out anew."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import AidAssessment, AidAward, UndertakingEvent
from accounts.state_aid import rules, services
from accounts.state_aid.keys import organisation_key
from portal.kernel.errors import NotAllowed
from tests.accounts.state_aid.services.given import (
    TODAY,
    grant_aid,
    left,
    make_administrator,
    make_company,
    past_award,
    refused,
    verdict,
)

pytestmark = pytest.mark.django_db
DAY = date(2026, 6, 1)


def key(company):
    return organisation_key(company.pk)


def happened(company, kind, before, after, *, on=DAY, confirmed=True, **more):
    names = {one: one for one in (*before, *after)}
    row = services.record_event(
        organisation=company, kind=kind, on=on, before=before, after=after, names=names, actor=company.owner,
        today=TODAY, **more,
    )  # fmt: skip
    return services.confirm_event(event=row, actor=make_administrator()) if confirmed else row


def test_after_a_takeover_both_companies_aid_counts_and_stays_lawful():
    """D8: X has 200 000, takes over Y with 150 000: nothing more fits, and the 350 000 stay."""
    x, y = make_company(), make_company()
    past_award(x, "200000", on=date(2025, 5, 1), reference="ALC-X")
    past_award(y, "150000", on=date(2024, 5, 1), reference="ALC-Y")
    happened(x, "acquisition", [key(x), key(y)], [key(x), key(y)])
    with refused("aid_refused"):
        grant_aid(x, "1")
    assert sum(row.amount_eur for row in AidAward.objects.all()) == Decimal("350000.00")
    assert left(x, on=date(2026, 5, 31)) == Decimal("100000.00")


def test_after_a_merger_the_survivor_carries_the_aid_of_both():
    x, y = make_company(), make_company()
    past_award(y, "120000", on=date(2025, 5, 1))
    happened(x, "merger", [key(x), key(y)], [key(x)])
    assert left(x) == Decimal("180000.00")


def test_a_split_shares_what_nobody_can_attribute_by_equity():
    """D9: 240 000, equity 3 : 1, gives 180 000 and 60 000."""
    firm, child = make_company(), make_company()
    past_award(firm, "240000", on=date(2025, 5, 1))
    equity = {key(firm): Decimal(300000), key(child): Decimal(100000)}
    happened(firm, "split", [key(firm)], [key(firm), key(child)], equity=equity)
    assert left(firm) == Decimal("120000.00")
    assert left(child) == Decimal("240000.00")


def test_aid_goes_with_the_activity_it_was_used_for():
    firm, child = make_company(), make_company()
    past_award(firm, "240000", on=date(2025, 5, 1), reference="ALC-7")
    happened(firm, "split", [key(firm)], [key(firm), key(child)], used_by={"ALC-7": key(child)})
    assert left(firm) == Decimal("300000.00")
    assert left(child) == Decimal("60000.00")


def test_an_unconfirmed_split_takes_nothing_off_the_company_and_asks_for_a_person():
    firm = make_company()
    past_award(firm, "240000", on=date(2025, 5, 1))
    equity = {key(firm): Decimal(1), "vat:FI20774740": Decimal(9)}
    happened(firm, "split", [key(firm)], [key(firm), "vat:FI20774740"], equity=equity, confirmed=False)
    assert left(firm) == Decimal("60000.00")
    assert verdict(firm).outcome == "needs_review"


def test_an_unconfirmed_takeover_shows_nothing_of_the_other_company():
    x, y = make_company(), make_company()
    past_award(y, "150000", on=date(2024, 5, 1))
    happened(x, "acquisition", [key(x), key(y)], [key(x), key(y)], confirmed=False)
    assert left(x) == left(x, on=date(2026, 5, 1)) == Decimal("300000.00")
    assert verdict(x).outcome == "needs_review"
    assert verdict(y).outcome == "allowed"


def test_a_correction_takes_the_place_of_the_row_before_and_both_stay():
    firm, child = make_company(), make_company()
    past_award(firm, "240000", on=date(2025, 5, 1))
    wrong = happened(firm, "split", [key(firm)], [key(firm), key(child)],
                     equity={key(firm): Decimal(1), key(child): Decimal(1)})  # fmt: skip
    assert left(firm) == Decimal("180000.00")
    happened(firm, "split", [key(firm)], [key(firm), key(child)],
             equity={key(firm): Decimal(3), key(child): Decimal(1)}, supersedes=wrong)  # fmt: skip
    assert left(firm) == Decimal("120000.00")
    assert UndertakingEvent.objects.count() == 2
    with refused("event_superseded"):
        services.take_back_event(event=wrong, reason="", actor=firm.owner, today=TODAY)


def test_an_event_taken_back_no_longer_counts():
    x, y = make_company(), make_company()
    past_award(y, "100000", on=date(2025, 5, 1))
    row = happened(x, "merger", [key(x), key(y)], [key(x)])
    services.take_back_event(event=row, reason="It was called off.", actor=x.owner, today=TODAY)
    assert left(x) == Decimal("300000.00")


def test_what_was_judged_before_an_event_replays_to_the_same_bits_after_it():
    x, y = make_company(), make_company()
    grant_aid(x, "200000")
    stored = AidAssessment.objects.get()
    happened(x, "acquisition", [key(x), key(y)], [key(x), key(y)])
    stored.refresh_from_db()
    assert rules.replay(stored.case) == stored.verdict


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("merger", ["me"], ["me"]),
        ("merger", ["me", "vat:X"], ["me", "vat:X"]),
        ("acquisition", ["me"], ["me"]),
        ("acquisition", ["me", "vat:X"], ["me"]),
        ("split", ["me"], ["me"]),
        ("split", ["me", "vat:X"], ["me", "vat:Y"]),
        ("merger", ["vat:X", "vat:Y"], ["vat:X"]),
        ("merger", ["me", "vat:X", "vat:X"], ["me"]),
    ],
)
def test_parties_that_do_not_fit_the_event_are_refused(kind, before, after):
    company = make_company()
    mine = {"me": key(company)}
    with refused("event_parties"):
        happened(company, kind, [mine.get(one, one) for one in before], [mine.get(one, one) for one in after])


def test_an_event_of_tomorrow_is_refused():
    company = make_company()
    with refused("event_in_future"):
        happened(company, "merger", [key(company), "vat:X"], [key(company)], on=date(2026, 11, 22))


def test_owners_do_not_confirm_events():
    company = make_company()
    row = happened(company, "merger", [key(company), "vat:X"], [key(company)], confirmed=False)
    with pytest.raises(NotAllowed):
        services.confirm_event(event=row, actor=company.owner)
