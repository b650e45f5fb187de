"""What a recipe is: one way of making a model, from the first question to the frozen spec.

A recipe owns the forms of its steps, knows good settings for the data and model at hand, says what the run will take,
and compiles the answers to a `JobSpec`. It reads no clock and asks no database: the rows it needs come in a `Context`.
The same answers in the same context always give the same spec, to the last byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from django.utils.functional import Promise

from catalog.models import FoundationModel, Partition
from models_hub.estimate import Corrections, Estimate
from models_hub.models import Dataset, DatasetPart
from models_hub.specs import JobSpec

if TYPE_CHECKING:
    from models_hub.recipes.forms import StepForm
    from models_hub.recipes.settings import Settings

# What a person answered, step by step: {"goal": {...}, "data": {...}, "training": {...}, "evaluation": {...}}.
Answers = Mapping[str, Mapping[str, Any]]
STEPS = ("goal", "data", "training", "evaluation")
Words = str | Promise
# The training runtime trains on one GPU and refuses a spec that asks for more.
MOST_GPUS = 1


@dataclass(frozen=True, kw_only=True)
class TokenProfile:
    """How long the training rows are, in tokens. `exact` says that the model's own tokenizer counted them."""

    mean: float
    p95: float
    longest: int
    exact: bool = True


@dataclass(frozen=True, kw_only=True)
class Place:
    """Somewhere a run may go: a partition, what its time is worth, and how much of it is left.

    `key` is the wizard's name for it. `off` says why it cannot be chosen; empty when it can. `revision` is the version
    of the base model that the site's store reports.
    """

    key: str
    partition: Partition
    eur_per_gpu_hour: Decimal
    available_seconds: int
    revision: str | None = None
    off: Words = ""

    @property
    def gpu_counts(self) -> tuple[int, ...]:
        """How many GPUs a run may take here: powers of two within one node and within what the runtime can use."""
        most = min(MOST_GPUS, max(1, self.partition.gpus_per_node))
        return tuple(count for count in (1, 2, 4, 8) if count <= most)


@dataclass(frozen=True, kw_only=True)
class Context:
    """The rows a recipe works with. Anything may be missing while the answers are incomplete."""

    model: FoundationModel | None = None
    dataset: Dataset | None = None
    parts: Mapping[str, DatasetPart] = field(default_factory=dict)
    tokens: TokenProfile | None = None
    places: tuple[Place, ...] = ()
    corrections: Mapping[tuple[int, str], Corrections] = field(default_factory=dict)

    def place(self, answers: Answers) -> Place | None:
        """The place that was chosen, else the usable one with the most time left."""
        chosen = str(answers.get("training", {}).get("place", ""))
        usable = [place for place in self.places if not place.off]
        for place in usable:
            if place.key == chosen:
                return place
        return max(usable, key=lambda place: place.available_seconds, default=None)

    def rows(self, part: str) -> int:
        return int(self.parts[part].rows) if part in self.parts else 0

    @property
    def ready(self) -> bool:
        """Whether enough is known to estimate."""
        return bool(self.model and self.model.has_shape and self.tokens and self.rows("train"))


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to run a recipe, shown as a card with its own figures. `field` and `value` are the form's."""

    value: str
    title: Words
    description: Words
    recommended: bool = False


@dataclass(frozen=True, kw_only=True)
class About:
    """A recipe in words, and what it needs.

    `model_tasks` are the catalogue's tasks it may start from; `variant_field` is the question of the training form
    whose answers are the variants.
    """

    title: Words
    summary: Words
    icon: str
    dataset_kind: str
    model_tasks: frozenset[str]
    variant_field: str


class Recipe(Protocol):
    """Anything in RECIPES."""

    code: str
    about: About

    def form(self, step: str) -> type[StepForm]:
        """The Django form of one of STEPS."""

    def variants(self) -> tuple[Variant, ...]:
        """The cards of the question that decides memory and time."""

    def settings(self, answers: Answers, context: Context) -> Settings:
        """Every number of the run: what was answered, and our defaults for the rest."""

    def estimate(self, answers: Answers, context: Context) -> Estimate | None:
        """What the run will take; None while model, data or place are missing."""

    def compile(self, answers: Answers, context: Context) -> JobSpec:
        """The frozen words for the site. Raises SpecError when an answer cannot be put into them."""
