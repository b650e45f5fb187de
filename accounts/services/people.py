"""What a person says about themselves."""

from zoneinfo import available_timezones

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from portal.kernel.errors import DomainError


def update_profile(*, actor: User, full_name: str, language: str, time_zone: str) -> User:
    """Saves name, language and time zone. Raises DomainError: language, time_zone."""
    if language not in dict(settings.LANGUAGES):
        raise DomainError("language", _("This language is not offered yet."), field="language")
    if time_zone not in available_timezones():
        raise DomainError("time_zone", _("This time zone does not exist."), field="time_zone")
    actor.full_name, actor.language, actor.time_zone = full_name.strip(), language, time_zone
    actor.save(update_fields=["full_name", "language", "time_zone"])
    return actor
