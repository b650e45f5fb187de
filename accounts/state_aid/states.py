"""The states of what must be done about an award, beside the moves between them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.states import StateMachine


class DutyState(models.TextChoices):
    OPEN = "open", _("Open")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("No longer needed")


DUTY_MACHINE = StateMachine.of(
    "aid duty",
    {DutyState.OPEN: (DutyState.DONE, DutyState.CANCELLED), DutyState.DONE: (), DutyState.CANCELLED: ()},
)
