"""An outbox one can read: where e-mails go when no mail server is configured, as in the embedded mode."""

from collections.abc import Sequence
from ipaddress import ip_address

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.http import HttpRequest

from accounts.models import OutboxMessage

KEPT = 200


class OutboxBackend(BaseEmailBackend):
    """Stores each message as a row and keeps the latest ones."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        rows = [
            OutboxMessage(to=", ".join(message.recipients()), subject=message.subject[:300], body=str(message.body))
            for message in email_messages
        ]
        OutboxMessage.objects.bulk_create(rows)
        oldest_kept = OutboxMessage.objects.order_by("-pk").values_list("pk", flat=True)[KEPT - 1 : KEPT].first()
        if oldest_kept is not None:
            OutboxMessage.objects.filter(pk__lt=oldest_kept).delete()
        return len(rows)


def comes_from_this_machine(request: HttpRequest) -> bool:
    """Whether the browser runs on the machine that serves the page; an address we cannot read does not."""
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
