"""A draft as the wizard works with it: its recipe, its context, its steps, and what stands in the way."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from catalog.models import FoundationModel
from jobs.models import JobDraft
from jobs.wizard import selectors
from jobs.wizard.residency import within_residency
from jobs.wizard.tokens import token_profile
from models_hub.recipes import RECIPES, Answers, Context, Recipe

# Code, title, minutes that are left when one arrives there.
STEPS = (
    ("goal", gettext_lazy("Goal and model"), 6),
    ("data", gettext_lazy("Your data"), 5),
    ("training", gettext_lazy("Training and compute"), 4),
    ("evaluation", gettext_lazy("Evaluation and safety"), 2),
    ("check", gettext_lazy("Check and start"), 1),
)
CODES = tuple(code for code, _title, _minutes in STEPS)


@dataclass(frozen=True)
class Problem:
    """Something that was fine when it was answered and is not any more: the step to mend it at, and a sentence."""

    step: int
    sentence: str


@dataclass
class Draft:
    """One draft in one request. `answers` are the saved ones, plus whatever the page in hand has just been told."""

    row: JobDraft
    user: User
    on: date
    told: dict[str, dict[str, Any]] = field(default_factory=dict)

    @cached_property
    def recipe(self) -> Recipe:
        """The chosen recipe; the first one while nothing was chosen, or when a recipe was removed since."""
        code = str(self.answers.get("goal", {}).get("goal") or self.row.recipe)
        return RECIPES[code] if code in RECIPES else next(iter(RECIPES))

    @property
    def answers(self) -> Answers:
        return {**self.row.answers, **self.told}

    def saved(self, code: str) -> dict[str, Any]:
        found = self.row.answers.get(code, {})
        return dict(found) if isinstance(found, dict) else {}

    @cached_property
    def model(self) -> FoundationModel | None:
        slug = self.saved("goal").get("base_model")
        return FoundationModel.objects.filter(slug=slug).first() if slug else None

    @cached_property
    def context(self) -> Context:
        """Model, data and places; what finished runs taught is added for the places that can be used."""
        key = self.saved("data").get("dataset")
        dataset, parts = selectors.chosen_dataset(self.row.organisation_id, key) if key else (None, {})
        places = within_residency(selectors.places_for(self.row.organisation_id, self.model, on=self.on), dataset)
        usable = [place.partition.pk for place in places if not place.off]
        return Context(
            model=self.model,
            dataset=dataset,
            parts=parts,
            tokens=token_profile(dataset, parts, self.model, self.saved("data").get("tokens")),
            places=places,
            corrections=selectors.corrections_for(usable) if usable else {},
        )

    def tell(self, code: str, answers: dict[str, Any]) -> None:
        """Takes unsaved answers into account from now on."""
        self.told[code] = answers

    def problem(self, before: int) -> Problem | None:
        """The first thing that went away since it was chosen, looking only at steps before the one in hand."""
        goal, data = self.saved("goal"), self.saved("data")
        if before > 1 and goal.get("goal", self.row.recipe) not in RECIPES:
            return Problem(1, _("This kind of run is not offered any more. Choose another goal; your data is kept."))
        if before > 1 and goal.get("base_model") and self.model is None:
            return Problem(
                1, _("The model you chose is no longer offered. Choose another one; your other answers are kept.")
            )
        if before > 2 and data.get("dataset") and self.context.dataset is None:
            return Problem(
                2, _("The data set you chose is gone or cannot be used any more. Choose another one to go on.")
            )
        return None


def steps_of(draft: JobDraft, current: int, url_of: Any) -> list[dict[str, Any]]:
    """The progress bar: steps up to the one reached can be gone to."""
    items = []
    for number, (_code, title, _minutes) in enumerate(STEPS, start=1):
        done = number < draft.step_reached and number != current
        state = "current" if number == current else "done" if done else "todo"
        items.append({"label": title, "state": state, "url": url_of(number) if number <= draft.step_reached else ""})
    return items
