"""Reading jobs for pages: the list, one job with its newest attempt, its log and its curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Mod
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from jobs.execution.charging import Rule, rule_for
from jobs.execution.reasons import reason_of, sentence_for
from jobs.models import Attempt, Job, JobEvent, LedgerEntry, SiteAgent
from jobs.states import JOB_FINAL, JOB_WAITING, JobState
from models_hub.models import TunedModel
from portal.kernel.money import gpu_seconds_value

if TYPE_CHECKING:
    from uuid import UUID

SITE_IS_QUIET = timedelta(minutes=2)
POINTS = 240
MOST_ROWS = 2000
LOG_PAGE = 128 * 1024

GROUPS = {
    "open": (_("Not finished"), ~Q(state__in=JOB_FINAL)),
    "done": (_("Finished"), Q(state=JobState.DONE)),
    "failed": (_("Failed"), Q(state=JobState.FAILED)),
    "stopped": (_("Stopped"), Q(state=JobState.CANCELLED)),
}


def jobs_of(organisation: Organisation | None, group: str = "") -> QuerySet[Job]:
    """The organisation's jobs, newest first, narrowed to one group of states."""
    jobs = Job.objects.filter(organisation=organisation).select_related("site", "base_model", "created_by")
    return jobs.filter(GROUPS[group][1]) if group in GROUPS else jobs


def group_counts(organisation: Organisation | None) -> dict[str, int]:
    """How many jobs each group holds, in one query."""
    counts: dict[str, int] = Job.objects.filter(organisation=organisation).aggregate(
        all=Count("pk"), **{name: Count("pk", filter=condition) for name, (_label, condition) in GROUPS.items()}
    )
    return counts


def newest_attempt(job: Job) -> Attempt | None:
    return job.attempts.order_by("-number").first()


def quiet_since(job: Job, at: datetime) -> datetime | None:
    """When the site was last heard, if that is too long ago for a job that waits for it."""
    if job.is_final:
        return None
    seen: datetime | None = SiteAgent.objects.filter(site_id=job.site_id, revoked_at__isnull=True).aggregate(
        seen=Max("last_seen_at")
    )["seen"]
    return seen if seen is not None and seen < at - SITE_IS_QUIET else None


def tuned_model_of(job: Job) -> TunedModel | None:
    return TunedModel.objects.filter(job_id=job.pk).first() if job.is_final else None


METHODS = {
    "lora": _("Add-on training (LoRA)"),
    "qlora": _("Compact add-on training (QLoRA)"),
    "full": _("Full training"),
    "baseline": _("Quick: frozen model and logistic regression"),
    "encoder": _("Trained encoder"),
}

PHASES = {
    "preparing": _("Loading the model and the data"),
    "evaluating_before": _("Measuring the model before training"),
    "running": _("Training"),
    "stopping": _("Stopping after this step"),
    "evaluating_after": _("Measuring the trained model"),
}


@dataclass(frozen=True)
class Live:
    """What is going on inside a running attempt."""

    phase: Any = ""
    step: int | None = None
    steps: int | None = None
    epoch: float | None = None
    memory_mb: float | None = None


def live(job: Job, attempt: Attempt | None) -> Live:
    """The runtime's phase and the newest figures, in one query."""
    if attempt is None or job.is_final or job.state in JOB_WAITING:
        return Live()
    newest = attempt.events.filter(type__in=["state", "metrics", "progress"]).order_by("type", "-seq").distinct("type")
    found = {event.type: event.data for event in newest}
    figures = found.get("metrics") or found.get("progress") or {}
    return Live(
        phase=PHASES.get(str(found.get("state", {}).get("state")), ""),
        step=figures.get("step"),
        steps=figures.get("steps"),
        epoch=figures.get("epoch"),
        memory_mb=figures.get("memory_mb"),
    )


def curves(attempt: Attempt | None, figures: Sequence[str]) -> dict[str, list[tuple[int, float]]]:
    """(step, value) of each figure, thinned out to a few hundred points that keep the newest. Two queries."""
    found: dict[str, dict[int, float]] = {figure: {} for figure in figures}
    if attempt is None:
        return {figure: [] for figure in figures}
    rows = JobEvent.objects.filter(attempt=attempt, type="metrics", data__has_any_keys=list(figures))
    count = rows.count()
    if count > MOST_ROWS:
        # Measurements on the validation part are rare: they are kept whatever their number.
        rows = rows.annotate(rest=Mod("seq", -(-count // MOST_ROWS)))
        rows = rows.filter(Q(rest=0) | Q(data__has_key="validation_loss"))
    for step, *values in rows.order_by("seq").values_list("data__step", *(f"data__{figure}" for figure in figures)):
        for figure, value in zip(figures, values, strict=True):
            if isinstance(step, int) and isinstance(value, int | float):
                # A run that went on from a checkpoint says some steps again; the newest word counts.
                found[figure][step] = float(value)
    return {figure: _thinned(sorted(points.items())) for figure, points in found.items()}


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    every = -(-len(points) // POINTS)
    return points if every <= 1 else points[(len(points) - 1) % every :: every]


def log_since(attempt: Attempt | None, offset: int, most: int = LOG_PAGE) -> tuple[str, int]:
    """The log from that byte on, as far as it is whole and at most about `most` bytes, and where to go on."""
    if attempt is None:
        return "", offset
    text: list[str] = []
    size = 0
    for start, piece in attempt.log_chunks.filter(offset__gte=offset).order_by("offset").values_list("offset", "text"):
        if start != offset + size or size >= most:
            break
        text.append(piece)
        size += len(piece.encode())
    return "".join(text), offset + size


def log_tail_start(attempt: Attempt | None, most: int = LOG_PAGE) -> int:
    """The offset of the first piece of the last `most` bytes."""
    if attempt is None:
        return 0
    last = attempt.log_chunks.order_by("-offset").values_list("offset", flat=True).first()
    if not last or last < most:
        return 0
    start: int = (
        attempt.log_chunks.filter(offset__gte=last - most).order_by("offset").values_list("offset", flat=True)[0]
    )
    return start


@dataclass(frozen=True)
class Cost:
    """What a job set aside, held and was charged, in GPU-seconds and euro."""

    reserved: int
    held: int
    charged: int | None
    value: Any
    reserved_value: Any
    rule: Rule | None

    @property
    def given_back(self) -> int | None:
        return None if self.charged is None else self.reserved - self.charged


def cost_of(job: Job, held: int) -> Cost:
    rate = job.allocation.eur_per_gpu_hour
    # Of several charges the one in force: those before it were reversed.
    in_force = job.ledger_entries.filter(
        kind__in=[LedgerEntry.Kind.RESERVE, LedgerEntry.Kind.CHARGE], reversed_by__isnull=True
    )
    booked = {entry.kind: -entry.gpu_seconds for entry in in_force}
    charged = booked.get(LedgerEntry.Kind.CHARGE, 0 if job.settled_at else None)
    return Cost(
        reserved=booked.get(LedgerEntry.Kind.RESERVE, 0),
        held=held,
        charged=charged,
        value=gpu_seconds_value(charged, rate) if charged is not None else None,
        reserved_value=gpu_seconds_value(booked.get(LedgerEntry.Kind.RESERVE, 0), rate),
        rule=rule_for(state=job.state, hint_code=job.hint_code) if job.is_final else None,
    )


@dataclass(frozen=True)
class Explanation:
    """Why a job ended without success: what happened, what to do next, and details for experts."""

    title: Any
    sentence: str
    next_step: Any
    detail: str


def explain(job: Job, attempt: Attempt | None) -> Explanation | None:
    if job.state != JobState.FAILED:
        return None
    said = attempt.result if attempt is not None else {}
    row = reason_of(job.hint_code, said)
    detail = str(said.get("detail") or "")
    if attempt is not None and attempt.exit_code is not None:
        detail = f"{detail}\nexit code {attempt.exit_code}, signal {attempt.signal or 0}".strip()
    return Explanation(
        title=rule_for(state=job.state, hint_code=job.hint_code).title,
        sentence=sentence_for(row, job.sentence),
        next_step=_(row.next_step),
        detail=detail[:4000],
    )


def result_ids(jobs: list[Job]) -> dict["UUID", "UUID"]:
    """The tuned model of each of these jobs that has one, in one query."""
    found = TunedModel.objects.filter(job_id__in=[job.pk for job in jobs]).values_list("job_id", "pk")
    return dict(found)
