"""A single undertaking across organisations: what counts for whom, and what nobody learns about a stranger."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import AuditEvent, ControlStatement, Notification
from accounts.state_aid import services
from accounts.state_aid.keys import organisation_key
from portal.kernel.errors import NotAllowed
from tests.accounts.state_aid.services.given import (
    TODAY,
    confirmed_link,
    grant_aid,
    item,
    left,
    link,
    make_administrator,
    make_company,
    refused,
    verdict,
)

pytestmark = pytest.mark.django_db
PARENT = "vat:DE136695976"


def test_aid_of_the_parent_counts_for_the_daughter_in_that_state_only():
    """D5: A has 180 000, holds 75 % of B; B gets no 150 000 from the same State, and does from another."""
    parent, daughter = make_company(), make_company()
    confirmed_link(parent, controlled=daughter)
    grant_aid(parent, "180000", state="FI")
    with refused("aid_refused"):
        grant_aid(daughter, "150000", state="FI")
    grant_aid(daughter, "150000", state="DE")
    assert left(daughter, "FI") == Decimal("120000.00")


def test_two_daughters_of_one_foreign_parent_are_one_undertaking():
    one, other = make_company(), make_company()
    confirmed_link(one, controller=PARENT)
    confirmed_link(other, controller=PARENT)
    grant_aid(one, "200000")
    assert left(other) == Decimal("100000.00")
    names = {member.key for member in services.undertaking_of(organisation=other, on=TODAY)}
    assert names == {organisation_key(one.pk), organisation_key(other.pk), PARENT}


def test_a_chain_over_three_companies_is_followed_to_its_end():
    top, middle, bottom = make_company(), make_company(), make_company()
    confirmed_link(top, controlled=middle)
    confirmed_link(middle, controlled=bottom)
    grant_aid(top, "100000")
    assert left(bottom) == Decimal("200000.00")


def test_a_company_here_is_found_by_the_number_others_use_for_it():
    parent = make_company(vat_number="DE136695976", country="DE")
    daughter = make_company()
    confirmed_link(daughter, controller=PARENT)
    grant_aid(parent, "90000")
    assert left(daughter) == Decimal("210000.00")


def test_a_link_counts_from_its_first_day_until_the_day_it_ends():
    one, other = make_company(), make_company()
    row = confirmed_link(one, controlled=other, since=date(2026, 3, 1))
    grant_aid(one, "100000")
    services.end_link(statement=row, last_day_before=TODAY, actor=one.owner, on=TODAY)
    assert left(other) == Decimal("300000.00")
    assert left(other, on=date(2026, 11, 20)) == Decimal("200000.00")


# ---- unconfirmed ---------------------------------------------------------------------------------------------------


def test_an_unconfirmed_link_sends_the_grants_of_who_stated_it_to_a_person():
    one, other = make_company(), make_company()
    link(one, controlled=other)
    assert "link_unconfirmed" in verdict(one).codes
    assert verdict(one).outcome == "needs_review"


def test_an_unconfirmed_link_changes_nothing_for_the_company_it_names():
    one, other = make_company(), make_company()
    grant_aid(one, "250000")
    link(one, controlled=other)
    assert verdict(other, "300000").outcome == "allowed"
    assert left(other) == Decimal("300000.00")


def test_members_behind_an_unconfirmed_link_are_told_apart():
    company, sure, open_one = make_company(), make_company(), make_company()
    confirmed_link(company, controlled=sure)
    link(company, controlled=open_one)
    members = {one.key: one.confirmed for one in services.undertaking_of(organisation=company, on=TODAY)}
    assert members == {
        organisation_key(company.pk): True, organisation_key(sure.pk): True, organisation_key(open_one.pk): False,
    }  # fmt: skip


def test_an_unconfirmed_link_shows_nothing_of_the_other_companys_aid():
    one, other = make_company(), make_company()
    grant_aid(other, "250000")
    link(one, controlled=other)
    assert left(one) == Decimal("300000.00")
    assert all(room.used_eur == 0 for room in verdict(one).rooms)


def test_a_stranger_cannot_tell_whether_a_company_is_here():
    """The same verdict, page and answer for a number that is registered here and for one that is not."""
    make_company(vat_number="DE136695976", country="DE", items=[item("250000")])
    curious, control = make_company(), make_company()
    here = link(curious, controller=PARENT)
    nowhere = link(control, controller="vat:FI20774740")
    assert verdict(curious).codes == verdict(control).codes
    assert (here.confirmed_on, nowhere.confirmed_on) == (None, None)
    members = services.undertaking_of(organisation=curious, on=TODAY)
    assert [member.name for member in members if not member.is_self] == [PARENT]


def test_a_party_that_only_we_know_counts_at_once_and_joins_nobody():
    company = make_company()
    row = link(company, controller="party:0001")
    assert row.confirmed_on == TODAY
    assert verdict(company).outcome == "allowed"


# ---- confirming ----------------------------------------------------------------------------------------------------


def test_the_owner_of_the_company_named_is_asked_and_may_confirm():
    one, other = make_company(), make_company()
    row = link(one, controlled=other)
    assert Notification.objects.filter(user=other.owner, kind="group_link").exists()
    assert [waiting.pk for waiting in services.waiting_for(other)] == [row.pk]
    services.confirm_link(statement=row, actor=other.owner, on=TODAY, as_organisation=other)
    grant_aid(one, "100000")
    assert left(other) == Decimal("200000.00")
    assert AuditEvent.objects.filter(action="group.link_confirmed", actor=other.owner).exists()


def refuse(row, company, reason="We sold these shares"):
    return services.refuse_link(
        statement=row, reason=reason, actor=company.owner, on=TODAY, as_organisation=company
    )  # fmt: skip


def test_a_refused_statement_counts_for_nobody_and_the_stater_reads_why():
    one, other = make_company(), make_company()
    row = link(one, controlled=other, since=TODAY)
    refuse(row, other)
    assert verdict(one).outcome == verdict(other).outcome == "allowed"
    assert [member.is_self for member in services.undertaking_of(organisation=one, on=TODAY)] == [True]
    told = Notification.objects.get(user=one.owner, kind="group_link_refused")
    assert "We sold these shares." in told.body and "state it anew" in told.body
    assert services.waiting_for(other) == []
    assert set(AuditEvent.objects.filter(action="group.link_refused").values_list("organisation_id", flat=True)) == {
        one.pk, other.pk,
    }  # fmt: skip


def test_whoever_insists_states_it_anew_and_a_person_looks():
    one, other = make_company(), make_company()
    refuse(link(one, controlled=other), other)
    again = link(one, controlled=other)
    assert verdict(one).outcome == "needs_review"
    assert verdict(other).outcome == "allowed"
    services.confirm_link(statement=again, actor=make_administrator(), on=TODAY)
    grant_aid(one, "100000")
    assert left(other) == Decimal("200000.00")


def test_a_refused_statement_is_not_confirmed_any_more():
    one, other = make_company(), make_company()
    row = refuse(link(one, controlled=other), other)
    with refused("link_refused"):
        services.confirm_link(statement=row, actor=make_administrator(), on=TODAY)


def test_a_refusal_says_why_and_comes_from_the_company_named():
    one, other, third = make_company(), make_company(), make_company()
    row = link(one, controlled=other)
    with refused("refusal_reason"):
        refuse(row, other, reason=" ")
    for stranger in (one, third):
        with pytest.raises(NotAllowed):
            refuse(row, stranger)
    services.confirm_link(statement=row, actor=other.owner, on=TODAY, as_organisation=other)
    with refused("link_confirmed"):
        refuse(row, other)


def test_nobody_confirms_their_own_statement():
    one, other = make_company(), make_company()
    row = link(one, controlled=other)
    with pytest.raises(NotAllowed):
        services.confirm_link(statement=row, actor=one.owner, on=TODAY, as_organisation=one)
    with pytest.raises(NotAllowed):
        services.confirm_link(statement=row, actor=one.owner, on=TODAY)


def test_a_third_company_confirms_nothing():
    one, other, third = make_company(), make_company(), make_company()
    row = link(one, controlled=other)
    with pytest.raises(NotAllowed):
        services.confirm_link(statement=row, actor=third.owner, on=TODAY, as_organisation=third)


def test_a_link_between_two_others_is_for_an_administrator():
    one, other, third = make_company(), make_company(), make_company()
    row = services.state_link(
        organisation=one, controller=organisation_key(other.pk), controller_name="B",
        controlled=organisation_key(third.pk), controlled_name="C", ground="majority_of_votes",
        valid_from=date(2020, 1, 1), actor=one.owner, on=TODAY,
    )  # fmt: skip
    with pytest.raises(NotAllowed):
        services.confirm_link(statement=row, actor=other.owner, on=TODAY, as_organisation=other)
    assert not Notification.objects.filter(kind="group_link").exists()
    services.confirm_link(statement=row, actor=make_administrator(), on=TODAY)


def test_a_confirmed_link_stays_when_the_company_changes_its_number():
    parent = make_company(vat_number="DE136695976", country="DE")
    daughter = make_company()
    confirmed_link(daughter, controller=PARENT)
    parent.vat_number = ""
    parent.save(update_fields=["vat_number"])
    grant_aid(parent, "90000")
    assert left(daughter) == Decimal("210000.00")


# ---- the whole list from the interview -----------------------------------------------------------------------------


def said(company, other, **more):
    return {"controller": other, "controller_name": "Holding", "controlled": organisation_key(company.pk),
            "controlled_name": company.legal_name, "ground": "majority_of_votes", **more}  # fmt: skip


def test_stating_the_same_list_again_changes_nothing():
    company = make_company()
    for _again in range(2):
        services.record_control(organisation=company, links=[said(company, PARENT)], actor=company.owner, on=TODAY)
    assert ControlStatement.objects.count() == 1


def test_a_confirmed_link_is_recognised_in_the_next_list():
    make_company(vat_number="DE136695976", country="DE")
    company = make_company()
    confirmed_link(company, controller=PARENT)
    services.record_control(organisation=company, links=[said(company, PARENT)], actor=company.owner, on=TODAY)
    assert ControlStatement.objects.get().confirmed_on == TODAY


def test_a_link_that_is_no_longer_in_the_list_ends_that_day():
    company = make_company()
    link(company, controller=PARENT)
    services.record_control(organisation=company, links=[], actor=company.owner, on=TODAY)
    assert ControlStatement.objects.get().valid_to == TODAY


def test_members_state_no_links():
    company = make_company()
    with pytest.raises(NotAllowed):
        services.record_control(organisation=company, links=[], actor=make_company().owner, on=TODAY)


def test_a_company_does_not_control_itself_under_another_name():
    company = make_company(vat_number="DE136695976", country="DE")
    with refused("link_to_itself"):
        link(company, controller=PARENT)


def test_a_link_of_tomorrow_is_refused():
    with refused("link_in_future"):
        link(make_company(), controller=PARENT, since=date(2026, 11, 22))
