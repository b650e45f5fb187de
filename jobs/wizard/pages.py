"""What each step's page shows: its forms, and what stands around them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from catalog.models import FoundationModel
from jobs.models import JobDraft
from jobs.wizard import selectors
from jobs.wizard.comparison import compare
from jobs.wizard.data_view import data_view
from jobs.wizard.drafts import CODES, STEPS, Draft, steps_of
from jobs.wizard.forms import SafetyForm
from jobs.wizard.panel import Panel, panel_for, plain, variant_facts
from jobs.wizard.tokens import count_tokens, reader_of
from models_hub.datasets.samples import samples_of
from models_hub.recipes import RECIPES, Context, Recipe
from models_hub.recipes.ai_act import GUIDELINES, assess_modification
from models_hub.recipes.forms import StepForm, TrainingForm
from portal.kernel.clock import now
from portal.kernel.errors import DomainError

# Buttons that show more without going on: nothing is complained about that was not answered yet.
LOOKING = frozenset({"look"})


def address(row: JobDraft, step: int) -> str:
    return reverse("jobs:wizard_step", args=[row.pk, step])


def first_answers(
    model: FoundationModel | None, dataset: str, recipe: str, request: HttpRequest
) -> tuple[str, dict[str, Any]]:
    """What is known of a new run from where somebody came from: a model's page, a data set's page, or a card."""
    answers: dict[str, Any] = {}
    code = recipe if recipe in RECIPES else ""
    if dataset:
        found, _parts = selectors.chosen_dataset(request.organisation.pk, dataset)  # type: ignore[attr-defined]
        if found is not None:
            answers["data"] = {"dataset": str(found.pk)}
            code = next((one.code for one in RECIPES if one.about.dataset_kind == found.kind), code)
    if model is not None:
        answers["goal"] = {"base_model": model.slug}
        code = next((one.code for one in RECIPES if model.task in one.about.model_tasks), code)
    return code, answers


@dataclass
class Page:
    """One step in one request."""

    draft: Draft
    code: str
    forms: list[StepForm]
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return CODES.index(self.code) + 1

    @property
    def answers(self) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for form in self.forms:
            merged |= form.answers()
        return merged

    def is_valid(self) -> bool:
        # Every form is asked, so that all their errors are shown at once.
        return all([form.is_valid() for form in self.forms])  # noqa: C419

    @property
    def errors(self) -> bool:
        return any(form.is_bound and form.errors for form in self.forms)

    def context(self) -> dict[str, Any]:
        return {**frame(self.draft, self.number), "form": self.forms[0], "forms": self.forms, **self.extra}


def frame(draft: Draft, number: int) -> dict[str, Any]:
    """What every step shows: where one is, what is saved, how to go back."""
    row = draft.row
    _code, title, minutes = STEPS[number - 1]
    return {
        "draft": row,
        "recipe": draft.recipe,
        "number": number,
        "count": len(STEPS),
        "title": title,
        "minutes": minutes,
        "steps": steps_of(row, number, lambda step: address(row, step)),
        "back": address(row, number - 1) if number > 1 else "",
        "here": address(row, number),
        "safety": None,
    }


def step_page(draft: Draft, code: str, request: HttpRequest) -> Page:
    """The forms of a step, bound to what was sent, and what its page shows."""
    sent: Mapping[str, Any] | None = request.POST if request.method == "POST" else None
    looking = sent is not None and sent.get("action") in LOOKING
    if sent is None and "again" in request.GET:
        sent = draft.saved(code)
    build = {"goal": _goal, "data": _data, "training": _training, "evaluation": _evaluation}[code]
    return build(draft, request, sent, looking)


def _goal(draft: Draft, request: HttpRequest, sent: Mapping[str, Any] | None, looking: bool) -> Page:
    saved = draft.saved("goal")
    wanted = (sent or request.GET).get("goal") or draft.row.recipe
    draft.tell("goal", {**saved, "goal": wanted if wanted in RECIPES else next(iter(RECIPES)).code})
    recipe = draft.recipe
    models = selectors.models_for(recipe, draft.row.organisation_id, draft.on)
    choices, missing = selectors.offers(models)
    shown = sent if sent is not None and not looking else None
    initial = {**saved, "name": saved.get("name") or draft.row.name, "goal": recipe.code}
    if looking and sent is not None:
        initial |= {"name": sent.get("name", ""), "base_model": sent.get("base_model", "")}
    elif "name" in request.GET:
        initial["name"] = request.GET["name"]
    form = recipe.form("goal")(
        shown,
        recipe=recipe,
        context=Context(),
        saved=draft.answers,
        initial=initial,
        recipes=RECIPES,
        offers=choices,
    )
    return Page(draft, "goal", [form], {"missing": missing, "no_models": not choices})


def _data(draft: Draft, request: HttpRequest, sent: Mapping[str, Any] | None, looking: bool) -> Page:
    saved = draft.saved("data")
    recipe = draft.recipe
    datasets = list(selectors.datasets_for(recipe, draft.user, draft.row.organisation_id))
    given = (sent or request.GET).get("dataset") or saved.get("dataset")
    only = datasets[0] if len(datasets) == 1 else None
    looked_at = next((one for one in datasets if str(one.pk) == str(given)), only)
    initial = {**saved, "dataset": str(looked_at.pk) if looked_at else None}
    if looking and sent is not None:
        initial |= {"personal_data": sent.get("personal_data"), "rights": bool(sent.get("rights"))}
    form = recipe.form("data")(
        sent if sent is not None and not looking else None,
        recipe=recipe,
        context=Context(),
        saved=draft.answers,
        initial=initial,
        datasets=datasets,
    )
    view = None
    if looked_at is not None:
        parts = {part.name: part for part in looked_at.parts.all()}
        view = data_view(looked_at, parts, draft.model, recipe)
    extra = {"datasets": datasets, "view": view, "looked_at": looked_at, "samples": samples_for(recipe)}
    return Page(draft, "data", [form], extra)


def counted_tokens(draft: Draft, key: object) -> dict[str, Any]:
    """The rows' lengths for the chosen model, to be kept with the answers; empty where nothing can be counted."""
    _dataset, parts = selectors.chosen_dataset(draft.row.organisation_id, key)
    if draft.model is None or "train" not in parts:
        return {}
    return count_tokens(parts["train"], draft.model, draft.recipe, reader_of(draft.model))


def samples_for(recipe: Recipe) -> list[dict[str, str]]:
    """Our sample data sets of the recipe's kind, offered by one click."""
    return [
        {"code": sample.code, "name": _(sample.name), "description": _(sample.description)}
        for sample in samples_of(recipe.about.dataset_kind)
    ]


def _training(draft: Draft, request: HttpRequest, sent: Mapping[str, Any] | None, looking: bool) -> Page:
    recipe, context = draft.recipe, draft.context
    kind = recipe.form("training")
    place = context.place(draft.answers)
    initial = {"place": place.key if place else None, "gpus": 1}
    initial |= {name: bound.initial for name, bound in kind.base_fields.items() if bound.initial is not None}
    initial |= {name: value for name, value in draft.saved("training").items() if value is not None}
    if sent is not None and sent.get("action") == "suggest":
        sent = _with_suggestion(draft, sent)
    comparison = compare(draft, initial, at=now())
    if sent is None and not draft.saved("training").get("place") and comparison.best:
        initial["place"] = comparison.best
    form = kind(sent, recipe=recipe, context=context, saved=draft.answers, initial=initial)
    comparison.describe(form)
    draft.tell("training", {**initial, **form.answers()} if sent is not None else initial)
    panel = panel_for(draft)
    if isinstance(form, TrainingForm):
        form.describe(variant_facts(draft))
    if form.is_bound and form.is_valid() and panel is not None and not panel.estimate.fits:
        form.add_error(
            None, _("%(verdict)s %(suggestion)s") % {"verdict": panel.verdict, "suggestion": panel.suggestion}
        )
    extra = {
        "panel": panel,
        "usable": any(not one.off for one in context.places),
        "other_sites": selectors.other_sites(context.places),
        "rows": context.rows("train"),
        "model": draft.model,
    }
    return Page(draft, "training", [form], extra)


def _with_suggestion(draft: Draft, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The sent answers with the change that would make the run fit."""
    told = {name: value for name, value in sent.items() if name not in ("csrfmiddlewaretoken", "action")}
    draft.tell("training", {name: value for name, value in told.items() if value != ""})
    try:
        panel = panel_for(draft)
    except ValueError:  # an answer that is not a number; the form says so
        return told
    if panel is None or not panel.can_apply or panel.estimate.suggestion is None:
        return told
    changes = dict(panel.estimate.suggestion.changes)
    method = changes.pop("method", None)
    if method is not None:
        variant = next((one.value for one in draft.recipe.variants() if _method(draft, one.value) == method), None)
        if variant is not None:
            told[draft.recipe.about.variant_field] = variant
    return {**told, **{name: str(value) for name, value in changes.items() if name != "checkpointing"}}


def _method(draft: Draft, variant: str) -> str:
    training = {**draft.answers.get("training", {}), draft.recipe.about.variant_field: variant}
    return draft.recipe.settings({**draft.answers, "training": training}, draft.context).method


def _evaluation(draft: Draft, request: HttpRequest, sent: Mapping[str, Any] | None, looking: bool) -> Page:
    recipe, context = draft.recipe, draft.context
    initial = draft.saved("evaluation")
    shared: dict[str, Any] = {"recipe": recipe, "context": context, "saved": draft.answers}
    form = recipe.form("evaluation")(sent, **shared, initial=initial)
    safety = SafetyForm(sent, **shared, initial=initial)
    panel = panel_for(draft)
    flops = panel.estimate.flops.value if panel else 0.0
    modification = assess_modification(flops=flops)
    extra = {
        "safety": safety,
        "panel": panel,
        "rows": {part: context.rows(part) for part in ("train", "validation", "test")},
        "model": draft.model,
        "modification": modification,
        "flops_text": plain(flops),
        "threshold_text": plain(modification.threshold),
        "guidelines": GUIDELINES,
    }
    return Page(draft, "evaluation", [form, safety], extra)


def check_context(draft: Draft, refusal: DomainError | None) -> dict[str, Any]:
    """Everything that was answered, in words, with the way back to each step."""
    panel = panel_for(draft)
    return {
        **frame(draft, len(STEPS)),
        "panel": panel,
        "refusal": refusal,
        "summary": summary(draft, panel),
        "dataset": draft.context.dataset,
        "model": draft.model,
        "elsewhere": selectors.further_sites(panel.place.key) if panel else [],
    }


def summary(draft: Draft, panel: Panel | None) -> list[dict[str, Any]]:
    """Groups of (question, answer), each with the address of its step."""
    answers, context = draft.answers, draft.context
    settings = panel.settings if panel else None
    training = answers.get("training", {})
    variants = {one.value: one.title for one in draft.recipe.variants()}
    variant = variants.get(str(training.get(draft.recipe.about.variant_field, "")), "")
    data = answers.get("data", {})
    evaluation = answers.get("evaluation", {})
    groups: list[tuple[str, int, list[tuple[str, Any]]]] = [
        (
            _("Goal and model"),
            1,
            [
                (_("Name"), draft.row.name),
                (_("Goal"), draft.recipe.about.title),
                (_("Base model"), context.model.name if context.model else ""),
            ],
        ),
        (
            _("Your data"),
            2,
            [
                (_("Data set"), context.dataset.name if context.dataset else ""),
                (_("Rows to learn from"), context.rows("train")),
                (_("Rows held back for checking"), context.rows("validation") + context.rows("test")),
                (
                    _("About identifiable people"),
                    _("Yes, with a legal basis") if data.get("personal_data") == "lawful" else _("No"),
                ),
            ],
        ),
        (
            _("Training and compute"),
            3,
            [
                (_("Way of learning"), variant),
                *(
                    [
                        (_("Passes over the data"), f"{settings.epochs:g}"),
                        (_("Runs at"), f"{panel.site}, {panel.hardware}"),
                    ]
                    if panel and settings
                    else []
                ),
            ],
        ),
        (
            _("Evaluation and safety"),
            4,
            [
                (_("Answers side by side"), evaluation.get("samples", "")),
                (_("Used for"), evaluation.get("intended_use", "")),
                (_("Areas with special duties"), _("Yes") if evaluation.get("areas") else _("None")),
            ],
        ),
    ]
    return [{"title": title, "url": address(draft.row, step), "rows": rows} for title, step, rows in groups]
