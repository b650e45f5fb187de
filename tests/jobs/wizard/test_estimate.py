"""The panel beside the form: figures, their explanation, and what it says when a run does not fit."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from jobs.models import Attempt, Job
from jobs.states import JobState
from jobs.wizard.drafts import Draft
from jobs.wizard.panel import panel_for
from jobs.wizard.selectors import corrections_for, run_ratios
from portal.kernel.clock import now, today
from portal.kernel.money import euro
from tests.factories import make_allocation, make_partition, make_site
from tests.jobs.wizard.walk import answers, url, walk


def estimate(client, draft, **given):
    return client.post(reverse("jobs:wizard_estimate", args=[draft.pk]), given)


def panel_of(draft, owner):
    return panel_for(Draft(draft, owner, today()))


def test_the_fragment_is_the_panel_and_what_changes_with_it(client, house):
    draft = walk(client, house, until=2)
    page = estimate(client, draft, **answers(house, "classify")[3]).content.decode()
    assert 'id="estimate"' in page
    assert 'id="variants" hx-swap-oob="true"' in page
    assert "<html" not in page


def test_a_longer_run_takes_more(client, house):
    draft = walk(client, house, "chat", until=2)
    given = answers(house, "chat")[3]
    quick = estimate(client, draft, **{**given, "effort": "quick"}).context["panel"]
    thorough = estimate(client, draft, **{**given, "effort": "thorough"}).context["panel"]
    assert thorough.estimate.gpu_hours.likely > quick.estimate.gpu_hours.likely


def test_the_estimate_saves_nothing(client, house):
    draft = walk(client, house, until=2)
    estimate(client, draft, **answers(house, "classify")[3])
    draft.refresh_from_db()
    assert "training" not in draft.answers


def test_without_scripts_a_button_updates_the_estimate(client, house):
    draft = walk(client, house, until=2)
    given = {**answers(house, "classify")[3], "effort": "thorough", "action": "estimate"}
    response = client.post(url(draft, 3), given)
    assert response.status_code == 200
    assert response.context["panel"].settings.epochs > 5
    draft.refresh_from_db()
    assert "training" not in draft.answers


def test_half_an_answer_is_no_error(client, house):
    draft = walk(client, house, until=2)
    assert estimate(client, draft, effort="standard", learning_rate="abc").status_code == 200


def test_every_figure_is_explained(client, house):
    draft = walk(client, house)
    panel = panel_of(draft, house.owner)
    labels = [one.label for one in panel.explanations]
    assert {"GPU-hours", "Time to finish", "Electricity", "Greenhouse gas", "Memory per GPU"} <= set(labels)
    assert all(one.formula and one.source for one in panel.explanations)


def test_every_variant_shows_its_own_figures(client, house):
    draft = walk(client, house, "chat")
    form = client.get(url(draft, 3)).context["form"]
    facts = {value: option.facts for value, option in form.fields["method"].widget.describe.items()}
    assert set(facts) == {"lora", "qlora", "full"}
    assert all("GPU-hours" in fact[0][1] for fact in facts.values())


def test_the_value_is_hours_times_the_rate_of_the_grant(client, house):
    panel = panel_of(walk(client, house), house.owner)
    assert panel.worth == euro(Decimal(str(panel.estimate.gpu_hours.likely)) * house.allocation.eur_per_gpu_hour)


def test_the_meter_and_its_legend_add_up(client, house):
    panel = panel_of(walk(client, house), house.owner)
    filled = sum(percent for _series, percent in panel.parts)
    assert filled == pytest.approx(100 * panel.estimate.memory.share, rel=0.01)


def enlarge(house, **shape):
    """Makes the chat model one of nine billion parameters."""
    large = {
        "layers": 42, "hidden": 4096, "intermediate": 12288, "heads": 32, "kv_heads": 8, "head_dim": 128,
        "vocab": 128000, "tied_embeddings": False, "params": 9_150_000_000, "context": 4096,
    }  # fmt: skip
    type(house.writer).objects.filter(pk=house.writer.pk).update(**{**large, **shape})


def test_a_run_that_does_not_fit_cannot_go_on_and_gets_a_suggestion(client, house):
    enlarge(house)
    draft = walk(client, house, "chat", until=2)
    given = {**answers(house, "chat")[3], "method": "full"}
    response = client.post(url(draft, 3), given)
    assert response.status_code == 422
    assert "Does not fit" in str(response.context["form"].non_field_errors())
    assert "LoRA" in response.context["panel"].suggestion


def test_the_suggestion_can_be_taken_by_a_button(client, house):
    enlarge(house)
    draft = walk(client, house, "chat", until=2)
    given = {**answers(house, "chat")[3], "method": "full", "action": "suggest"}
    panel = client.post(url(draft, 3), given).context["panel"]
    assert panel.settings.method == "lora"
    assert panel.estimate.fits


def test_a_place_without_the_model_is_shown_with_the_reason(client, house):
    elsewhere = make_allocation(organisation=house.organisation, partition=make_partition())
    draft = walk(client, house)
    page = client.get(url(draft, 3))
    described = page.context["form"].fields["place"].widget.describe[str(elsewhere.pk)]
    assert described.off
    assert "Does not hold Little Encoder" in str(described.description)


def test_a_place_that_cannot_be_used_cannot_be_posted(client, house):
    elsewhere = make_allocation(organisation=house.organisation, partition=make_partition())
    draft = walk(client, house, until=2)
    response = client.post(url(draft, 3), {**answers(house, "classify")[3], "place": str(elsewhere.pk)})
    assert "place" in response.context["form"].errors


def test_connected_sites_without_hours_are_shown_with_a_way_to_ask(client, house):
    make_partition(site=make_site(name="Far away"))
    page = client.get(url(walk(client, house), 3)).content.decode()
    assert "Far away" in page
    assert "Ask for GPU-hours" in page


def finished(house, draft, number, seconds):
    """A run of the draft that took so long."""
    panel = panel_of(draft, house.owner)
    job = Job.objects.create(
        reference=f"JOB-T-{number}", organisation=house.organisation, allocation=house.allocation, site=house.site,
        partition=house.partition, base_model=house.encoder, dataset=house.labelled, name="Done", recipe="classify",
        method="baseline", state=JobState.DONE, spec={}, spec_hash="3" * 64, estimate=panel.as_dict(),
        max_seconds=600, reserved_gpu_seconds=600, ended_at=now(),
    )  # fmt: skip
    Attempt.objects.create(
        job=job, number=1, key=f"ft-{number}", site=house.site, created_at=now(), lease_epoch=1, lease_token="t",
        lease_expires_at=now() + timedelta(minutes=2), not_after=now() + timedelta(days=1), last_heard_at=now(),
        state=JobState.DONE, result={"measured": {"wall_seconds": seconds}},
    )  # fmt: skip


def test_three_finished_runs_correct_the_next_estimate(client, house):
    draft = walk(client, house)
    before = panel_of(draft, house.owner).estimate.seconds.likely
    for number in range(3):
        finished(house, draft, number, seconds=2 * before)
    panel = panel_of(draft, house.owner)
    assert panel.estimate.seconds.likely == pytest.approx(2 * before, rel=0.01)
    assert any("3 finished runs" in note for note in panel.notes)


def test_corrections_are_measured_against_what_was_first_predicted(client, house):
    draft = walk(client, house)
    before = panel_of(draft, house.owner).estimate.seconds.likely
    for number in range(3):
        finished(house, draft, number, seconds=2 * before)
    for number in range(3, 9):
        finished(house, draft, number, seconds=2 * before)
    learned = corrections_for([house.partition.pk])[(house.partition.pk, "baseline")]
    assert learned.time.factor == pytest.approx(2.0, rel=0.01)


def test_what_was_not_measured_corrects_nothing():
    assert run_ratios({"seconds": {"likely": 10.0}}, {"wall_seconds": None, "energy_j": None}) == {}


def test_a_draft_without_a_place_says_what_is_missing(client, house):
    draft = walk(client, house, until=2)
    house.site.status = "draining"
    house.site.save()
    page = client.get(url(draft, 3))
    assert "no GPU-hours at a place" in page.content.decode()
    assert page.context["panel"] is None
