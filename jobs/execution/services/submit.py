"""Starting a job: one transaction that checks, sets GPU time aside and writes the row. The row is the message."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Organisation, User
from accounts.permissions import require
from accounts.roles import Action
from catalog.models import FoundationModel, Partition, Site, StoredModel
from jobs.ledger import services as ledger
from jobs.models import Allocation, Job, JobDraft
from jobs.models.references import next_reference
from jobs.states import AllocationState, DraftState
from models_hub.datasets.residency import may_go_to, refusal
from models_hub.models import Dataset
from models_hub.specs import JobSpec
from models_hub.states import DatasetState
from portal.kernel.errors import DomainError


@transaction.atomic
def submit_job(
    *,
    organisation: Organisation,
    draft: JobDraft | None,
    allocation: Allocation,
    spec: JobSpec,
    estimate: dict[str, Any],
    dataset: Dataset,
    base_model: FoundationModel,
    partition: Partition,
    answers: dict[str, Any],
    actor: User,
    at: datetime,
    may_move: bool = False,
) -> Job:
    """Starts a job under a frozen spec and sets its longest possible GPU time aside.

    A draft starts one job: the second of two clicks gets the first one's job. `may_move` is the owner's standing
    consent that another place of the allocation takes it, should this site fail. Raises DomainError with the one thing
    that stands in the way; then nothing is written.
    """
    require(actor, Action.SUBMIT_JOB, organisation=organisation)
    if draft is not None:
        draft = JobDraft.objects.select_for_update().get(pk=draft.pk)
        started = Job.objects.filter(draft=draft).first()
        if started is not None:
            return started
        if draft.organisation_id != organisation.pk:
            raise DomainError("not_your_draft", _("This draft belongs to another organisation."))
    allocation = ledger.lock(allocation)
    check_allocation(allocation, organisation=organisation, partition=partition, at=at)
    # Locked as deletion locks it: of "start" and "delete" pressed at the same moment one sees the other.
    dataset = Dataset.objects.select_for_update(of=("self",)).get(pk=dataset.pk)
    check_inputs(spec, organisation=organisation, dataset=dataset, base_model=base_model, site=allocation.site)
    gpus = max(1, spec.limits.gpus)
    job = Job.objects.create(
        reference=next_reference("JOB", year=at.year),
        organisation=organisation,
        created_by=actor,
        draft=draft,
        allocation=allocation,
        site=allocation.site,
        partition=partition,
        base_model=base_model,
        dataset=dataset,
        name=spec.name[:120],
        recipe=spec.recipe,
        method=spec.method,
        spec=spec.to_json(),
        spec_hash=spec.spec_hash,
        estimate=estimate,
        gpus=gpus,
        max_seconds=spec.limits.max_seconds,
        reserved_gpu_seconds=gpus * spec.limits.max_seconds,
        may_move=may_move,
        answers=answers,
    )
    ledger.reserve(allocation=allocation, job=job, gpu_seconds=job.reserved_gpu_seconds)
    if draft is not None:
        draft.move_to(DraftState.SUBMITTED)
    audit.record(
        actor=actor,
        action="job.submitted",
        target=job,
        organisation=organisation,
        reference=job.reference,
        site=job.site.slug,
        spec_hash=job.spec_hash,
        reserved_gpu_seconds=job.reserved_gpu_seconds,
        may_move=may_move,
    )
    return job


def check_allocation(allocation: Allocation, *, organisation: Organisation, partition: Partition, at: datetime) -> None:
    """Whether this locked allocation may carry a new job today."""
    if allocation.organisation_id != organisation.pk:
        raise DomainError("not_your_allocation", _("This allocation belongs to another organisation."))
    if partition.pk != allocation.partition_id:
        raise DomainError(
            "wrong_partition",
            _("%(allocation)s is for %(granted)s. Choose that hardware, or another allocation.")
            % {"allocation": allocation.reference, "granted": allocation.partition},
        )
    if allocation.state != AllocationState.ACTIVE:
        raise DomainError(
            "allocation_not_active",
            _("%(allocation)s takes no new jobs: it is %(state)s. Choose another allocation or ask the helpdesk.")
            % {"allocation": allocation.reference, "state": allocation.get_state_display().lower()},
        )
    if not allocation.starts_on <= at.date() <= allocation.ends_on:
        raise DomainError(
            "allocation_not_valid_today",
            _("%(allocation)s is valid from %(start)s to %(end)s. Choose another allocation or ask for a new one.")
            % {"allocation": allocation.reference, "start": allocation.starts_on, "end": allocation.ends_on},
        )
    if allocation.site.status != Site.Status.CONNECTED:
        raise DomainError(
            "site_takes_no_work",
            _("%(site)s takes no new work at the moment. Your draft is kept; try again later.")
            % {"site": allocation.site.name},
        )


def check_inputs(
    spec: JobSpec, *, organisation: Organisation, dataset: Dataset, base_model: FoundationModel, site: Site
) -> None:
    """Whether the data and the model that the spec names are there, and are those it means."""
    if dataset.organisation_id != organisation.pk:
        raise DomainError("not_your_data", _("This data set belongs to another organisation."))
    if dataset.state != DatasetState.READY:
        raise DomainError(
            "dataset_not_ready",
            _("The data set “%(name)s” is not ready: %(state)s. Open it to see what is missing, or choose another.")
            % {"name": dataset.name, "state": dataset.get_state_display().lower()},
        )
    parts = {part.name: part.sha256 for part in dataset.parts.all()}
    if {name: split.sha256 for name, split in spec.data.splits().items()} != parts:
        raise DomainError(
            "dataset_changed",
            _("The data set “%(name)s” has changed since this job was described. Go back to the data step.")
            % {"name": dataset.name},
        )
    if not may_go_to(dataset, [site.country]):
        raise refusal(dataset, site)
    if spec.base_model.id != base_model.slug:
        raise DomainError("model_changed", _("The model has changed since this job was described. Choose it again."))
    stored = StoredModel.objects.filter(site=site, model=base_model).first()
    if stored is None or spec.base_model.revision not in (None, stored.revision):
        raise DomainError(
            "model_not_at_site",
            _("%(site)s does not hold %(model)s in this version. Choose another model or another site.")
            % {"site": site.name, "model": base_model.name},
        )
