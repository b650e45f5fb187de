"""Aid in the database: what is read, what is booked, and that no two grants together cross the ceiling."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import AidAssessment, AidAward, AidLock, SmeAssessment
from accounts.state_aid import rules
from accounts.state_aid.services import (
    assess_grant,
    declare_aid,
    headroom,
    headrooms,
    judge_grant,
    lock_undertaking,
    release_award,
    reserve_award,
)
from portal.kernel.errors import DomainError, NotAllowed
from tests.accounts.together import outcomes, together
from tests.factories import make_organisation, make_user

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 21)


@pytest.fixture
def company(owner, organisation):
    return ready(owner, organisation)


def ready(owner, organisation, items=()):
    SmeAssessment.objects.create(
        organisation=organisation, size_class="small", rule_version="t", trace={}, declared_autonomous=True,
        declared_by=owner, declared_on=TODAY,
    )  # fmt: skip
    declare_aid(organisation=organisation, items=items, actor=owner, on=TODAY)
    return organisation


def item(amount="1000", state="LU", day=date(2026, 1, 1), regulation="2023/2831"):
    return {"state": state, "amount_eur": Decimal(amount), "granted_on": day, "regulation": regulation}


def assess(company, amount, *, state="LU", origin="national_share", on=TODAY):
    return assess_grant(
        organisation=company, site_state=state, authority="A ministry", origin=origin, amount_eur=Decimal(amount), on=on
    )


def reserve(company, assessment, amount, *, state="LU", origin="national_share", on=TODAY, **fields):
    return reserve_award(
        organisation=company, assessment=assessment, granting_state=state, granting_authority="A ministry",
        origin=origin, regime=assessment.regime, amount_eur=Decimal(amount), granted_on=on, reference="ALC-1", **fields,
    )  # fmt: skip


def grant_aid(company, amount, **where):
    with transaction.atomic():
        lock_undertaking(granting_state=where.get("state", "LU"), organisation=company)
        return reserve(company, assess(company, amount, **where), amount, **where)


def refused(code):
    return pytest.raises(DomainError, match=f"^{code}:")


def left(company, state="LU"):
    return headroom(organisation=company, granting_state=state, on=TODAY).left


def test_a_grant_takes_its_amount_from_the_room_of_that_state_only(company):
    grant_aid(company, "120000")
    assert left(company) == Decimal("180000.00")
    assert left(company, "FI") == Decimal("300000.00")


def test_declared_aid_and_our_own_count_together(owner, organisation):
    company = ready(owner, organisation, [item("100000")])
    grant_aid(company, "50000")
    assert left(company) == Decimal("150000.00")


def test_a_new_declaration_replaces_the_one_before(owner, organisation):
    company = ready(owner, organisation, [item("100000")])
    declare_aid(organisation=company, items=[item("20000")], actor=owner, on=TODAY)
    assert left(company) == Decimal("280000.00")


def test_another_companys_aid_is_not_counted(company):
    other_owner = make_user()
    other = ready(other_owner, make_organisation(owner=other_owner), [item("300000")])
    assert left(other) == 0
    assert left(company) == Decimal("300000.00")


def test_time_of_the_union_is_booked_but_not_counted(company):
    grant_aid(company, "400000", origin="union_share")
    assert left(company) == Decimal("300000.00")
    assert AidAward.objects.get().amount_eur == Decimal("400000.00")


def test_a_stored_assessment_is_computed_again_to_the_same_verdict(owner, organisation):
    company = ready(owner, organisation, [item("100000"), item("3000", "FI")])
    stored = assess(company, "1000")
    stored.refresh_from_db()
    assert rules.replay(stored.case) == stored.verdict
    assert stored.outcome == "allowed"


def test_what_a_page_shows_beforehand_stores_nothing(company):
    _case, verdict = judge_grant(
        organisation=company, site_state="LU", origin="national_share", amount_eur=Decimal("300000.01"), on=TODAY
    )
    assert verdict.codes == ("ceiling_exceeded",)
    assert not AidAssessment.objects.exists()


def test_nothing_is_granted_without_a_declaration(owner, organisation):
    with refused("aid_refused"):
        grant_aid(organisation, "1")


def test_above_the_ceiling_nothing_is_booked_and_the_largest_amount_is_named(company):
    with pytest.raises(DomainError, match=r"300,000\.00") as caught:
        grant_aid(company, "300000.01")
    assert caught.value.code == "aid_refused"
    assert not AidAward.objects.exists()


def test_an_assessment_made_before_somebody_elses_grant_cannot_be_spent(company):
    stale = assess(company, "200000")
    grant_aid(company, "200000")
    with refused("aid_refused"), transaction.atomic():
        reserve(company, stale, "200000")


def test_one_assessment_carries_one_award(company):
    checked = assess(company, "1000")
    with transaction.atomic():
        reserve(company, checked, "1000")
    with refused("aid_changed"), transaction.atomic():
        reserve(company, checked, "1000")


@pytest.mark.parametrize(
    ("amount", "where"),
    [
        ("1000.01", {}),
        ("1000", {"state": "FI"}),
        ("1000", {"origin": "union_share"}),
        ("1000", {"on": date(2026, 11, 22)}),
    ],
)
def test_only_what_was_checked_can_be_booked(company, amount, where):
    checked = assess(company, "1000")
    with refused("aid_changed"), transaction.atomic():
        reserve(company, checked, amount, **where)


def test_less_than_was_checked_can_be_booked(company):
    with transaction.atomic():
        reserve(company, assess(company, "1000"), "400")
    assert left(company) == Decimal("299600.00")


def test_what_needs_a_person_is_booked_with_that_person_only(owner, organisation):
    declare_aid(organisation=organisation, items=[], actor=owner, on=TODAY)
    checked = assess(organisation, "1000")
    assert checked.outcome == "needs_review"
    with refused("aid_needs_review"), transaction.atomic():
        reserve(organisation, checked, "1000")
    with transaction.atomic():
        assert str(owner.pk) in reserve(organisation, checked, "1000", reviewed_by=owner).reason


def test_taking_back_is_a_row_of_its_own(company, owner):
    award = grant_aid(company, "1000")
    with transaction.atomic():
        release_award(
            award=award.award, event="lapsed", amount_eur=Decimal("400"), reason="Not used", actor=owner, on=TODAY
        )
    assert left(company) == Decimal("299400.00")
    assert [row.amount_eur for row in AidAward.objects.all()] == [Decimal("1000.00"), Decimal("-400.00")]


def test_no_more_is_taken_back_than_stands(company, owner):
    award = grant_aid(company, "1000")
    with refused("aid_award_too_small"), transaction.atomic():
        release_award(
            award=award.award, event="reversed", amount_eur=Decimal("1000.01"), reason="", actor=owner, on=TODAY
        )


def test_every_state_with_aid_has_its_account(owner, organisation, django_assert_num_queries):
    company = ready(owner, organisation, [item("100", "FI"), item("200", "LU")])
    with django_assert_num_queries(5):
        rooms = headrooms(organisation=company, on=TODAY, states=["DE"])
    assert [(room.granting_state, room.used) for room in rooms] == [
        ("LU", Decimal("200.00")),
        ("FI", Decimal("100.00")),
        ("DE", Decimal("0.00")),
    ]


@pytest.mark.parametrize("wrong", [{"amount": "0"}, {"day": TODAY + timedelta(days=1)}, {"regulation": "something"}])
def test_a_line_that_cannot_be_right_is_refused_whole(owner, organisation, wrong):
    with refused("declaration_item"):
        declare_aid(organisation=organisation, items=[item(), item(**wrong)], actor=owner, on=TODAY)
    assert not organisation.aid_declarations.exists()


def test_members_do_not_sign(organisation, member):
    with pytest.raises(NotAllowed):
        declare_aid(organisation=organisation, items=[], actor=member, on=TODAY)


@pytest.mark.parametrize("table", ["aidaward", "aidassessment", "aiddeclaration", "auditevent"])
@pytest.mark.parametrize("verb", ["UPDATE accounts_{} SET id = id", "DELETE FROM accounts_{}"])
def test_the_database_refuses_to_change_what_was_written(company, table, verb):
    grant_aid(company, "1000")
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(verb.format(table))


@pytest.mark.django_db(transaction=True)
def test_the_lock_needs_a_transaction():
    with pytest.raises(RuntimeError, match="transaction"):
        lock_undertaking(granting_state="LU", organisation=make_organisation())


# ---- at once -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_twenty_four_grants_at_once_never_cross_the_ceiling():
    owner = make_user()
    company = ready(owner, make_organisation(owner=owner), [item("50000")])
    found = outcomes(together(*[lambda: grant_aid(company, "25000")] * 24))
    # 250 000 were left: ten fit.
    assert found.count("done") == 10
    assert set(found) == {"done", "aid_refused"}
    assert left(company) == 0
    # One row for the State, one for limits over all States.
    assert AidLock.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_grants_of_two_states_at_once_do_not_disturb_each_other():
    owner = make_user()
    company = ready(owner, make_organisation(owner=owner))
    found = outcomes(
        together(
            *[lambda: grant_aid(company, "150000", state="LU")] * 4,
            *[lambda: grant_aid(company, "100000", state="FI")] * 6,
        )
    )
    assert found.count("done") == 5
    assert left(company, "LU") == left(company, "FI") == 0
