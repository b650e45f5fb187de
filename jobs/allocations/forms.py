"""Forms about granted hours."""

from django import forms
from django.utils.translation import gettext_lazy as _


class AgreementForm(forms.Form):
    """The granting authority agreed that only what was used counts; who, when and where that is written."""

    agreement = forms.CharField(
        label=_("Who agreed, when, and where it is written"),
        help_text=_("For example: Ministry of the Economy, letter of 3 March 2027, file 12/34."),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=500,
    )


class AdjustForm(forms.Form):
    """An administrator changes an allocation: whole hours up or down, with the reason both sides read."""

    gpu_hours = forms.IntegerField(
        label=_("Change in GPU-hours"), help_text=_("For example 50 to add, or -20 to take back.")
    )
    reason = forms.CharField(label=_("Reason"), max_length=300)
