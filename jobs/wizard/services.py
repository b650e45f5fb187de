"""Drafts of the wizard: open, save step by step, reopen, throw away. Starting the run is `jobs.execution`'s."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from accounts.permissions import require
from accounts.roles import Action
from jobs.models import JobDraft
from jobs.states import DraftState
from portal.kernel.errors import DomainError

KEPT_FOR = timedelta(days=30)
LAST_STEP = 5


def start_draft(
    *, organisation: Organisation, actor: User, at: datetime, recipe: str = "", answers: Mapping[str, Any] | None = None
) -> JobDraft:
    """A new draft on its first step. `answers` may hold what is known already, such as the model somebody came from."""
    require(actor, Action.SUBMIT_JOB, organisation=organisation)
    return JobDraft.objects.create(
        organisation=organisation,
        created_by=actor,
        recipe=recipe,
        answers=dict(answers or {}),
        expires_at=at + KEPT_FOR,
    )


@transaction.atomic
def save_step(
    *,
    draft: JobDraft,
    step: int,
    code: str,
    answers: Mapping[str, Any],
    actor: User,
    at: datetime,
    finished: bool = True,
) -> JobDraft:
    """Writes one step's answers and opens the next step. Other steps stay as another tab may have left them.

    A new goal empties the answers that belonged to the old one. Raises DomainError("draft_closed") for a draft that was
    started, thrown away or has expired meanwhile.
    """
    require(actor, Action.SUBMIT_JOB, organisation=draft.organisation)
    locked = JobDraft.objects.select_for_update(of=("self",)).get(pk=draft.pk)
    if locked.state != DraftState.OPEN or locked.expires_at <= at:
        raise DomainError(
            "draft_closed", _("This draft is closed, so nothing was saved. Open it again from the list of drafts.")
        )
    kept, reached = dict(locked.answers), locked.step_reached
    if code == "goal":
        chosen = str(answers.get("goal") or locked.recipe)
        if locked.recipe and locked.recipe != chosen:
            kept, reached = {}, 1
        locked.recipe = chosen
        locked.name = str(answers.get("name") or locked.name)
    locked.answers = {**kept, code: dict(answers)}
    locked.step_reached = min(LAST_STEP, max(reached, step + 1 if finished else step))
    locked.expires_at = at + KEPT_FOR
    locked.save(update_fields=["answers", "recipe", "name", "step_reached", "expires_at", "saved_at"])
    return locked


def is_expired(draft: JobDraft, at: datetime) -> bool:
    return draft.state == DraftState.EXPIRED or (draft.state == DraftState.OPEN and draft.expires_at <= at)


@transaction.atomic
def reopen_draft(*, draft: JobDraft, actor: User, at: datetime) -> JobDraft:
    """Brings an expired draft back with all its answers. Open drafts stay as they are."""
    require(actor, Action.SUBMIT_JOB, organisation=draft.organisation)
    if not is_expired(draft, at):
        return draft
    if draft.state == DraftState.OPEN:
        draft.move_to(DraftState.EXPIRED)
    return draft.move_to(DraftState.OPEN, expires_at=at + KEPT_FOR)


def discard_draft(*, draft: JobDraft, actor: User) -> JobDraft:
    """Throws a draft away. A started one stays: its job refers to it."""
    require(actor, Action.SUBMIT_JOB, organisation=draft.organisation)
    return draft.move_to(DraftState.DISCARDED)
