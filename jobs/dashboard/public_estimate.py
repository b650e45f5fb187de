"""What would a run take? For visitors: a goal, a number of examples and a size of model, or one model by name.

Worked out by the recipes themselves with their good settings, on real hardware of the catalogue; only the length of
the examples is assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.db.models import Prefetch
from django.utils.translation import gettext_lazy as _

from catalog.models import FoundationModel, Partition, RateCard, Site
from jobs.wizard.panel import Panel
from models_hub.models import DatasetPart
from models_hub.recipes import RECIPES, Context, Place, Recipe, TokenProfile, Variant
from models_hub.recipes.settings import seconds_limit

# One model of each size, by its id in the catalogue: European and multilingual where there is one.
SIZES: Mapping[str, Mapping[str, str]] = {
    "chat": {
        "small": "eurollm-1-7b-instruct",
        "medium": "eurollm-9b-instruct",
        "large": "mistral-small-24b-instruct",
    },
    "classify": {"small": "eurobert-210m", "medium": "multilingual-e5-base", "large": "multilingual-e5-large"},
}
# Assumed lengths in tokens: a question with its answer, and a customer's message.
LENGTHS: Mapping[str, TokenProfile] = {
    "chat": TokenProfile(mean=400, p95=900, longest=1024, exact=False),
    "classify": TokenProfile(mean=80, p95=200, longest=256, exact=False),
}
# GPUs whose training speed is known best; a visitor's first number should not rest on a guess about rarer ones.
REFERENCE_GPUS = ("A100", "H100", "H200", "GH200")
MOST_ROWS = 10_000_000
PLENTY_SECONDS = 10**12


class PublicEstimateForm(forms.Form):
    mark_optional = False

    recipe = forms.ChoiceField(
        label=_("What should the model do?"),
        choices=[("chat", _("Answer questions or write texts")), ("classify", _("Sort texts into groups"))],
        initial="chat",
    )
    rows = forms.IntegerField(
        label=_("How many examples do you have?"),
        min_value=10,
        max_value=MOST_ROWS,
        initial=2000,
        error_messages={
            "min_value": _("Enter at least 10 examples; a first run is worth trying from about 100."),
            "max_value": _("Enter at most 10,000,000 examples."),
            "invalid": _("Enter a whole number, for example 2000."),
            "required": _("Enter how many examples you have, for example 2000."),
        },
    )
    size = forms.ChoiceField(
        label=_("How large a model?"),
        choices=[
            ("small", _("Small: fast, for one clear task")),
            ("medium", _("Medium: right for most companies")),
            ("large", _("Large: difficult language or knowledge")),
        ],
        initial="medium",
        required=False,
    )
    model = forms.CharField(max_length=100, required=False, widget=forms.HiddenInput)


@dataclass(frozen=True)
class Option:
    """One way to train, with its own figures."""

    variant: Variant
    panel: Panel


@dataclass(frozen=True)
class PublicEstimate:
    """The answer: the recommended way in full, the others beside it, and what it rests on."""

    model: FoundationModel
    recipe: Recipe
    best: Option
    options: list[Option]
    tokens: TokenProfile

    @property
    def site(self) -> Site:
        return self.best.panel.place.partition.site


def model_for(recipe: str, size: str, slug: str) -> FoundationModel | None:
    """The model asked for by name, else the one that stands for the size. None when the catalogue has neither."""
    wanted = slug or SIZES[recipe][size or "medium"]
    return FoundationModel.objects.filter(slug=wanted).defer("search", "seeded").first()


def recipe_for(model: FoundationModel, asked: str) -> Recipe | None:
    """The recipe asked for when it can start from this model, else the one that can."""
    ordered = sorted(RECIPES, key=lambda recipe: recipe.code != asked)
    return next((recipe for recipe in ordered if model.task in recipe.about.model_tasks), None)


def hardware(*, on: date) -> list[Place]:
    """Reference GPUs of the catalogue that have a rate, the most modest first. Two queries."""
    rates = RateCard.objects.valid_on(on).order_by("-valid_from")
    rows = (
        Partition.objects.exclude(site__kind=Site.Kind.DEMONSTRATION)
        .select_related("site")
        .prefetch_related(Prefetch("rate_cards", queryset=rates, to_attr="rates_today"))
        .order_by("bf16_tflops", "gpu_memory_gb", "site__slug")
    )
    return [
        Place(
            key=str(row.pk),
            partition=row,
            eur_per_gpu_hour=row.rates_today[0].eur_per_gpu_hour,
            available_seconds=PLENTY_SECONDS,
        )
        for row in rows
        if row.rates_today and row.gpu_type.startswith(REFERENCE_GPUS)
    ]


def public_estimate(*, model: FoundationModel, recipe: Recipe, rows: int, on: date) -> PublicEstimate | None:
    """On the most modest hardware that holds the recommended way; None when there is no hardware or no shape."""
    if not model.has_shape:
        return None
    tokens = LENGTHS[recipe.code]
    held_out = max(1, rows // 10)
    parts = {
        name: DatasetPart(name=name, rows=count)
        for name, count in (("train", max(1, rows - 2 * held_out)), ("validation", held_out), ("test", held_out))
    }
    found: list[Option] = []
    for place in hardware(on=on):
        context = Context(model=model, parts=parts, tokens=tokens, places=(place,))
        found = [option for variant in recipe.variants() if (option := _option(recipe, variant, context, place))]
        if _recommended(found).panel.estimate.fits:
            break
    if not found:
        return None
    return PublicEstimate(model=model, recipe=recipe, best=_recommended(found), options=found, tokens=tokens)


def _recommended(options: list[Option]) -> Option:
    return next((option for option in options if option.variant.recommended), options[0])


def _option(recipe: Recipe, variant: Variant, context: Context, place: Place) -> Option | None:
    answers: dict[str, dict[str, Any]] = {"training": {recipe.about.variant_field: variant.value}}
    run = recipe.estimate(answers, context)
    if run is None:
        return None
    settings = recipe.settings(answers, context)
    limit = seconds_limit(run.seconds.high, settings, place)
    factors = {"time": 1.0, "memory": 1.0, "energy": 1.0}
    return Option(variant, Panel(run, settings, place, False, limit * settings.gpus, factors))
