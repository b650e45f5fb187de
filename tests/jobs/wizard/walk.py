"""Walking the wizard as a browser without scripts would."""

from django.urls import reverse

from jobs.models import JobDraft

SAFE = {
    "samples": "5",
    "intended_use": "Sorting our own mail.",
    "high_risk": "none",
    "prohibited": "on",
    "licence_accepted": "on",
}


def url(draft, step):
    return reverse("jobs:wizard_step", args=[draft.pk, step])


def begin(client, **given):
    client.post(reverse("jobs:wizard_start"), given)
    return JobDraft.objects.latest("created_at")


def answers(house, recipe):
    """What a person would enter at each step, by step number."""
    model, dataset = (house.encoder, house.labelled) if recipe == "classify" else (house.writer, house.talks)
    training = {"effort": "quick"} if recipe == "classify" else {"method": "lora", "effort": "quick"}
    return {
        1: {"goal": recipe, "base_model": model.slug, "name": "Our first run"},
        2: {"dataset": str(dataset.pk), "personal_data": "none", "rights": "on"},
        3: {**training, "place": str(house.allocation.pk), "gpus": "1"},
        4: SAFE,
    }


def walk(client, house, recipe="classify", until=4, **changed):
    """Takes a new draft through its steps up to and including `until`; `changed` replaces answers, as step3={...}."""
    draft = begin(client, recipe=recipe)
    for step, given in answers(house, recipe).items():
        if step > until:
            break
        response = client.post(url(draft, step), {**given, **changed.get(f"step{step}", {})})
        assert response.status_code == 302, response.context["form"].errors
    draft.refresh_from_db()
    return draft
