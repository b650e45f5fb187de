"""The form about a request for information."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import AidAward, Organisation
from portal.kernel.clock import today
from portal.ui.widgets import DateInput


class RequestForm(forms.Form):
    reference = forms.CharField(
        label=_("Their reference"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    asked_by = forms.CharField(
        label=_("Who asks"), max_length=200, help_text=_("Such as the Commission, or the State's coordinating body.")
    )
    question = forms.CharField(label=_("What was asked"), widget=forms.Textarea(attrs={"rows": 4}))
    received_on = forms.DateField(
        label=_("Received on"),
        initial=today,
        widget=DateInput(),
        help_text=_("The time for the answer runs from the day after."),
    )
    state = forms.ChoiceField(label=_("Granting State"))
    since = forms.DateField(label=_("Awards from"), required=False, widget=DateInput())
    until = forms.DateField(label=_("Awards until"), required=False, widget=DateInput())
    organisations = forms.ModelMultipleChoiceField(
        label=_("Companies"),
        queryset=Organisation.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Tick none to answer about all of them."),
    )

    def __init__(self, *args: Any, states: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["state"].choices = states  # type: ignore[attr-defined]
        codes = [code for code, _name in states]
        granted = AidAward.objects.filter(granting_state__in=codes).values("organisation")
        self.fields["organisations"].queryset = Organisation.objects.filter(pk__in=granted)  # type: ignore[attr-defined]

    def scope(self) -> dict[str, Any]:
        """As `InformationRequest.scope` keeps it."""
        data = self.cleaned_data
        scope: dict[str, Any] = {
            name: data[field].isoformat() for name, field in (("from", "since"), ("to", "until")) if data[field]
        }
        if data["organisations"]:
            scope["organisations"] = sorted(str(one.pk) for one in data["organisations"])
        return scope
