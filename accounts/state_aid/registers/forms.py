"""Forms about registers: which file, and which answers came back."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import AidDuty
from accounts.state_aid.registers import PROFILES
from accounts.state_aid.registers.references import KINDS, MOST_BYTES
from portal.ui.widgets import DateInput

FORMATS = (("csv", "CSV"), ("xlsx", "XLSX (Excel)"), ("json", "JSON"))


class ExportForm(forms.Form):
    """What goes into the file. Asked by GET to look, and sent by POST to make it."""

    state = forms.ChoiceField(label=_("State"))
    profile = forms.ChoiceField(label=_("Register"))
    from_day = forms.DateField(label=_("Granted from"), required=False, widget=DateInput())
    to_day = forms.DateField(label=_("Granted until"), required=False, widget=DateInput())
    only_open = forms.BooleanField(label=_("Only what is not entered yet"), required=False)
    pseudonyms = forms.BooleanField(
        label=_("Show sole traders under a pseudonym"),
        required=False,
        help_text=_("Where the State's law on personal data asks for it (Article 6(2))."),
    )

    def __init__(self, *args: Any, states: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["state"].choices = states  # type: ignore[attr-defined]
        self.fields["profile"].choices = [(one.code, one.title) for one in PROFILES]  # type: ignore[attr-defined]


class ReferencesForm(forms.Form):
    state = forms.ChoiceField(label=_("State"))
    kind = forms.ChoiceField(
        label=_("What was answered"), choices=[(kind.value, AidDuty.Kind(kind).label) for kind in KINDS]
    )
    file = forms.FileField(
        label=_("CSV file"),
        help_text=_("A head line naming the columns entry and reference; done_on may follow, as 2026-12-31."),
    )

    def __init__(self, *args: Any, states: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["state"].choices = states  # type: ignore[attr-defined]

    def clean_file(self) -> bytes:
        file = self.cleaned_data["file"]
        # One byte more than allowed is enough to know that it is too large.
        return bytes(file.read(MOST_BYTES + 1))


class YearForm(forms.Form):
    mark_optional = False
    state = forms.ChoiceField(label=_("State"))
    year = forms.TypedChoiceField(label=_("Year"), coerce=int)

    def __init__(self, *args: Any, states: list[tuple[str, str]], years: list[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["state"].choices = states  # type: ignore[attr-defined]
        self.fields["year"].choices = [(year, str(year)) for year in years]  # type: ignore[attr-defined]
