"""What the dashboard knows about an organisation, fetched in a fixed number of queries."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import JSONObject, Left

from accounts.models import AccountYear, AidDeclaration, Organisation, SmeAssessment
from accounts.state_aid.services import Headroom, headrooms
from jobs.ledger.selectors import WeekOfUse, charged_to_job, used_by_week
from jobs.ledger.services import Balance, balances
from jobs.models import Allocation, Application, ApplicationMessage, Job, JobDraft
from jobs.states import JOB_FINAL, JOB_WAITING, AllocationState, ApplicationState, DraftState, JobState
from models_hub.models import Dataset, DatasetPart, TunedFile, TunedModel
from models_hub.states import DatasetState
from portal.kernel.money import gpu_seconds_value

WEEKS = 12
RECENT_FAILURES = timedelta(days=7)
LISTED_JOBS = 5

GROUPS: dict[str, Q] = {
    "running": ~Q(state__in=[*JOB_FINAL, *JOB_WAITING]),
    "waiting": Q(state__in=list(JOB_WAITING)),
    "done": Q(state=JobState.DONE),
    "failed": Q(state=JobState.FAILED),
}


@dataclass(frozen=True)
class Facts:
    """Small facts about the organisation, from one query. Lists hold plain values, the newest first."""

    has_figures: bool
    is_assessed: bool
    size_due_on: date | None
    has_declared: bool
    dataset_bytes: int
    model_bytes: int
    job_counts: dict[str, int]
    questions: list[dict[str, Any]]
    waiting: list[dict[str, Any]]
    requests_begun: list[dict[str, Any]]
    drafts: list[dict[str, Any]]
    failures: list[dict[str, Any]]

    @property
    def jobs(self) -> int:
        return self.job_counts.get("all", 0)


def _sum(rows: QuerySet[Any], owner: str, column: str) -> Subquery:
    return Subquery(
        rows.filter(**{owner: OuterRef("pk")}).order_by().values(owner).annotate(total=Sum(column)).values("total")
    )


def _requests(state: str) -> ArraySubquery:
    asked = (
        ApplicationMessage.objects.filter(application=OuterRef("pk"), from_helpdesk=True)
        .order_by("-created_at")
        .values(said=Left("body", 160))[:1]
    )
    rows = Application.objects.filter(organisation=OuterRef("pk"), state=state).order_by("-saved_at")
    return ArraySubquery(
        rows.values(
            row=JSONObject(
                id="pk", reference="reference", title="title", site="site__name", since="question_since",
                decide_by="decide_by", asked=Subquery(asked),
            )
        )[:3]
    )  # fmt: skip


def facts_of(organisation: Organisation, *, at: datetime) -> Facts:
    counts = {"all": Count("pk"), **{name: Count("pk", filter=condition) for name, condition in GROUPS.items()}}
    jobs = Job.objects.filter(organisation=OuterRef("pk")).order_by()
    # A failure needs nobody once another run was started after it.
    newer = Job.objects.filter(organisation=OuterRef("organisation"), created_at__gt=OuterRef("ended_at"))
    failed = jobs.filter(state=JobState.FAILED, ended_at__gte=at - RECENT_FAILURES).filter(~Exists(newer))
    drafts = JobDraft.objects.filter(organisation=OuterRef("pk"), state=DraftState.OPEN, expires_at__gt=at)
    datasets = Dataset.objects.exclude(state=DatasetState.DELETED)
    parts = DatasetPart.objects.exclude(dataset__state=DatasetState.DELETED)
    row = (
        Organisation.objects.filter(pk=organisation.pk)
        .order_by()
        .values(
            has_figures=Exists(AccountYear.objects.filter(organisation=OuterRef("pk"))),
            is_assessed=Exists(SmeAssessment.objects.filter(organisation=OuterRef("pk"))),
            size_due_on=Subquery(
                SmeAssessment.objects.filter(organisation=OuterRef("pk"))
                .order_by("-created_at")
                .values("reassess_on")[:1]
            ),
            has_declared=Exists(AidDeclaration.objects.filter(organisation=OuterRef("pk"))),
            uploaded=_sum(datasets, "organisation", "upload_bytes"),
            split=_sum(parts, "dataset__organisation", "bytes"),
            models=_sum(TunedFile.objects.all(), "tuned_model__organisation", "bytes"),
            counts=Subquery(jobs.values("organisation").annotate(found=JSONObject(**counts)).values("found")),
            questions=_requests(ApplicationState.QUESTION),
            waiting=_requests(ApplicationState.SUBMITTED),
            requests_begun=_requests(ApplicationState.DRAFT),
            drafts=ArraySubquery(
                drafts.order_by("-saved_at").values(row=JSONObject(id="pk", name="name", step="step_reached"))[:2]
            ),
            failures=ArraySubquery(
                failed.order_by("-ended_at").values(row=JSONObject(id="pk", name="name", sentence="sentence"))[:2]
            ),
        )
        .get()
    )
    return Facts(
        has_figures=row["has_figures"],
        is_assessed=row["is_assessed"],
        size_due_on=row["size_due_on"],
        has_declared=row["has_declared"],
        dataset_bytes=(row["uploaded"] or 0) + (row["split"] or 0),
        model_bytes=row["models"] or 0,
        job_counts=row["counts"] or {},
        questions=row["questions"],
        waiting=row["waiting"],
        requests_begun=row["requests_begun"],
        drafts=row["drafts"],
        failures=row["failures"],
    )


@dataclass(frozen=True)
class Hours:
    """An allocation with what is left of it."""

    allocation: Allocation
    balance: Balance

    @property
    def value_granted(self) -> Decimal:
        return gpu_seconds_value(self.balance.granted, self.allocation.eur_per_gpu_hour)

    @property
    def value_used(self) -> Decimal:
        return gpu_seconds_value(self.balance.used, self.allocation.eur_per_gpu_hour)


def current_hours(organisation: Organisation, *, on: date) -> list[Hours]:
    """Allocations that have not ended, the one that ends first on top. Two queries."""
    rows = list(
        Allocation.objects.filter(organisation=organisation, ends_on__gte=on)
        .exclude(state=AllocationState.ENDED)
        .select_related("site", "partition")
        .order_by("ends_on", "created_at")
    )
    found = balances(rows)
    return [Hours(row, found[row.pk]) for row in rows]


def recent_jobs(organisation: Organisation, group: str) -> list[Job]:
    """The newest jobs of a group, each with what it was charged and the result it left. One query."""
    tuned = TunedModel.objects.filter(job_id=OuterRef("pk"))
    jobs = Job.objects.filter(organisation=organisation).filter(GROUPS.get(group, Q()))
    return list(
        jobs.select_related("site", "base_model")
        .defer("spec", "answers", "estimate")
        .annotate(
            booked=charged_to_job(),
            tuned_id=Subquery(tuned.values("pk")[:1]),
            tuned_result=Subquery(tuned.values("result")[:1]),
        )
        .order_by("-created_at")[:LISTED_JOBS]
    )


@dataclass(frozen=True)
class Board:
    """Everything on the dashboard."""

    facts: Facts
    hours: list[Hours]
    jobs: list[Job]
    use: list[WeekOfUse]
    rooms: list[Headroom] = field(default_factory=list)

    @property
    def active(self) -> list[Hours]:
        return [one for one in self.hours if one.allocation.state == AllocationState.ACTIVE]

    @property
    def open_request(self) -> dict[str, Any] | None:
        """The request the helpdesk has in hand: one with a question first. `answer_by` is a day or None."""
        found = next(iter([*self.facts.questions, *self.facts.waiting]), None)
        if found is None:
            return None
        return {**found, "answer_by": date.fromisoformat(found["decide_by"]) if found["decide_by"] else None}

    @property
    def is_first_visit(self) -> bool:
        return not self.hours and not self.facts.jobs

    @property
    def total(self) -> Balance:
        return Balance(
            granted=sum(one.balance.granted for one in self.active),
            reserved=sum(one.balance.reserved for one in self.active),
            used=sum(one.balance.used for one in self.active),
        )


def board_of(organisation: Organisation, *, at: datetime, on: date, group: str = "") -> Board:
    """Eight queries, however much there is; fewer on the first visit."""
    facts = facts_of(organisation, at=at)
    hours = current_hours(organisation, on=on)
    if not hours and not facts.jobs:
        return Board(facts, [], [], [])
    monday = on - timedelta(days=on.weekday() + 7 * (WEEKS - 1))
    since = datetime.combine(monday, datetime.min.time(), tzinfo=at.tzinfo)
    states = {one.allocation.site.granting_state for one in hours} - {""}
    return Board(
        facts=facts,
        hours=hours,
        jobs=recent_jobs(organisation, group),
        use=used_by_week(organisation, since=since),
        rooms=headrooms(organisation=organisation, on=on, states=states),
    )
