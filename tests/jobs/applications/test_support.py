"""Public support in a decision: what the officer sees of the group, and what a published scheme asks of a request."""

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import AidAssessment, AidAward, SmeAssessment
from accounts.roles import Role
from accounts.state_aid.services import declare_aid
from jobs.applications.checks import company_is_an_sme, judge_request
from jobs.applications.decisions import approve
from jobs.applications.services import missing_answers, save_draft, submit_application
from jobs.applications.support import support_of
from portal.kernel.errors import DomainError
from tests.accounts.state_aid.services.given import confirmed_link, make_scheme, past_award
from tests.factories import grant, make_access_mode, make_partition, make_site, make_sme, make_user
from tests.jobs.applications.test_helpdesk import REASON, make_scene
from tests.jobs.applications.test_starter import AT, complete_draft, declare_no_other_aid

pytestmark = pytest.mark.django_db
ON = AT.date()


def sme(**fields):
    owner = make_user()
    company = make_sme(owner=owner, **fields)
    company.owner = owner
    declare_no_other_aid(company, owner)
    return company


def officer_of(application):
    officer = make_user()
    grant(officer, Role.HELPDESK, site_slug=application.site.slug)
    return officer


# ---- the officer's view --------------------------------------------------------------------------------------------


def test_the_officer_sees_every_member_with_amount_and_day(client):
    one, sister = sme(), sme(legal_name="Sister SA")
    confirmed_link(one, controlled=sister)
    past_award(sister, "120000", on=date(2026, 2, 1), reference="ALC-9")
    application, _owner, officer = make_scene(owner=one.owner, organisation=one)
    [limit] = support_of(application, on=ON).limits
    assert (limit.ceiling, limit.used, limit.before) == (Decimal(300000), Decimal("120000.00"), Decimal("180000.00"))
    assert [(line.who, line.amount, line.reference) for line in limit.lines] == [
        ("Sister SA", Decimal("120000.00"), "ALC-9")
    ]
    client.force_login(officer)
    assert "Sister SA" in client.get(reverse("jobs:review", args=[application.pk])).content.decode()


def test_a_refusal_says_how_many_hours_would_fit():
    company = sme()
    past_award(company, "299000", on=date(2026, 2, 1))
    application, _owner, _officer = make_scene(hours=1000, owner=company.owner, organisation=company)
    support = support_of(application, on=ON)
    assert (support.largest, support.largest_hours) == (Decimal("1000.00"), 454)


def test_the_applicants_page_shows_no_other_company(client):
    one, sister = sme(), sme(legal_name="Sister SA")
    confirmed_link(one, controlled=sister)
    past_award(sister, "120000", on=date(2026, 2, 1))
    application, owner, _officer = make_scene(owner=one.owner, organisation=one)
    client.force_login(owner)
    assert "Sister SA" not in client.get(reverse("jobs:application", args=[application.pk])).content.decode()


def test_what_the_register_shows_beyond_what_we_know_counts():
    application, _owner, officer = make_scene(hours=1000)
    with pytest.raises(DomainError, match="aid_ceiling"):
        approve(application=application, gpu_hours=1000, ends_on=None, reason=REASON, actor=officer, at=AT,
                register_eur=Decimal(299000))  # fmt: skip
    approve(application=application, gpu_hours=454, ends_on=None, reason=REASON, actor=officer, at=AT,
            register_eur=Decimal(299000))  # fmt: skip
    assert AidAssessment.objects.get().case["case"]["register_eur"] == "299000"


# ---- the size that counts ------------------------------------------------------------------------------------------


def test_an_officers_answer_on_size_counts():
    application, owner, officer = make_scene()
    statement = SmeAssessment.objects.create(
        organisation=application.organisation, size_class="review", rule_version="t", trace={},
        declared_autonomous=False, declared_by=owner, declared_on=ON,
    )  # fmt: skip
    assert company_is_an_sme(application, on=ON).passed is None
    statement.reviews.create(size_class="medium", reason="Looked at it.", decided_by=officer, decided_on=ON)
    assert company_is_an_sme(application, on=ON).passed is True


def test_a_size_that_has_run_out_is_asked_again():
    application, owner, _officer = make_scene()
    SmeAssessment.objects.create(
        organisation=application.organisation, size_class="small", rule_version="t", trace={},
        declared_autonomous=True, declared_by=owner, declared_on=date(2025, 1, 1), reassess_on=date(2025, 7, 1),
    )  # fmt: skip
    check = company_is_an_sme(application, on=ON)
    assert check.passed is False
    assert "run out" in check.evidence


# ---- a published scheme --------------------------------------------------------------------------------------------


def scheme_scene(**answers):
    """A draft for a site that grants under a scheme."""
    company = sme()
    sound = {"limited_liability": True, "subscribed_capital_eur": "50000", "accumulated_result_eur": "1",
             "insolvency": False, "rescue_aid_open": False}  # fmt: skip
    declare_aid(organisation=company, items=[], statements={"recovery_order": False, "difficulty": sound},
                actor=company.owner, on=ON)  # fmt: skip
    partition = make_partition(site=make_site(aid_scheme=make_scheme()))
    draft = complete_draft(
        organisation=company, mode=make_access_mode(), actor=company.owner, partition=partition, gpu_hours=500,
        months=3,
    )  # fmt: skip
    save_draft(application=draft, answers={"public_support": answers}, actor=company.owner)
    return draft, company


def test_a_scheme_asks_when_the_work_begins():
    draft, _company = scheme_scene()
    assert "works_start_on" in dict(missing_answers(draft, on=ON))
    draft.public_support = {"works_start_on": "2026-12-15"}
    assert "works_start_on" not in dict(missing_answers(draft, on=ON))


def test_hours_under_a_scheme_rest_on_it_and_an_officer_answers_what_is_open():
    draft, company = scheme_scene(works_start_on="2026-12-15")
    application = submit_application(application=draft, actor=company.owner, at=AT)
    _case, verdict = judge_request(application, on=ON)
    assert (verdict.basis, verdict.outcome) == ("651/2014-28", "needs_review")
    officer = officer_of(application)
    approve(application=application, gpu_hours=500, ends_on=None, reason=REASON, actor=officer, at=AT)
    award = AidAward.objects.get(event="reserved")
    assert (award.regime, award.scheme) == ("651/2014-28", application.site.aid_scheme)
    assert award.valuation["gpu_hours"] == "500"


def test_work_that_began_before_the_request_is_refused_with_the_reason():
    draft, company = scheme_scene(works_start_on="2026-11-01")
    application = submit_application(application=draft, actor=company.owner, at=AT)
    officer = officer_of(application)
    with pytest.raises(DomainError, match="aid_ceiling"):
        approve(application=application, gpu_hours=500, ends_on=None, reason=REASON, actor=officer, at=AT)
    assert not AidAward.objects.exists()


def test_the_form_asks_about_the_project_only_where_a_site_has_a_scheme(client):
    draft, company = scheme_scene()
    client.force_login(company.owner)
    page = reverse("jobs:application_edit", args=[draft.pk])
    answers = {"works_start_on": "2026-12-15", "costs_name": "Move to AI", "costs_total_eur": "100,000"}
    assert b"works_start_on" in client.get(page).content
    client.post(page, {"partition": draft.partition_id, "save": "1", **answers})
    draft.refresh_from_db()
    assert draft.public_support == {
        "works_start_on": "2026-12-15",
        "costs": {"name": "Move to AI", "total_eur": "100000"},
    }
    assert b"Move to AI" in client.get(page).content
    draft.site.aid_scheme = None
    draft.site.save()
    assert b"works_start_on" not in client.get(page).content
