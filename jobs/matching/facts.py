"""What the rules look at: what is needed, and what each place offers. Plain frozen values; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from models_hub.estimate import Corrections, EstimateRequest, Hardware, effort, memory_per_gpu
from models_hub.wording import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A job or a request for hours. What is empty or None is not asked for.

    run           the estimator's question; its hardware is replaced by each offer's
    corrections   what finished runs taught about the estimate, by the offer's key
    runs          how many such runs are planned
    revision      the exact version of the model, where one is fixed already
    max_seconds   the longest one run may take; else the upper end of the estimate
    gpu_seconds   GPU time that must be left; else worked out from the estimate
    memory_gb     what one GPU must hold, where it was worked out before
    pace          share of the peak that was planned with, TFLOP/s: a slower place would not finish in `max_seconds`
    residency     countries whose sites may receive the data; empty: all
    eligible      whether the company's country may use the federation at all
    needs_hours   True for a job, which needs granted hours; False for a request, which asks for them
    """

    recipe: str = ""
    model: str = ""
    revision: str | None = None
    run: EstimateRequest | None = None
    corrections: Mapping[str, Corrections] = field(default_factory=dict)
    runs: int = 1
    gpus: int = 1
    nodes: int = 1
    max_seconds: int | None = None
    gpu_seconds: int | None = None
    memory_gb: float | None = None
    pace: float | None = None
    residency: frozenset[str] = frozenset()
    eligible: bool = True
    sector: str = ""
    language: str = ""
    mode: str = ""
    needs_hours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Able:
    """One agent that speaks for a site, and what it says it can run. None: it sets no limit.

    silent_seconds  since its last sign of life; None: it never gave one
    """

    recipes: frozenset[str] | None = None
    gpus: int | None = None
    nodes: int | None = None
    seconds: int | None = None
    country: str = ""
    draining: bool = False
    silent_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One partition of one site, as it stands now.

    key             what the caller knows the place by
    country         of the site, ISO 3166-1
    taking          whether the site is connected and takes new work
    models          base models in the site's store: slug to version
    modes           ways to access that are open here; None: all
    hours_left      GPU-seconds the organisation has left here; None: it has no hours here
    wait_seconds    until a job of this shape would start, as the scheduler expects; None: not reported, or out of date
    closed_seconds  until the end of a maintenance that has begun or begins before the job could start; 0: none
    """

    key: str
    site: str
    place: str
    country: str
    hardware: Hardware
    taking: bool = True
    known: bool = True
    agents: tuple[Able, ...] = ()
    models: Mapping[str, str] | None = None
    modes: frozenset[str] | None = None
    nodes: int = 1
    max_seconds: int | None = None
    eur_per_gpu_hour: Decimal | None = None
    may_grant: bool = True
    hours_left: int | None = None
    wait_seconds: int | None = None
    closed_seconds: int = 0
    sectors: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()

    @property
    def countries(self) -> frozenset[str]:
        """Where data sent here would lie: by the catalogue, and by what the agents say of themselves."""
        return frozenset({self.country, *(agent.country for agent in self.agents if agent.country)})


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the planned runs would take at one place; times of one run, GPU-hours and gas of all."""

    need_gb: float
    have_gb: float
    seconds: float = 0.0
    most_seconds: float = 0.0
    gpu_hours: float = 0.0
    most_gpu_hours: float = 0.0
    energy_kwh: float = 0.0
    co2e_kg: float = 0.0

    @property
    def fits(self) -> bool:
        return self.need_gb <= self.have_gb


def outlook(need: Need, offer: Offer) -> Outlook | None:
    """The figures of `models_hub.estimate.estimate` for this place, without sentences; None where no run is known."""
    if need.run is None:
        return None
    request = replace(
        need.run,
        hardware=offer.hardware,
        checkpointing=offer.hardware.precision == "bf16",
        corrections=need.corrections.get(offer.key) or Corrections(),
    )
    memory = memory_per_gpu(request)
    if not memory.fits:
        return Outlook(memory.total.value, memory.capacity_gb)
    seconds = effort.seconds_range(request, effort.flops_figure(request).value)
    gpu_hours = effort.gpu_hours_range(request, seconds)
    energy = effort.energy_range(request, gpu_hours)
    return Outlook(
        memory.total.value,
        memory.capacity_gb,
        seconds.likely,
        seconds.high,
        gpu_hours.likely * need.runs,
        gpu_hours.high * need.runs,
        energy.likely * need.runs,
        effort.carbon_range(request, energy).likely * need.runs,
    )


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands against a place: the rule's code and a sentence."""

    code: str
    words: Text


@dataclass(frozen=True, slots=True)
class Score:
    """One criterion at one place: 0 to 100 points, its weight, and why."""

    code: str
    points: float
    weight: int
    words: Text


@dataclass(frozen=True, slots=True)
class Ranked:
    """A place that can do it. `total` is the weighted mean of the points, 0 to 100."""

    offer: Offer
    outlook: Outlook | None
    scores: tuple[Score, ...]
    total: float


@dataclass(frozen=True, slots=True)
class Excluded:
    offer: Offer
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best place first, then those that cannot, each with every reason."""

    ranked: tuple[Ranked, ...] = ()
    excluded: tuple[Excluded, ...] = ()
