"""Telling people something: a notice in the portal always, an e-mail when it cannot wait."""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import Notification, Organisation, User

logger = logging.getLogger(__name__)
EMAIL_WORTH_SENDING = timedelta(days=1)


def notify(
    *,
    user: User,
    kind: str,
    title: str,
    body: str = "",
    path: str = "",
    organisation: Organisation | None = None,
    email: bool = False,
) -> Notification:
    """Leaves a notice for one person: what happened, so what, and where to go (`path` inside the portal).

    `kind` is a stable word such as "decision" or "job_failed". With `email` a worker also sends it; a mail server that
    is away delays that by some minutes and never fails the caller. Write title and body in the reader's language:
    wrap the call in `translation.override(user.language)` when the actor is somebody else.
    """
    return Notification.objects.create(
        user=user,
        organisation=organisation,
        kind=kind,
        title=title[:200],
        body=body,
        path=path,
        by_email=email and bool(user.email) and user.is_active,
    )


def mark_read(*, user: User, at: datetime, notice: Notification | None = None) -> int:
    """Marks one notice of the person, or all of them, as read; says how many were unread."""
    unread = user.notifications.filter(read_at=None)
    if notice is not None:
        unread = unread.filter(pk=notice.pk)
    return unread.update(read_at=at)


def unsent(*, at: datetime) -> list[UUID]:
    """Notices whose e-mail is still to be sent and still worth sending."""
    waiting = Notification.objects.filter(
        by_email=True, emailed_at=None, created_at__gt=at - EMAIL_WORTH_SENDING
    ).order_by("created_at")
    return list(waiting.values_list("pk", flat=True)[:200])


def send_notice(*, notice_id: UUID | str, at: datetime) -> bool:
    """Sends the e-mail of one notice, once however often it is called. False when it was sent or cannot be sent now.

    The row is claimed before the mail server is asked, so that two workers do not both send; a failure gives it back.
    """
    claimed = Notification.objects.filter(pk=notice_id, by_email=True, emailed_at=None).update(emailed_at=at)
    if not claimed:
        return False
    notice = Notification.objects.select_related("user").get(pk=notice_id)
    try:
        with translation.override(notice.user.language):
            text = render_to_string(
                "accounts/email/notice.txt", {"notice": notice, "url": settings.BASE_URL.rstrip("/") + notice.path}
            )
            send_mail(notice.title, text, settings.DEFAULT_FROM_EMAIL, [notice.user.email])
    except (OSError, SMTPException):
        logger.warning("The e-mail of notice %s could not be sent; the next sweep tries.", notice.pk, exc_info=True)
        Notification.objects.filter(pk=notice_id, emailed_at=at).update(emailed_at=None)
        return False
    return True
