"""The states of what two administrators decide together, beside the moves between them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.states import StateMachine


class RateState(models.TextChoices):
    PROPOSED = "proposed", _("Waits for a second administrator")
    APPROVED = "approved", _("Approved")
    WITHDRAWN = "withdrawn", _("Withdrawn")


RATE_MACHINE = StateMachine.of(
    "rate card",
    {
        RateState.PROPOSED: (RateState.APPROVED, RateState.WITHDRAWN),
        RateState.APPROVED: (),
        RateState.WITHDRAWN: (),
    },
)
