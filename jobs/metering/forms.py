"""The form with which an administrator decides a question about usage."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.metering.book import correctable
from jobs.models import UsageDiscrepancy, UsageRecord

Outcome = UsageDiscrepancy.Outcome


class DecisionForm(forms.Form):
    """Whether the book stands or is corrected; which start, where there are several and none was named; why."""

    outcome = forms.ChoiceField(
        label=_("Decision"),
        choices=[
            (Outcome.KEPT, _("What was charged stands")),
            (Outcome.CORRECTED, _("Correct it; the charge follows")),
        ],
        widget=forms.RadioSelect,
    )
    record = forms.ModelChoiceField(label=_("Start of the run"), queryset=UsageRecord.objects.none(), required=False)
    gpu_seconds = forms.IntegerField(
        label=_("GPU-seconds it really held"),
        help_text=_("Only for a correction. A whole number; an hour of one GPU is 3600."),
        min_value=0,
        max_value=2**40,
        required=False,
    )
    note = forms.CharField(
        label=_("Why"),
        help_text=_("One or two sentences. The company and the site may ask for them."),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, discrepancy: UsageDiscrepancy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = correctable(discrepancy.attempt) if discrepancy.attempt else []
        if discrepancy.attempt is None:
            self.fields["outcome"].choices = self.fields["outcome"].choices[:1]  # type: ignore[attr-defined]
            del self.fields["gpu_seconds"]
        if discrepancy.record is not None or len(self.rows) < 2:
            del self.fields["record"]
        else:
            choice = self.fields["record"]
            choice.queryset = UsageRecord.objects.filter(pk__in=[row.pk for row in self.rows])  # type: ignore[attr-defined]
            choice.label_from_instance = start_words  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("outcome") == Outcome.CORRECTED:
            if data.get("gpu_seconds") is None and "gpu_seconds" not in self.errors:
                self.add_error("gpu_seconds", _("Enter the GPU-seconds that count instead."))
            if "record" in self.fields and data.get("record") is None:
                self.add_error("record", _("Choose which start of the run is to be corrected."))
        return data


def start_words(row: UsageRecord) -> str:
    """One start, for a list to choose from."""
    return _("%(start)s to %(end)s, %(seconds)s GPU-seconds") % {
        "start": row.started_at.strftime("%Y-%m-%d %H:%M:%S"),
        "end": row.ended_at.strftime("%H:%M:%S"),
        "seconds": row.gpu_seconds,
    }
