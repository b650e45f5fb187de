"""The period of the usage page. A day that cannot be read is told beside its field, and the usual period is shown."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.dashboard.usage import Period, default_period
from portal.ui.widgets import DateInput


class PeriodForm(forms.Form):
    mark_optional = False

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.usual = default_period(today)
        self.fields["from"] = forms.DateField(
            label=_("From"), required=False, widget=DateInput, initial=self.usual.first
        )
        self.fields["to"] = forms.DateField(label=_("To"), required=False, widget=DateInput, initial=self.usual.last)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("from"), cleaned.get("to")
        if first and last and last < first:
            self.add_error("to", _("The last day lies before the first."))
        return cleaned

    @property
    def period(self) -> Period:
        if not self.is_bound or not self.is_valid():
            return self.usual
        last = self.cleaned_data["to"] or self.usual.last
        first = self.cleaned_data["from"] or min(self.usual.first, last)
        return Period(first, last) if first <= last else self.usual
