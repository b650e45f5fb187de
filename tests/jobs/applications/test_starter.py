"""Hours in a minute: a policy decides by published rules and shows each of them."""

from datetime import UTC, date, datetime

import pytest

from accounts.models import AidAward, AidDeclaration, AuditEvent
from jobs.applications.services import save_draft, start_application, submit_application
from jobs.ledger.services import balance
from jobs.models import Allocation, Application
from jobs.states import ApplicationState
from portal.kernel.errors import DomainError
from tests.factories import (
    make_access_mode,
    make_organisation,
    make_partition,
    make_rate,
    make_site,
    make_sme,
    make_user,
)

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def owner(db):
    return make_user()


@pytest.fixture
def starter(db):
    return make_access_mode(code="starter", decided_by="policy", max_gpu_hours=20, months=[1], decision_working_days=0)


def complete_draft(*, organisation, mode, actor, partition=None, **answers) -> Application:
    partition = partition or make_partition()
    draft = start_application(organisation=organisation, mode=mode, actor=actor, at=AT)
    save_draft(
        application=draft,
        actor=actor,
        answers={
            "title": "Sort our post",
            "purpose": "Sort incoming customer messages into five topics.",
            "site": partition.site,
            "partition": partition,
            "data_declaration": {"sources": "our own messages", "personal_data": False, "answered": True},
            "ai_act": {"prohibited": [], "high_risk": [], "transparency": [], "answered": True},
            **answers,
        },
    )
    return draft


def declare_no_other_aid(organisation, owner) -> None:
    AidDeclaration.objects.create(organisation=organisation, items=[], signed_by=owner, signed_on=AT.date())


def test_an_sme_gets_starter_hours_at_once(owner, starter):
    organisation = make_sme(owner=owner)
    declare_no_other_aid(organisation, owner)
    draft = complete_draft(organisation=organisation, mode=starter, actor=owner)
    submit_application(application=draft, actor=owner, at=AT)
    draft.refresh_from_db()
    assert draft.state == ApplicationState.APPROVED, draft.decision.checks
    allocation = Allocation.objects.get()
    assert balance(allocation).available == 20 * 3600
    assert str(allocation.ends_on) == "2026-12-22"
    rows = AidAward.objects.order_by("created_at")
    assert [(row.amount_eur, row.event, row.award) for row in rows] == [
        (44, "reserved", allocation.award),
        (0, "granted", allocation.award),
    ]
    assert all(check["passed"] for check in draft.decision.checks)
    assert AuditEvent.objects.filter(action="application.approved", actor=None).exists()


def test_the_rate_is_frozen_at_grant(owner, starter):
    organisation = make_sme(owner=owner)
    declare_no_other_aid(organisation, owner)
    partition = make_partition(rate="2.20")
    submit_application(
        application=complete_draft(organisation=organisation, mode=starter, actor=owner, partition=partition),
        actor=owner,
        at=AT,
    )
    make_rate(partition, "9", valid_from=date(2026, 1, 2))
    assert str(Allocation.objects.get().eur_per_gpu_hour) == "2.2000"


def test_sending_twice_grants_once(owner, starter):
    organisation = make_sme(owner=owner)
    declare_no_other_aid(organisation, owner)
    draft = complete_draft(organisation=organisation, mode=starter, actor=owner)
    submit_application(application=draft, actor=owner, at=AT)
    again = submit_application(application=draft, actor=owner, at=AT)
    assert again.state == ApplicationState.APPROVED
    assert Allocation.objects.count() == 1


def test_without_company_figures_the_rules_say_which_one_is_not_met(owner, starter):
    organisation = make_organisation(owner=owner)
    declare_no_other_aid(organisation, owner)
    draft = complete_draft(organisation=organisation, mode=starter, actor=owner)
    submit_application(application=draft, actor=owner, at=AT)
    draft.refresh_from_db()
    assert draft.state == ApplicationState.DECLINED
    failed = [check["code"] for check in draft.decision.checks if check["passed"] is not True]
    assert failed == ["sme", "aid"]
    assert not Allocation.objects.exists()
    assert not AidAward.objects.exists()


def test_a_prohibited_use_is_never_granted_by_a_policy(owner, starter):
    organisation = make_sme(owner=owner)
    declare_no_other_aid(organisation, owner)
    ai_act = {"prohibited": ["social_scoring"], "answered": True}
    draft = complete_draft(organisation=organisation, mode=starter, actor=owner, ai_act=ai_act)
    submit_application(application=draft, actor=owner, at=AT)
    draft.refresh_from_db()
    assert draft.state == ApplicationState.DECLINED


def test_a_high_risk_use_goes_to_a_person(owner, starter):
    organisation = make_sme(owner=owner)
    declare_no_other_aid(organisation, owner)
    ai_act = {"prohibited": [], "high_risk": ["employment"], "answered": True}
    draft = complete_draft(organisation=organisation, mode=starter, actor=owner, ai_act=ai_act)
    submit_application(application=draft, actor=owner, at=AT)
    draft.refresh_from_db()
    assert [c["passed"] for c in draft.decision.checks if c["code"] == "high_risk"] == [None]
    assert draft.state == ApplicationState.DECLINED


def test_a_second_starter_within_a_year_is_refused(owner, starter):
    organisation = make_sme(owner=owner)
    declare_no_other_aid(organisation, owner)
    submit_application(
        application=complete_draft(organisation=organisation, mode=starter, actor=owner), actor=owner, at=AT
    )
    second = complete_draft(organisation=organisation, mode=starter, actor=owner)
    submit_application(application=second, actor=owner, at=AT)
    second.refresh_from_db()
    assert second.state == ApplicationState.DECLINED
    assert Allocation.objects.count() == 1


def test_without_a_declaration_of_other_aid_nothing_is_granted(owner, starter):
    organisation = make_sme(owner=owner)
    draft = complete_draft(organisation=organisation, mode=starter, actor=owner)
    submit_application(application=draft, actor=owner, at=AT)
    draft.refresh_from_db()
    assert draft.state == ApplicationState.DECLINED


def test_an_incomplete_draft_is_not_sent_and_stays_a_draft(owner, starter):
    organisation = make_sme(owner=owner)
    draft = complete_draft(organisation=organisation, mode=starter, actor=owner, title="")
    with pytest.raises(DomainError) as refusal:
        submit_application(application=draft, actor=owner, at=AT)
    assert (refusal.value.code, refusal.value.field) == ("incomplete", "title")
    draft.refresh_from_db()
    assert draft.state == ApplicationState.DRAFT


def test_a_site_that_does_not_offer_starter_hours_is_refused(owner, starter):
    organisation = make_sme(owner=owner)
    declare_no_other_aid(organisation, owner)
    partition = make_partition(site=make_site(offers_starter=False))
    draft = complete_draft(organisation=organisation, mode=starter, actor=owner, partition=partition)
    submit_application(application=draft, actor=owner, at=AT)
    draft.refresh_from_db()
    assert draft.state == ApplicationState.DECLINED


def test_a_mode_that_names_its_sites_is_not_given_elsewhere(owner, starter):
    organisation = make_sme(owner=owner)
    starter.sites.add(make_site())
    draft = complete_draft(organisation=organisation, mode=starter, actor=owner)
    with pytest.raises(DomainError) as refusal:
        submit_application(application=draft, actor=owner, at=AT)
    assert (refusal.value.code, refusal.value.field) == ("incomplete", "partition")
