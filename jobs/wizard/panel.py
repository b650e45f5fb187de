"""The estimate beside the wizard: numbers that explain themselves, what they are worth, and what they leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from jobs.matching.words import said
from jobs.matching.words import said_number as _number
from jobs.wizard.drafts import Draft
from models_hub.estimate import Corrections, Estimate, Figure, Range, value_of
from models_hub.recipes import Place
from models_hub.recipes.settings import Settings, seconds_limit
from portal.kernel.money import SECONDS_PER_HOUR, euro
from portal.ui import numbers

GROUPS = (("model", 1), ("optimiser", 4), ("examples", 3), ("system", 2))
# What a suggestion of the estimator may change here: fields of the training form.
CHANGEABLE = frozenset({"method", "micro_batch", "accumulation", "max_length", "checkpointing"})


def _gigabytes(value: float) -> str:
    """Memory to a tenth; what is too small to matter is called so."""
    if 0 < value < 0.1:
        return _("under 0.1")
    tenth = round(value, 1)
    return numbers.number(tenth, 0 if tenth == int(tenth) else 1)


@dataclass(frozen=True)
class Explanation:
    """One number with how it came about."""

    label: str
    value: str
    formula: str
    inputs: str
    source: str


@dataclass(frozen=True)
class Panel:
    """Everything the aside shows. `held_seconds` are GPU-seconds that are set aside until the run ends."""

    estimate: Estimate
    settings: Settings
    place: Place
    exact_tokens: bool
    held_seconds: int
    corrected_by: Mapping[str, float]

    @property
    def likely_seconds(self) -> int:
        return round(self.estimate.gpu_hours.likely * SECONDS_PER_HOUR)

    @property
    def gpu_hours(self) -> str:
        return small_hours(self.estimate.gpu_hours.likely)

    @property
    def range(self) -> str:
        hours = self.estimate.gpu_hours
        if small_hours(hours.low) == small_hours(hours.high):
            return _("Nearly all of it is the time to start, check and save.")
        return _("Likely between %(low)s and %(high)s") % {
            "low": small_hours(hours.low),
            "high": small_hours(hours.high),
        }

    @property
    def time(self) -> str:
        return numbers.duration(self.estimate.seconds.likely)

    @property
    def hardware(self) -> str:
        return f"{self.settings.gpus} × {self.place.partition}"

    @property
    def site(self) -> str:
        return str(self.place.partition.site.name)

    @property
    def memory_line(self) -> str:
        memory = self.estimate.memory
        return _("%(need)s of %(have)s GB") % {
            "need": _gigabytes(memory.total.value),
            "have": _number(memory.capacity_gb),
        }

    @property
    def parts(self) -> list[tuple[int, float]]:
        """The meter: series and percent of the GPU's memory, or of the need where that is larger."""
        memory = self.estimate.memory
        whole = max(memory.total.value, memory.capacity_gb)
        return [(series, 100 * memory.groups[group] / whole) for group, series in GROUPS]

    @property
    def legend(self) -> list[tuple[int, str, str]]:
        words = {"model": _("Model"), "optimiser": _("Optimiser"), "examples": _("Examples"), "system": _("System")}
        groups = self.estimate.memory.groups
        return [(series, words[group], f"{_gigabytes(groups[group])} GB") for group, series in GROUPS]

    @property
    def tone(self) -> str:
        memory = self.estimate.memory
        return "bad" if not memory.fits else "warn" if memory.tight else "ok"

    @property
    def verdict(self) -> str:
        return said(self.estimate.verdict)

    @property
    def suggestion(self) -> str:
        """One sentence with a change that would fit; empty when it fits."""
        if self.estimate.fits:
            return ""
        found = self.estimate.suggestion
        if found is None or not set(found.changes) <= CHANGEABLE:
            return _("Choose a smaller model, or ask for time on GPUs with more memory.")
        return said(found.sentence)

    @property
    def can_apply(self) -> bool:
        found = self.estimate.suggestion
        return not self.estimate.fits and found is not None and set(found.changes) <= CHANGEABLE

    @property
    def worth(self) -> Decimal:
        """What the likely hours are worth at the rate frozen at grant: the public support, EUR."""
        return euro(value_of(self.estimate.gpu_hours.likely, self.place.eur_per_gpu_hour))

    @property
    def left_after(self) -> int:
        return self.place.available_seconds - self.likely_seconds

    @property
    def affordable(self) -> bool:
        return self.held_seconds <= self.place.available_seconds

    @property
    def energy(self) -> str:
        return _("about %(kwh)s kWh") % {"kwh": _number(self.estimate.energy_kwh.likely)}

    @property
    def carbon(self) -> str:
        grams = self.estimate.co2e_kg.likely * 1000
        if grams < 1000:
            return _("about %(grams)s g CO2e") % {"grams": _number(round(grams, 1))}
        return _("about %(kg)s kg CO2e") % {"kg": _number(round(grams / 1000, 1))}

    @property
    def notes(self) -> list[str]:
        notes = [said(note) for note in self.estimate.notes]
        if not self.exact_tokens:
            notes.append(_("Tokens were estimated from the text, not counted with the model's own tokenizer."))
        return notes

    @property
    def announcement(self) -> str:
        """Read aloud when the figures change."""
        return _("Estimate: %(hours)s GPU-hours, %(time)s. %(verdict)s") % {
            "hours": self.gpu_hours,
            "time": self.time,
            "verdict": self.verdict,
        }

    @property
    def bar(self) -> str:
        return _("%(hours)s GPU-hours · %(time)s") % {"hours": self.gpu_hours, "time": self.time}

    @property
    def explanations(self) -> list[Explanation]:
        run = self.estimate
        figures: list[Figure | Range] = [
            run.parameters,
            run.trainable_parameters,
            *run.memory.components,
            run.memory.total,
            run.tokens,
            run.flops,
            run.seconds,
            run.gpu_hours,
            run.energy_kwh,
            run.co2e_kg,
        ]
        return [explain(figure) for figure in figures]

    def as_dict(self) -> dict[str, Any]:
        """What is kept with the job, to be held against what was measured."""
        return {
            **self.estimate.as_dict(),
            "corrected_by": dict(self.corrected_by),
            "worth_eur": str(self.worth),
            "held_gpu_seconds": self.held_seconds,
        }


def small_hours(hours: float) -> str:
    """GPU-hours with as many digits as say something: 5.8, 0.32, 0.004."""
    return numbers.number(hours, 1 if hours >= 1 else 2 if hours >= 0.1 else 3)


def explain(figure: Figure | Range) -> Explanation:
    if isinstance(figure, Range):
        value = _("%(low)s to %(high)s") % {"low": plain(figure.low), "high": plain(figure.high)}
    else:
        value = plain(figure.value)
    inputs = "; ".join(f"{said(one.name)}: {plain(one.value)} {one.unit}".rstrip() for one in figure.inputs)
    return Explanation(
        label=said(figure.label),
        value=f"{value} {figure.unit}".rstrip(),
        formula=said(figure.formula),
        inputs=inputs,
        source=said(figure.source),
    )


def plain(value: Any) -> str:
    """Numbers too large to read are written with a power of ten."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= 1e12:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa} × 10^{int(exponent)}"
    return _number(value)


def panel_for(draft: Draft) -> Panel | None:
    """The panel for the answers as they stand; None while something needed is missing."""
    context, answers = draft.context, draft.answers
    place = context.place(answers)
    estimate = draft.recipe.estimate(answers, context)
    if place is None or estimate is None or context.tokens is None:
        return None
    settings = draft.recipe.settings(answers, context)
    limit = seconds_limit(estimate.seconds.high, settings, place)
    learned = context.corrections.get((place.partition.pk, settings.method), Corrections())
    factors = {"time": learned.time.factor, "memory": learned.memory.factor, "energy": learned.energy.factor}
    return Panel(estimate, settings, place, context.tokens.exact, limit * settings.gpus, factors)


def variant_facts(draft: Draft) -> dict[str, tuple[tuple[str, ...], ...]]:
    """For each card of the deciding question its own GPU-hours, time and whether it fits."""
    recipe, context = draft.recipe, draft.context
    training = dict(draft.answers.get("training", {}))
    facts: dict[str, tuple[tuple[str, ...], ...]] = {}
    for variant in recipe.variants():
        answers = {**draft.answers, "training": {**training, recipe.about.variant_field: variant.value}}
        run = recipe.estimate(answers, context)
        if run is None:
            continue
        need = _gigabytes(run.memory.total.value)
        if not run.fits:
            fit = ("x-circle-fill", _("%(need)s GB per GPU, does not fit") % {"need": need}, "bad")
        elif run.memory.tight:
            fit = ("exclamation-triangle-fill", _("%(need)s GB per GPU, tight fit") % {"need": need}, "warn")
        else:
            fit = ("check-circle-fill", _("%(need)s GB per GPU, fits") % {"need": need}, "ok")
        facts[variant.value] = (
            ("cpu", _("%(hours)s GPU-hours") % {"hours": small_hours(run.gpu_hours.likely)}),
            ("clock", numbers.duration(run.seconds.likely)),
            fit,
        )
    return facts
