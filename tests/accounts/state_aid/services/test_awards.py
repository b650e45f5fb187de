"""The life of an award: reserved and granted at once, frozen with how it was valued, lowered by rows of its own."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction

from accounts.models import AidAward, AidDuty, AuditEvent
from accounts.state_aid import services
from tests.accounts.state_aid.services.given import TODAY, grant_aid, left, make_company, make_scheme, refused

pytestmark = pytest.mark.django_db
VALUATION = {"gpu_hours": "50000", "eur_per_gpu_hour": "2.20", "method": "market_median", "rate_card": "7"}


def events(award):
    rows = AidAward.objects.filter(award=award.award).order_by("created_at")
    return [(row.event, row.amount_eur) for row in rows]


def taken_back(award, amount, event="adjusted"):
    with transaction.atomic():
        return services.release_award(
            award=award.award, event=event, amount_eur=Decimal(amount), reason="Agreed.", actor=None, on=TODAY
        )


def test_a_grant_is_reserved_and_conferred_and_counts_once():
    company = make_company()
    award = grant_aid(company, "110000")
    assert events(award) == [("reserved", Decimal("110000.00")), ("granted", Decimal("0.00"))]
    assert left(company) == Decimal("190000.00")


def test_how_it_was_valued_is_frozen_with_the_award():
    """D11: 50 000 GPU-hours at 2.20, nothing paid."""
    award = grant_aid(make_company(), "110000", valuation=VALUATION)
    for row in AidAward.objects.filter(award=award.award):
        assert row.valuation == VALUATION


def test_who_received_it_is_frozen_as_registers_ask():
    company = make_company(legal_name="Old Name", nuts2="LU00")
    award = grant_aid(company, "1000")
    company.legal_name = "New Name"
    company.save(update_fields=["legal_name"])
    award.refresh_from_db()
    facts = award.beneficiary
    assert (facts["name"], facts["nuts2"], facts["size"], facts["nace_code"]) == ("Old Name", "LU00", "small", "62.10")
    assert facts["natural_person"] == "no"


def test_the_duties_open_with_the_grant():
    award = grant_aid(make_company(), "1000")
    assert AidDuty.objects.filter(award=award.award, kind="register").exists()


def test_what_was_lowered_counts_no_more_and_the_register_must_learn_of_it():
    company = make_company()
    award = grant_aid(company, "1000")
    AidDuty.objects.get(award=award.award, kind="register").move_to("done")
    taken_back(award, "400")
    assert left(company) == Decimal("299400.00")
    assert AidDuty.objects.filter(award=award.award, kind="correction").exists()


@pytest.mark.parametrize("event", ["adjusted", "lapsed", "reversed"])
def test_each_way_of_taking_back_is_a_row_of_its_own(event):
    award = grant_aid(make_company(), "1000")
    taken_back(award, "1000", event)
    assert events(award)[-1] == (event, Decimal("-1000.00"))
    assert services.standing(award.award) == 0
    assert AuditEvent.objects.filter(action=f"aid.{event}").exists()


def test_the_sum_of_a_thread_is_never_negative():
    award = grant_aid(make_company(), "1000")
    taken_back(award, "600")
    with refused("aid_award_too_small"):
        taken_back(award, "400.01")
    with refused("aid_award_too_small"):
        taken_back(award, "0.001")


def test_a_grant_takes_nothing_back():
    award = grant_aid(make_company(), "1000")
    with pytest.raises(ValueError, match="granted"):
        taken_back(award, "1", "granted")


def adjusted(company, used, reference="ALC-1"):
    with transaction.atomic():
        return services.adjust_to_use(
            organisation=company, reference=reference, used_eur=Decimal(used), agreement="Letter 12/34",
            actor=company.owner, on=TODAY,
        )  # fmt: skip


def test_of_several_awards_under_one_reference_the_last_is_lowered_first():
    company = make_company()
    first, second = grant_aid(company, "1000"), grant_aid(company, "500")
    adjusted(company, "800")
    assert (services.standing(first.award), services.standing(second.award)) == (Decimal("800.00"), Decimal("0.00"))
    assert (events(first)[-1][0], events(second)[-1][0]) == ("adjusted", "lapsed")
    assert left(company) == Decimal("299200.00")


def test_an_award_that_was_used_whole_stays():
    company = make_company()
    grant_aid(company, "1000")
    with refused("nothing_to_adjust"):
        adjusted(company, "1000")


def test_the_day_of_the_grant_stays_when_it_is_lowered():
    company = make_company()
    award = grant_aid(company, "1000")
    row = taken_back(award, "1")
    assert row.granted_on == award.granted_on


def test_time_of_the_union_is_recorded_with_its_value_and_opens_no_register_duty():
    company = make_company()
    award = grant_aid(company, "400000", origin="union_share")
    assert left(company) == Decimal("300000.00")
    assert services.standing(award.award) == Decimal("400000.00")
    assert not AidDuty.objects.filter(award=award.award, kind="register").exists()


def test_the_account_lists_time_of_the_union_as_no_aid():
    company = make_company()
    grant_aid(company, "400000", origin="union_share")
    account = services.headroom(organisation=company, granting_state="LU", on=TODAY)
    assert [(item.counted, item.why) for item in account.items] == [(False, "no_state_aid")]


def test_aid_under_a_scheme_names_it():
    scheme = make_scheme()
    project = services.Project(submitted_on=date(2026, 11, 1), works_start_on=date(2026, 12, 1))
    company = make_company(statements={"recovery_order": False, "difficulty": {"limited_liability": True}})
    award = grant_aid(company, "1000", scheme=scheme, project=project, reviewed_by=company.owner)
    assert (award.scheme, award.regime) == (scheme, "651/2014-28")
