"""What an agent may touch: its own attempts, under the lease it was given."""

import hmac
from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _

from jobs.models import Attempt, SiteAgent
from jobs.states import JOB_FINAL
from models_hub.models import DatasetPart
from models_hub.specs import SPLITS
from portal.kernel.errors import DomainError


def attempt_under_lease(*, agent: SiteAgent, key: str, token: str, open_only: bool = True) -> Attempt:
    """The agent's own attempt; a foreign one does not exist for it, and a stale token opens nothing."""
    return under_lease(attempts_of(agent, [key]), key=key, token=token, open_only=open_only)


def attempts_of(agent: SiteAgent, keys: Iterable[str]) -> dict[str, Attempt]:
    """The agent's own attempts among these keys, in one query."""
    found = Attempt.objects.select_related("job", "job__dataset").filter(agent=agent, key__in=set(keys))
    return {attempt.key: attempt for attempt in found}


def under_lease(found: Mapping[str, Attempt], *, key: str, token: str, open_only: bool = True) -> Attempt:
    attempt = found.get(key)
    if attempt is None:
        raise DomainError("attempt_unknown", _("Your site holds no such attempt."), status=404)
    if not hmac.compare_digest(attempt.lease_token.encode(), token.encode()):
        raise DomainError("stale_lease", _("This lease is not the one in force. Drop the attempt."))
    if open_only and attempt.state in JOB_FINAL:
        raise DomainError("attempt_closed", _("This attempt is closed. Stop it and remove its data."), status=410)
    return attempt


def input_of(attempt: Attempt, name: str) -> tuple[DatasetPart, str]:
    """The part of the data that goes by that name in the attempt's spec, and its digest."""
    data = attempt.job.spec["data"]
    for split in SPLITS:
        if data[split]["name"] == name:
            part = attempt.job.dataset.parts.filter(name=split, sha256=data[split]["sha256"]).first()
            if part is not None and part.file:
                return part, data[split]["sha256"]
    raise DomainError("input_unknown", _("This attempt has no input of that name."), status=404)
