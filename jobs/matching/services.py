"""Setting what counts how much when places are ranked."""

from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from jobs.matching.selectors import weights
from jobs.matching.weights import USUAL
from jobs.models import MatchingWeights
from portal.kernel.errors import DomainError


@transaction.atomic
def set_weights(*, wanted: Mapping[str, int], reason: str, actor: User) -> MatchingWeights:
    """From now on every ranking uses these weights. Earlier rows stay, so that a past ranking can be explained."""
    require(actor, Action.MANAGE_SITES)
    if set(wanted) != set(USUAL) or any(not 0 <= weight <= 100 for weight in wanted.values()):
        raise DomainError("weights_unknown", _("Give every criterion a whole number from 0 to 100."))
    if not any(wanted.values()):
        raise DomainError("weights_empty", _("Give at least one criterion a weight above 0."))
    before = weights()
    row = MatchingWeights.objects.create(weights=dict(wanted), reason=reason, set_by=actor)
    audit.record(
        actor=actor, action="matching.weights_set", target=row, before=before, after=dict(wanted), reason=reason
    )
    return row
