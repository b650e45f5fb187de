"""Forms about one person: profile, deletion, portal roles, and the search in the audit record."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import PORTAL_ROLES, SITE_ROLES, Role
from accounts.site_directory import sites
from portal.ui.widgets import DateInput

_REGIONS = ("Europe/", "Atlantic/")
_FURTHER = ("Asia/Nicosia", "Asia/Jerusalem", "Indian/Reunion", "America/Martinique", "America/Cayenne", "UTC")


@cache
def time_zones() -> tuple[tuple[str, str], ...]:
    """Zones of Europe and its islands; one elsewhere stays offered to whoever has it."""
    known = available_timezones()
    near = [name for name in known if name.startswith(_REGIONS)] + [name for name in _FURTHER if name in known]
    return tuple((name, name.replace("_", " ")) for name in sorted(near))


class ProfileForm(forms.Form):
    full_name = forms.CharField(
        label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    def __init__(self, data: Mapping[str, Any] | None = None, *, user: User) -> None:
        own = {"full_name": user.full_name, "language": user.language, "time_zone": user.time_zone}
        super().__init__(data, initial=own)
        self.fields["time_zone"] = forms.ChoiceField(
            label=_("Time zone"), choices=sorted({user.time_zone: user.time_zone, **dict(time_zones())}.items())
        )


class EraseForm(forms.Form):
    understood = forms.BooleanField(label=_("Delete my account. I know that this cannot be undone."))


def _sites() -> list[tuple[str, str]]:
    return [("", str(_("No site"))), *sites()]


class PortalRoleForm(forms.Form):
    email = forms.EmailField(label=_("Email address of the person"), help_text=_("They need an account here already."))
    role = forms.ChoiceField(
        label=_("Role"),
        choices=[(role.value, role.label) for role in Role if role in SITE_ROLES | PORTAL_ROLES],
        widget=forms.RadioSelect,
    )
    site_slug = forms.ChoiceField(
        label=_("Site"), required=False, choices=_sites, help_text=_("Only for helpdesk officers.")
    )

    def clean_email(self) -> User:
        person = User.objects.filter(email=self.cleaned_data["email"].lower(), is_active=True).first()
        if person is None:
            raise forms.ValidationError(_("Nobody with this address has an account. Ask them to sign up first."))
        return person


class AuditFilterForm(forms.Form):
    mark_optional = False

    q = forms.CharField(
        label=_("Action, id or email address"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    since = forms.DateField(label=_("From"), required=False, widget=DateInput())
    until = forms.DateField(label=_("To"), required=False, widget=DateInput())
