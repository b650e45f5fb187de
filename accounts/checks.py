"""What must never run in production: published passwords, and e-mails that go nowhere."""

import logging
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from accounts.models import User

logger = logging.getLogger(__name__)
_ACCOUNTS = "Demonstration accounts exist, and their password is published."
_ACCOUNTS_HINT = "Remove them with `manage.py remove_demonstration`, or start the embedded mode with `make run`."
OUTBOX = "accounts.outbox.OutboxBackend"


@register(Tags.security, deploy=True)
def no_demonstration_accounts(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`manage.py check --deploy`: error while people with the published password exist outside the embedded mode."""
    if settings.EMBEDDED:
        return []
    try:
        found = User.objects.filter(is_demonstration=True, is_active=True).exists()
    except DatabaseError:
        return [Warning("The database could not be asked for demonstration accounts.", id="accounts.W001")]
    return [Error(_ACCOUNTS, hint=_ACCOUNTS_HINT, id="accounts.E001")] if found else []


@register(Tags.security, deploy=True)
def e_mails_are_sent(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Outside the embedded mode the outbox has no page, so that nobody could ever confirm an address."""
    if settings.EMBEDDED or settings.EMAIL_BACKEND != OUTBOX:
        return []
    return [
        Error(
            "E-mails go to the outbox, which has no page outside the embedded mode.",
            hint="Set EMAIL_URL, for example smtp+tls://user:password@mail.example.eu:587; see docs/operations.md.",
            id="accounts.E002",
        )
    ]


def refuse_demonstration() -> None:
    """Called before pages are served. Raises ImproperlyConfigured where demonstration accounts do not belong.

    A database that is away is no reason to stay down: such people cannot sign in outside the embedded mode anyway.
    """
    if settings.EMBEDDED:
        return
    try:
        found = User.objects.filter(is_demonstration=True, is_active=True).exists()
    except DatabaseError:
        logger.warning("The database could not be asked for demonstration accounts.", exc_info=True)
        return
    if found:
        raise ImproperlyConfigured(f"{_ACCOUNTS} {_ACCOUNTS_HINT}")
