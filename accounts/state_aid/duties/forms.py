"""Forms about duties. They check shape; the services check rules."""

from datetime import date

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.kernel.clock import today
from portal.ui.widgets import DateInput


class DoneForm(forms.Form):
    reference = forms.CharField(
        label=_("Number or address"),
        max_length=120,
        help_text=_("What the register answered, the address of the publication, or how the report was sent."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    done_on = forms.DateField(label=_("Done on"), initial=today, widget=DateInput())

    def clean_done_on(self) -> date:
        day: date = self.cleaned_data["done_on"]
        if day > today():
            raise forms.ValidationError(_("This day lies in the future. Record it once it is done."))
        return day


class CancelForm(forms.Form):
    note = forms.CharField(
        label=_("Why this is not to be done"), max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )
