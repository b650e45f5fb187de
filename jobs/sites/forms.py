"""Forms of the operators' pages. They check shape; the services check rules."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.ui.widgets import DateInput


class MomentInput(forms.DateTimeInput):
    """The browser's own picker for a day and a time."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs={"class": "w-auto", **(attrs or {})}, format="%Y-%m-%dT%H:%M")


class MaintenanceForm(forms.Form):
    starts_at = forms.DateTimeField(label=_("From"), widget=MomentInput, help_text=_("In your own time zone."))
    ends_at = forms.DateTimeField(label=_("Until"), widget=MomentInput)
    partition = forms.ChoiceField(label=_("What stands still"), required=False)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        help_text=_("Shown on the public page of the site; for example: new firmware."),
    )

    def __init__(self, *args: Any, partitions: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everything = [("", _("The whole site"))]
        self.fields["partition"].choices = everything + [(name, name) for name in partitions]  # type: ignore[attr-defined]


class ReplaceKeyForm(forms.Form):
    by = forms.DateField(
        label=_("Accept the present key until the end of"),
        widget=DateInput,
        help_text=_("The agent hears of it in its next message and replaces its key by itself, without a pause."),
    )


class ConfirmRemovalForm(forms.Form):
    note = forms.CharField(
        label=_("How do you know?"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("For example: the agent's folder was deleted with the old login node on 3 March."),
    )
