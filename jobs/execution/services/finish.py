"""The end of a job, once: state, charge, result, notice and audit in one transaction."""

from datetime import datetime

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.services import notify
from jobs.execution.charging import Hint, charged_gpu_seconds, rule_for
from jobs.execution.results import Delivery, ResultsDamaged, read_delivery
from jobs.execution.rules import REMOVE_AFTER
from jobs.execution.walk import walk_to
from jobs.ledger import services as ledger
from jobs.metering.book import used_gpu_seconds
from jobs.metering.witnesses import compare
from jobs.models import Attempt, Job
from jobs.states import JOB_FINAL, JobState
from models_hub.models import TunedFile, TunedModel
from models_hub.specs import Failure

# These ends may still deliver what was trained until then.
_MAY_DELIVER = frozenset({(JobState.CANCELLED, Hint.STOPPED), (JobState.FAILED, Failure.TIME_LIMIT)})


@transaction.atomic
def finish(
    *,
    job: Job,
    state: str,
    at: datetime,
    attempt: Attempt | None = None,
    hint_code: str = "",
    sentence: str = "",
) -> Job:
    """Ends a job. Whoever comes second finds it ended and changes nothing.

    A job is DONE only if every file of its manifest arrived and has the digest it should have.
    """
    job = Job.objects.select_for_update(of=("self",)).select_related("organisation", "allocation").get(pk=job.pk)
    if job.is_final:
        return job
    delivery: Delivery | None = None
    if attempt is not None and (state == JobState.DONE or (state, hint_code) in _MAY_DELIVER):
        try:
            delivery = read_delivery(job=job, attempt=attempt)
        except ResultsDamaged as damage:
            if state == JobState.DONE:
                state, hint_code, sentence = JobState.FAILED, Hint.RESULTS_DAMAGED, damage.sentence
    walk_to(
        job,
        state,
        ended_at=at,
        settled_at=at,
        hint_code=hint_code if state != JobState.DONE else "",
        sentence=sentence,
        eta_seconds=None,
        **({"progress": 100} if state == JobState.DONE else {}),
    )
    used = used_gpu_seconds(attempt) if attempt is not None else 0
    charged = charged_gpu_seconds(state=state, hint_code=hint_code, used=used, reserved=job.reserved_gpu_seconds)
    ledger.settle(job=job, charged_gpu_seconds=charged, reason=str(rule_for(state=state, hint_code=hint_code).code))
    Attempt.objects.filter(job=job).exclude(state__in=JOB_FINAL).update(
        state=state,
        ended_at=Coalesce("ended_at", Value(at)),
        hint_code=hint_code,
        sentence=sentence,
        remove_by=at + REMOVE_AFTER,
    )
    for one in Attempt.objects.filter(job=job).select_related("site", "job"):
        compare(one, at=at)
    tuned = _register(job, delivery) if delivery is not None else None
    audit.record(
        actor=None,
        action=f"job.{state}",
        target=job,
        organisation=job.organisation,
        hint_code=hint_code,
        used_gpu_seconds=used,
        charged_gpu_seconds=charged,
        result=str(tuned.pk) if tuned else None,
    )
    _tell(job, tuned)
    return job


def _register(job: Job, delivery: Delivery) -> TunedModel:
    tuned = TunedModel.objects.create(
        organisation=job.organisation,
        created_by=job.created_by,
        job_id=job.pk,
        name=job.name,
        recipe=job.recipe,
        method=job.method,
        base_model=job.base_model,
        base_revision=delivery.base_revision[:128],
        dataset=job.dataset,
        dataset_digest=job.dataset.digest,
        spec=job.spec,
        spec_hash=job.spec_hash,
        licence_spdx=job.base_model.licence_spdx,
        # What was predicted travels with what was measured: the result page lies below this app and cannot ask the job.
        result={**delivery.result, "estimate": job.estimate},
        manifest=delivery.manifest.to_json(),
        stopped_early=delivery.result.get("state") != "succeeded",
    )
    TunedFile.objects.bulk_create(
        TunedFile(
            tuned_model=tuned,
            path=artefact.path,
            file=artefact.file.name,
            sha256=artefact.sha256,
            bytes=artefact.bytes,
        )
        for artefact in delivery.files
    )
    return tuned


def _tell(job: Job, tuned: TunedModel | None) -> None:
    if job.created_by is None or (job.state == JobState.CANCELLED and tuned is None):
        return
    with translation.override(job.created_by.language or None):
        _notify(job, job.created_by, tuned)


def _notify(job: Job, user: User, tuned: TunedModel | None) -> None:
    path = reverse("jobs:job", args=[job.pk])
    if job.state == JobState.DONE:
        title, body = _("%(job)s has finished"), _("Compare before and after, and download the model.")
        if tuned is not None:
            path = reverse("models_hub:result", args=[tuned.pk])
    elif job.state == JobState.CANCELLED:
        title, body = _("%(job)s was stopped"), _("What was trained until then is kept.")
    else:
        title, body = _("%(job)s has failed"), job.sentence
    notify(
        user=user,
        kind=f"job_{job.state}",
        title=title % {"job": f"{job.reference} {job.name}"},
        body=body,
        path=path,
        organisation=job.organisation,
        email=job.state == JobState.FAILED,
    )
