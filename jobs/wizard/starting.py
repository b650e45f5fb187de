"""From a finished draft to a job: every step is asked once more, then the recipe compiles and the job is submitted."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from jobs.execution.services import submit_job
from jobs.models import Allocation, Job
from jobs.wizard import selectors
from jobs.wizard.drafts import CODES, Draft
from jobs.wizard.forms import SafetyForm
from jobs.wizard.panel import panel_for
from models_hub.recipes import RECIPES
from models_hub.recipes.forms import StepForm
from models_hub.specs import SpecError
from portal.kernel.errors import DomainError


class NotReady(Exception):
    """A step needs another answer before the run can start."""

    def __init__(self, step: int, sentence: str) -> None:
        super().__init__(sentence)
        self.step, self.sentence = step, sentence


def start_run(*, draft: Draft, actor: User, at: datetime, may_move: bool = False) -> Job:
    """Starts the run that the draft describes. Raises NotReady for an answer that no longer holds, DomainError for a
    rule that says no; in both cases nothing was started and nothing set aside."""
    _ask_again(draft)
    context, answers = draft.context, draft.answers
    panel, place = panel_for(draft), context.place(answers)
    if panel is None or place is None or context.model is None or context.dataset is None:
        raise NotReady(3, _("Choose where the run should go."))
    if not panel.estimate.fits:
        raise NotReady(3, f"{panel.verdict} {panel.suggestion}")
    try:
        spec = draft.recipe.compile(answers, context)
    except SpecError as error:
        raise DomainError(
            "cannot_compile",
            _("These answers cannot be turned into a job (%(field)s: %(why)s). Change the settings of step 3.")
            % {"field": error.field, "why": error.sentence},
        ) from error
    return submit_job(
        organisation=draft.row.organisation,
        draft=draft.row,
        allocation=Allocation.objects.get(pk=place.key),
        spec=spec,
        estimate=panel.as_dict(),
        dataset=context.dataset,
        base_model=context.model,
        partition=place.partition,
        answers=dict(draft.row.answers),
        actor=actor,
        at=at,
        may_move=may_move,
    )


def _ask_again(draft: Draft) -> None:
    """Every form must accept its saved answers today: places fill up, models and data go away."""
    for number, code in enumerate(CODES[:-1], start=1):
        for form in _forms(draft, code):
            if not form.is_valid():
                first = next(iter(form.errors.values()))[0]
                raise NotReady(number, str(first))


def _forms(draft: Draft, code: str) -> list[StepForm]:
    recipe, saved = draft.recipe, draft.saved(code)
    shared: dict[str, Any] = {"recipe": recipe, "context": draft.context, "saved": draft.answers}
    kind = recipe.form(code)
    if code == "goal":
        choices, _missing = selectors.offers(selectors.models_for(recipe, draft.row.organisation_id, draft.on))
        return [kind(saved, **shared, recipes=RECIPES, offers=choices)]
    if code == "data":
        return [kind(saved, **shared, datasets=[draft.context.dataset] if draft.context.dataset else [])]
    if code == "evaluation":
        return [kind(saved, **shared), SafetyForm(saved, **shared)]
    return [kind(saved, **shared)]
