"""Signing: what is stored, once, and what it can be computed from again."""

from decimal import Decimal

import pytest

from accounts.models import AuditEvent, ControlStatement, SmeAssessment
from accounts.services import declare_size
from accounts.services.size import replayed
from portal.kernel.errors import DomainError, NotAllowed
from tests.accounts.size.conftest import TODAY

pytestmark = pytest.mark.django_db
SIGNATURE = {"name": "Olga Owner", "position": "Managing director"}


def sign(scene, **more):
    return declare_size(
        actor=scene.owner, organisation=scene.organisation, on=TODAY, **{"signature": SIGNATURE, **more}
    )


def test_a_company_that_stands_alone_is_signed_with_its_inputs_and_its_tree(scene):
    scene.figures(9.5, 3, 1.9)
    scene.answer()
    assessment = sign(scene)
    assert (assessment.size_class, assessment.declared_autonomous) == ("micro", True)
    assert assessment.trace["inputs"]["ownership"]["parties"][0]["periods"][0]["awu"] == "9.50"
    assert assessment.trace["tree"]["code"] == "classified"
    assert assessment.signature == SIGNATURE


def test_a_partner_and_its_daughter_count_by_the_share_v5(v5):
    assessment = sign(v5)
    assert assessment.size_class == "medium"
    assert Decimal(assessment.trace["figures"]["awu"]) == Decimal("89.5")
    assert not assessment.declared_autonomous


def test_pressing_twice_makes_one_statement(v5):
    assert sign(v5) == sign(v5)
    assert SmeAssessment.objects.count() == 1
    assert AuditEvent.objects.filter(action="size.declared").count() == 1


def test_a_changed_answer_makes_a_new_statement(v5):
    first = sign(v5)
    v5.figures(41, 8, 6)
    assert sign(v5) != first


def test_computed_again_it_is_the_same_and_a_changed_trace_is_noticed(v5):
    assessment = sign(v5)
    assessment.refresh_from_db()
    assert replayed(assessment) is True
    assessment.trace["size"] = "small"
    assert replayed(assessment) is False


def test_rules_that_are_gone_are_said_to_be_gone(v5):
    assessment = sign(v5)
    assessment.trace["inputs"]["rule_version"] = "sme/0"
    assert replayed(assessment) is None


def test_nothing_is_signed_while_a_question_is_open(scene):
    scene.figures(9.5, 3, 1.9)
    with pytest.raises(DomainError, match=r"^interview_open: Say who stands behind"):
        sign(scene)


def test_nothing_is_signed_without_figures(scene):
    scene.answer()
    with pytest.raises(DomainError, match=r"^figures_missing:"):
        sign(scene)


def test_an_owner_that_was_named_must_stand_in_the_group(scene):
    scene.figures(9.5, 3, 1.9)
    scene.answer(owners=["company"])
    with pytest.raises(DomainError, match="Add it to the group"):
        sign(scene)


def test_standing_alone_and_a_group_contradict_each_other(v5):
    v5.answer(owners=["nobody"])
    with pytest.raises(DomainError, match="Partner Holding GmbH is in the group"):
        sign(v5)


def test_a_member_cannot_sign(scene, member):
    scene.figures(9.5, 3, 1.9)
    scene.answer()
    with pytest.raises(NotAllowed):
        declare_size(actor=member, organisation=scene.organisation, on=TODAY)


def test_control_reaches_the_dated_graph_of_undertakings(scene):
    scene.figures(30, 6, 4)
    scene.answer(owners=["company"])
    parent = scene.party("Hauser Holding", figures=(180, 30, 25), country="DE", vat_number="DE136695976")
    sister = scene.party("Sonne GmbH", figures=(60, 12, 9))
    scene.holds(parent, scene.centre, 60)
    scene.holds(parent, sister, 55)
    assert sign(scene).size_class == "large"
    links = {(one.controller, one.controlled) for one in ControlStatement.objects.all()}
    own = f"org:{scene.organisation.pk}"
    assert links == {("vat:DE136695976", own), ("vat:DE136695976", f"party:{sister.pk}")}


def test_a_person_or_a_minority_makes_no_link_of_control(scene):
    scene.figures(12, 1, 1)
    scene.answer(owners=["person_with_firms", "company"])
    person = scene.party("Nora Ek", kind="person")
    firm = scene.party("Ek Weaving", figures=(1, 0.1, 0.1))
    partner = scene.party("Minority AG", figures=(1, 0.1, 0.1))
    scene.holds(person, scene.centre, 60)
    scene.holds(person, firm, 100)
    scene.holds(partner, scene.centre, 30)
    sign(scene)
    assert not ControlStatement.objects.exists()
