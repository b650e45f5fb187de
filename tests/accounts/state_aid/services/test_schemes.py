"""Aid under a State's published scheme (Article 28 with 5(2)(ga) of Regulation 651/2014), from rows to verdict."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import SmeAssessment
from accounts.state_aid.services import Project, declare_aid, enter_parameter, headrooms
from tests.accounts.state_aid.services.given import (
    TODAY,
    grant_aid,
    item,
    make_administrator,
    make_company,
    make_scheme,
    refused,
    verdict,
)

pytestmark = pytest.mark.django_db
SOUND = {
    "limited_liability": True, "subscribed_capital_eur": "50000", "accumulated_result_eur": "1000",
    "insolvency": False, "rescue_aid_open": False,
}  # fmt: skip
STATEMENTS = {"recovery_order": False, "difficulty": SOUND}
PROJECT = Project(submitted_on=date(2026, 11, 1), works_start_on=date(2026, 12, 1))


@pytest.fixture
def accepted():
    """Free compute is read as a support service, so that nothing is left to a person."""
    enter_parameter(
        key="policy", value={"compute_is_support_service": "accept"}, valid_from=date(2026, 1, 1),
        source="Decision of the ministry", actor=make_administrator(),
    )  # fmt: skip


def judged(company=None, amount="100000", *, scheme=None, project=PROJECT, **more):
    company = company or make_company(statements=STATEMENTS)
    return verdict(company, amount, scheme=scheme or make_scheme(), project=project, **more)


def test_a_small_firm_under_a_published_scheme_is_granted(accepted):
    found = judged()
    assert (found.outcome, found.basis, found.codes) == ("allowed", "651/2014-28", ("within_ceiling",))


def test_it_uses_no_de_minimis_room_and_de_minimis_aid_none_of_it(accepted):
    company = make_company(statements=STATEMENTS, items=[item("300000")])
    assert judged(company).outcome == "allowed"
    grant_aid(company, "100000", scheme=make_scheme(), project=PROJECT)
    accounts = {one.state: one.used for one in headrooms(organisation=company, on=TODAY)}
    assert accounts == {"LU": Decimal("300000.00"), "EU": Decimal("100000.00")}


def test_art_28_4_is_added_up_over_all_states(accepted):
    company = make_company(statements=STATEMENTS)
    grant_aid(company, "200000", state="FI", scheme=make_scheme(state="FI"), project=PROJECT)
    found = judged(company, "20000.01")
    assert (found.outcome, found.largest_eur) == ("refused", Decimal("20000.00"))


def test_nobody_read_compute_as_a_support_service_yet_so_a_person_looks():
    assert judged().codes == ("within_ceiling", "support_service_open")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"published_on": None}, "scheme_not_published"),
        ({"discount_text": ""}, "scheme_not_published"),
        ({"selection_text": " "}, "scheme_not_published"),
        ({"published_url": ""}, "scheme_not_published"),
        ({"published_on": date(2026, 11, 1)}, "published_late"),
        ({"valid_from": date(2026, 12, 1)}, "scheme_not_in_force"),
        ({"valid_to": date(2026, 11, 20)}, "scheme_not_in_force"),
    ],
)
def test_a_scheme_that_lacks_something_is_refused(accepted, fields, code):
    found = judged(scheme=make_scheme(**fields))
    assert found.outcome == "refused"
    assert code in found.codes


@pytest.mark.parametrize(
    ("statements", "code", "outcome"),
    [
        ({**STATEMENTS, "recovery_order": True}, "recovery_order", "refused"),
        ({"difficulty": SOUND}, "recovery_unknown", "needs_review"),
        ({"recovery_order": False}, "difficulty_unknown", "needs_review"),
        ({**STATEMENTS, "difficulty": {**SOUND, "insolvency": True}}, "in_difficulty", "refused"),
        ({**STATEMENTS, "difficulty": {**SOUND, "accumulated_result_eur": "-25000.01"}}, "in_difficulty", "refused"),
    ],
)
def test_what_the_company_states_decides(accepted, statements, code, outcome):
    found = judged(make_company(statements=statements))
    assert code in found.codes
    assert found.outcome == outcome


@pytest.mark.parametrize(
    ("project", "code", "outcome"),
    [
        (Project(submitted_on=date(2026, 11, 1), works_start_on=date(2026, 11, 1)), "works_started", "refused"),
        (Project(submitted_on=date(2026, 11, 1)), "works_unknown", "needs_review"),
    ],
)
def test_work_must_begin_after_the_request(accepted, project, code, outcome):
    found = judged(project=project)
    assert code in found.codes
    assert found.outcome == outcome


def resize(company, size):
    SmeAssessment.objects.create(
        organisation=company, size_class=size, rule_version="t", trace={}, declared_autonomous=True,
        declared_by=company.owner, declared_on=TODAY,
    )  # fmt: skip
    return company


def test_a_large_firm_is_not_covered(accepted):
    found = judged(resize(make_company(statements=STATEMENTS), "large"))
    assert "size_not_covered" in found.codes


def test_a_size_that_nobody_decided_goes_to_a_person(accepted):
    found = judged(resize(make_company(statements=STATEMENTS), "review"))
    assert found.outcome == "needs_review"
    assert "size_open" in found.codes


def test_a_size_that_has_run_out_counts_as_not_known(accepted):
    company = make_company(statements=STATEMENTS)
    SmeAssessment.objects.create(
        organisation=company, size_class="small", rule_version="t", trace={}, declared_autonomous=True,
        declared_by=company.owner, declared_on=date(2025, 1, 1), reassess_on=date(2025, 6, 1),
    )  # fmt: skip
    assert "size_open" in judged(company).codes


def test_other_aid_for_the_same_costs_counts_towards_their_highest_share(accepted):
    company = make_company(statements=STATEMENTS)
    paid = item("60000", costs="Move to AI", intensity=Decimal(50))
    declare_aid(organisation=company, items=[paid], statements=STATEMENTS, actor=company.owner, on=TODAY)
    project = Project(
        submitted_on=date(2026, 11, 1), works_start_on=date(2026, 12, 1),
        costs_name="Move to AI", costs_total_eur=Decimal(100000),
    )  # fmt: skip
    assert judged(company, "40000", project=project).outcome == "allowed"
    found = judged(company, "40000.01", project=project)
    assert (found.outcome, found.largest_eur) == ("refused", Decimal("40000.00"))


def test_after_the_text_has_run_out_only_old_schemes_go_on_and_a_person_looks(accepted):
    day = date(2027, 1, 15)
    company = make_company(statements=STATEMENTS)
    old = judged(company, on=day, project=Project(submitted_on=day, works_start_on=date(2027, 3, 1)))
    assert old.outcome == "needs_review"
    new = make_scheme(valid_from=date(2027, 1, 1), published_on=date(2026, 12, 1))
    late = judged(company, on=day, scheme=new, project=Project(submitted_on=day, works_start_on=date(2027, 3, 1)))
    assert "new_scheme_after_expiry" in late.codes
    with refused("aid_refused"):
        grant_aid(company, "1", on=day, scheme=new, project=PROJECT)
