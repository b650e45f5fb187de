"""The forms of the steps. A recipe takes them as they are or puts its own fields on top.

A form says what was answered in plain JSON values (`answers()`); a question left empty in "Advanced settings" means
"use your default", so a later change of method changes the default with it.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from models_hub.recipes.base import Answers, Context, Place, Recipe
from portal.ui import numbers
from portal.ui.widgets import ChoiceCards, NumberText, Option, Segment


class StepForm(forms.Form):
    """One step of the wizard. `advanced` names the fields that are folded away."""

    advanced: ClassVar[tuple[str, ...]] = ()
    mark_optional = False

    def __init__(self, *args: Any, recipe: Recipe, context: Context, saved: Answers, **kwargs: Any) -> None:
        self.recipe, self.context, self.saved = recipe, context, saved
        super().__init__(*args, **kwargs)
        self.prepare()

    def prepare(self) -> None:
        """Fills in choices that depend on the context."""

    def offer(
        self, name: str, choices: Iterable[tuple[Any, Any]], describe: Mapping[str, Option] | None = None
    ) -> None:
        """Sets the choices of a field, and what their cards say."""
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(choices)
        if isinstance(field.widget, ChoiceCards) and describe is not None:
            field.widget.describe = dict(describe)

    @property
    def main_fields(self) -> list[forms.BoundField]:
        return [bound for bound in self.visible_fields() if bound.name not in self.advanced]

    @property
    def advanced_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.advanced if name in self.fields]

    @property
    def advanced_open(self) -> bool:
        """Folded away unless something there was answered or is wrong."""
        return any(bound.errors or bound.value() not in (None, "") for bound in self.advanced_fields)

    def answers(self) -> dict[str, Any]:
        """The valid answers as JSON values. Works on a form with errors too: what is wrong is left out."""
        if not self.is_bound:
            return {name: _plain(value) for name, value in self.initial.items() if name in self.fields}
        self.is_valid()
        return {name: _plain(value) for name, value in self.cleaned_data.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, str | int | float | bool | list) or value is None:
        return value
    return str(getattr(value, "pk", value))


class DefaultNumber(forms.DecimalField):
    """A number of the advanced settings, within bounds; empty takes the default that the help text names."""

    widget = NumberText

    def __init__(self, *, least: str, most: str, whole: bool = False, **kwargs: Any) -> None:
        self.whole = whole
        super().__init__(
            required=False,
            widget=NumberText(decimal=not whole),
            validators=[MinValueValidator(Decimal(least)), MaxValueValidator(Decimal(most))],
            decimal_places=0 if whole else None,
            error_messages={
                "invalid": _("Enter a number, or leave this empty."),
                "max_decimal_places": _("Enter a whole number."),
            },
            **kwargs,
        )

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        return int(cleaned) if self.whole and cleaned is not None else cleaned


class GoalForm(StepForm):
    """Which recipe, which base model, and a name. `recipes` and `offers` are given by the wizard."""

    goal = forms.ChoiceField(
        label=_("What do you want to make?"),
        widget=ChoiceCards(columns=2),
        error_messages={"required": _("Choose what you want to make.")},
    )
    base_model = forms.ChoiceField(
        label=_("Which model do you start from?"),
        help_text=_("Only models that a connected site holds and that suit your goal can be chosen."),
        widget=ChoiceCards,
        error_messages={
            "required": _("Choose a model to start from."),
            "invalid_choice": _("This model cannot be used any more. Choose another one."),
        },
    )
    name = forms.CharField(
        label=_("A name for this run"),
        help_text=_("You find the run and the finished model under this name. Only your organisation sees it."),
        max_length=120,
        error_messages={"required": _("Give the run a name.")},
    )

    def __init__(
        self, *args: Any, recipes: Iterable[Recipe] = (), offers: Mapping[str, Any] | None = None, **kwargs: Any
    ):
        self.recipes, self.offers = tuple(recipes), dict(offers or {})
        super().__init__(*args, **kwargs)

    def prepare(self) -> None:
        self.offer(
            "goal",
            [(recipe.code, recipe.about.title) for recipe in self.recipes],
            {recipe.code: Option(description=recipe.about.summary) for recipe in self.recipes},
        )
        self.offer(
            "base_model",
            [(slug, offer["name"]) for slug, offer in self.offers.items()],
            {slug: offer["option"] for slug, offer in self.offers.items()},
        )


class DataForm(StepForm):
    """Which data set, and what is true of it. `datasets` are the organisation's ready ones of the recipe's kind."""

    PERSONAL = (
        ("none", _("No, it holds no personal data")),
        ("lawful", _("Yes, and we have a legal basis to train with it")),
        ("unsure", _("I am not sure")),
    )

    dataset = forms.ChoiceField(
        label=_("Which data shall the model learn from?"),
        widget=ChoiceCards,
        error_messages={
            "required": _("Choose a data set."),
            "invalid_choice": _("This data set cannot be used any more. Choose another one."),
        },
    )
    personal_data = forms.ChoiceField(
        label=_("Is there anything in it about identifiable people?"),
        help_text=_("Names, e-mail addresses, customer numbers, voices: anything that leads to a person."),
        choices=PERSONAL,
        widget=forms.RadioSelect,
        error_messages={"required": _("Say whether the data is about identifiable people.")},
    )
    rights = forms.BooleanField(
        label=_("We may use this data for training: it is ours, or its owner allows it."),
        error_messages={"required": _("Confirm that you may use the data, or choose other data.")},
    )

    def __init__(self, *args: Any, datasets: Iterable[Any] = (), **kwargs: Any) -> None:
        self.datasets = list(datasets)
        super().__init__(*args, **kwargs)

    def prepare(self) -> None:
        self.offer(
            "dataset",
            [(str(dataset.pk), dataset.name) for dataset in self.datasets],
            {str(dataset.pk): describe_dataset(dataset) for dataset in self.datasets},
        )

    def clean_personal_data(self) -> str:
        value = self.cleaned_data["personal_data"]
        if value == "unsure":
            raise forms.ValidationError(
                _(
                    "Find out before you train: a model can repeat what it learned. Ask your data protection officer, "
                    "or remove names and addresses and upload the data again."
                )
            )
        return str(value)


class TrainingForm(StepForm):
    """How and where. Recipes add the question that their variants answer; `place` and `gpus` are everybody's."""

    advanced: ClassVar[tuple[str, ...]] = (
        *("epochs", "learning_rate", "scheduler", "warmup_ratio"),
        *("micro_batch", "accumulation", "max_length", "patience", "seed"),
    )

    place = forms.ChoiceField(
        label=_("Where should it run?"),
        help_text=_("Your data goes to the site you choose, and elsewhere only if you allow that in the last step."),
        widget=ChoiceCards,
        error_messages={
            "required": _("Choose where it should run."),
            "invalid_choice": _("This place cannot be used any more. Choose another one, or ask for GPU-hours there."),
        },
    )
    gpus = forms.TypedChoiceField(
        label=_("How many GPUs?"),
        help_text=_("More GPUs finish sooner and use slightly more of your hours."),
        coerce=int,
        widget=Segment,
        error_messages={"invalid_choice": _("This place offers fewer GPUs for one run. Choose again.")},
    )
    epochs = DefaultNumber(label=_("Passes over the data"), least="0.05", most="50")
    learning_rate = DefaultNumber(label=_("Learning rate"), least="0.0000001", most="0.05")
    micro_batch = DefaultNumber(label=_("Rows at a time on each GPU"), least="1", most="128", whole=True)
    accumulation = DefaultNumber(label=_("Gradient accumulation"), least="1", most="256", whole=True)
    max_length = DefaultNumber(label=_("Longest row in tokens"), least="32", most="32768", whole=True)
    warmup_ratio = DefaultNumber(label=_("Warm-up, as a part of the run"), least="0", most="0.5")
    scheduler = forms.ChoiceField(
        label=_("How the learning rate falls"),
        required=False,
        choices=[
            ("", _("Our default: along a cosine")),
            ("cosine", _("Along a cosine")),
            ("linear", _("In a straight line")),
            ("constant", _("Not at all")),
        ],
    )
    patience = DefaultNumber(label=_("Checks without progress before it stops early"), least="0", most="20", whole=True)
    seed = DefaultNumber(label=_("Seed"), least="0", most="2147483647", whole=True)

    def prepare(self) -> None:
        self.offer(
            "place",
            [(place.key, place.partition.site.name) for place in self.context.places],
            {place.key: describe_place(place) for place in self.context.places},
        )
        self.limit_gpus()

    @property
    def variants(self) -> forms.BoundField:
        """The question whose answers are the recipe's variants."""
        return self[self.recipe.about.variant_field]

    @property
    def own_fields(self) -> list[forms.BoundField]:
        """What a recipe asks beside the variants, the place and the GPUs."""
        shared = {self.recipe.about.variant_field, "place", "gpus"}
        return [bound for bound in self.main_fields if bound.name not in shared]

    def limit_gpus(self) -> None:
        """As many GPUs as the chosen place gives to one run."""
        data = {"place": self.data.get(self.add_prefix("place"))} if self.is_bound else self.initial
        place = self.context.place({"training": data})
        counts = place.gpu_counts if place else (1,)
        self.offer("gpus", [(count, str(count)) for count in counts])
        self.fields["gpus"].required = False
        if len(counts) == 1:
            self.fields["gpus"].help_text = _("A run takes one GPU.")

    def clean_place(self) -> str:
        value = self.cleaned_data["place"]
        for place in self.context.places:
            if place.key == value and place.off:
                raise forms.ValidationError(str(place.off))
        return str(value)

    def clean_max_length(self) -> Any:
        value = self.cleaned_data["max_length"]
        model = self.context.model
        if value and model and model.context and value > model.context:
            raise forms.ValidationError(
                _("%(model)s was made for rows of at most %(tokens)s tokens.")
                % {"model": model.name, "tokens": numbers.number(model.context)}
            )
        return value

    def describe(self, facts: Mapping[str, tuple[tuple[str, ...], ...]]) -> None:
        """Puts each variant's own figures on its card."""
        field = self.fields[self.recipe.about.variant_field]
        if not isinstance(field.widget, ChoiceCards):
            return
        field.widget.describe = {
            variant.value: Option(
                description=variant.description,
                facts=facts.get(variant.value, ()),
                tag=_("Recommended") if variant.recommended else "",
                tone="ok",
            )
            for variant in self.recipe.variants()
        }


def describe_dataset(dataset: Any) -> Option:
    return Option(
        facts=[
            ("database", _("%(rows)s rows") % {"rows": numbers.number(dataset.rows)}),
            ("calendar3", date_format(dataset.created_at, "DATE_FORMAT")),
        ],
        tag=_("Sample data") if dataset.sample_code else "",
    )


def describe_place(place: Place) -> Option:
    site = place.partition.site
    facts = [
        ("cpu", str(place.partition)),
        ("hourglass-split", _("%(hours)s GPU-hours left") % {"hours": numbers.hours(max(0, place.available_seconds))}),
    ]
    if site.grid_g_per_kwh <= 100:
        facts.append(("leaf", str(_("Low-carbon power"))))
    return Option(
        description=place.off,
        facts=() if place.off else tuple((a, str(b)) for a, b in facts),
        tag=site.country,
        off=bool(place.off),
    )


class EvaluationForm(StepForm):
    """How the finished model is judged, and what it is for."""

    SAMPLES = ((5, "5"), (10, "10"), (20, "20"), (50, "50"))

    samples = forms.TypedChoiceField(
        label=_("How many answers do you want to see side by side?"),
        help_text=_(
            "Rows the model never saw, answered by the base model and by yours. More of them take a little longer."
        ),
        coerce=int,
        choices=SAMPLES,
        initial=10,
        widget=Segment,
    )
    intended_use = forms.CharField(
        label=_("What will you use the model for?"),
        help_text=_("One or two sentences: who uses it, and for what decision or task. They stand on the model card."),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=1500,
        error_messages={"required": _("Say what you will use the model for.")},
    )
