"""The interview on its pages: few questions, nothing lost, nothing decided without a signature."""

import pytest
from django.urls import reverse

from accounts.models import AccountYear, OwnershipStatement, SmeAssessment
from tests.accounts.size.conftest import TODAY

pytestmark = pytest.mark.django_db
FIGURES = {
    "year_end": "2025-12-31", "headcount_awu": "9.5", "turnover_eur": "3,000,000", "balance_sheet_eur": "1,900,000",
    "basis": "approved",
}  # fmt: skip


def page(step):
    return reverse(f"accounts:size_{step}")


def walk_alone(client):
    """The whole interview of a company that stands alone; gives the fields of every form shown on the way."""
    asked = []

    def send(step, **answers):
        form = client.get(page(step)).context["form"]
        after_yes = getattr(form, "only_after_yes", frozenset())
        asked.extend(name for name in form.fields if name not in after_yes)
        return client.post(page(step), answers)

    assert send("owners", owners="person").url == page("holdings")
    assert send("holdings", holds="no", control="no").url == page("changes")
    assert send("changes", changed="no").url == page("figures")
    assert send("figures", **FIGURES).url == page("check")
    answer = send("check", name="Olga Owner", position="Director", confirmed="on")
    return asked, answer


def test_an_autonomous_company_answers_at_most_twelve_questions(signed_in, owner, organisation):
    asked, answer = walk_alone(signed_in(owner))
    assert len(asked) <= 12, asked
    assessment = SmeAssessment.objects.get()
    assert answer.url == reverse("accounts:size_statement", args=[assessment.pk])
    assert (assessment.size_class, assessment.signature["position"]) == ("micro", "Director")


def test_every_question_says_why_it_is_asked_or_what_counts(signed_in, owner, organisation):
    client = signed_in(owner)
    for step in ("owners", "holdings", "changes", "figures"):
        form = client.get(page(step)).context["form"]
        for bound, why, counts, after_yes in form.questions():
            assert why or counts or after_yes or bound.help_text or bound.name == "basis", bound.name


def test_an_unfinished_answer_is_kept(signed_in, owner, organisation):
    client = signed_in(owner)
    assert client.post(page("holdings"), {"holds": "yes"}).status_code == 422
    form = client.get(page("holdings")).context["form"]
    assert form["holds"].value() == "yes"


def test_figures_that_cannot_be_read_are_kept_as_they_were_typed(signed_in, owner, organisation):
    client = signed_in(owner)
    client.post(page("figures"), {**FIGURES, "turnover_eur": "about three million", "action": "keep"})
    assert not AccountYear.objects.exists()
    assert client.get(page("figures")).context["form"]["turnover_eur"].value() == "about three million"


def test_saving_for_later_leads_to_the_overview_and_signs_nothing(signed_in, owner, organisation):
    answer = signed_in(owner).post(page("owners"), {"owners": ["company"], "action": "later"})
    assert answer.url == reverse("accounts:company_facts")
    assert OwnershipStatement.objects.get().answers["owners"] == {"owners": ["company"]}
    assert not SmeAssessment.objects.exists()


def test_nobody_and_somebody_contradict_each_other(signed_in, owner, organisation):
    answer = signed_in(owner).post(page("owners"), {"owners": ["nobody", "company"]})
    assert answer.status_code == 422
    assert "stand alone" in answer.content.decode()


def test_a_change_of_ownership_needs_its_day(signed_in, owner, organisation):
    answer = signed_in(owner).post(page("changes"), {"changed": "yes"})
    assert "Enter the day" in answer.content.decode()


def test_a_company_with_an_owner_goes_on_to_the_group(signed_in, owner, organisation):
    client = signed_in(owner)
    client.post(page("owners"), {"owners": ["company"]})
    client.post(page("holdings"), {"holds": "no", "control": "no"})
    client.post(page("changes"), {"changed": "no"})
    assert client.post(page("figures"), FIGURES).url == page("group")


def test_the_check_names_what_is_open_and_signs_nothing(signed_in, owner, organisation):
    client = signed_in(owner)
    answer = client.post(page("check"), {"name": "O", "position": "P", "confirmed": "on"})
    assert "Say who stands behind the company." in answer.content.decode()
    assert not SmeAssessment.objects.exists()


def test_nobody_signs_without_the_tick(signed_in, scene):
    scene.figures(9.5, 3, 1.9)
    scene.answer()
    answer = signed_in(scene.owner).post(page("check"), {"name": "O", "position": "P"})
    assert "Tick the confirmation to sign." in answer.content.decode()
    assert not SmeAssessment.objects.exists()


def test_a_double_click_on_sign_makes_one_statement(signed_in, owner, organisation):
    client = signed_in(owner)
    walk_alone(client)
    client.post(page("check"), {"name": "Olga Owner", "position": "Director", "confirmed": "on"})
    assert SmeAssessment.objects.count() == 1


def test_the_panel_shows_the_size_of_figures_not_saved_yet(signed_in, owner, organisation):
    answer = signed_in(owner).post(page("preview"), {**FIGURES, "headcount_awu": "300"})
    assert "Large enterprise" in answer.content.decode()
    assert not AccountYear.objects.exists()


def test_the_next_closing_to_be_asked_is_suggested(signed_in, owner, organisation, monkeypatch):
    monkeypatch.setattr("accounts.views.interview.today", lambda: TODAY)
    client = signed_in(owner)
    assert client.get(page("figures")).context["form"]["year_end"].value().isoformat() == "2025-12-31"
    client.post(page("figures"), FIGURES)
    assert client.get(page("figures") + "?add=1").context["form"]["year_end"].value().isoformat() == "2024-12-31"


def test_a_member_sees_the_overview_but_not_the_questions(signed_in, member, organisation):
    client = signed_in(member)
    assert client.get(reverse("accounts:company_facts")).status_code == 200
    assert client.get(page("owners")).status_code == 403
    assert client.post(page("owners"), {"owners": ["nobody"]}).status_code == 403
    assert not OwnershipStatement.objects.filter(answers__has_key="owners").exists()


def test_every_page_answers_for_a_group(signed_in, v5):
    client = signed_in(v5.owner)
    for name in (
        "company_facts",
        "size_figures",
        "size_group",
        "size_check",
        "size_papers",
        "size_persons",
        "holding_new",
    ):
        assert client.get(reverse(f"accounts:{name}")).status_code == 200, name
    party = v5.organisation.parties.get(name="Quarz Werke GmbH")
    assert client.get(reverse("accounts:party", args=[party.pk])).status_code == 200
    holding = v5.organisation.holdings.first()
    assert client.get(reverse("accounts:holding", args=[holding.pk])).status_code == 200
    assert "Medium-sized" in client.get(page("group")).content.decode()


@pytest.mark.parametrize("step", ["owners", "holdings", "changes"])
def test_characters_no_row_can_hold_and_endless_answers_do_no_harm(signed_in, owner, organisation, step):
    client = signed_in(owner)
    names = client.get(page(step)).context["form"].fields
    assert client.post(page(step), dict.fromkeys(names, "a\0" + "b" * 5000)).status_code == 422
    assert client.get(page(step)).status_code == 200
