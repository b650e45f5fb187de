"""Forms about granted hours."""

from django import forms
from django.utils.translation import gettext_lazy as _


class AdjustForm(forms.Form):
    """An administrator changes an allocation: whole hours up or down, with the reason both sides read."""

    gpu_hours = forms.IntegerField(
        label=_("Change in GPU-hours"), help_text=_("For example 50 to add, or -20 to take back.")
    )
    reason = forms.CharField(label=_("Reason"), max_length=300)
