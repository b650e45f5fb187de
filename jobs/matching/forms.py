"""What somebody plans, to compare places by; and the weights an administrator sets."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.models import FoundationModel
from jobs.matching.weights import CRITERIA
from jobs.matching.words import said
from models_hub.recipes import RECIPES


class PlanForm(forms.Form):
    """Everything may stay empty: then the places are compared by one GPU-hour."""

    mark_optional = False

    recipe = forms.ChoiceField(label=_("What kind of run?"), required=False)
    model = forms.ModelChoiceField(
        label=_("Which model do you want to start from?"),
        queryset=FoundationModel.objects.order_by("name"),
        to_field_name="slug",
        required=False,
        empty_label=_("Not decided yet"),
    )
    rows = forms.IntegerField(label=_("How many examples?"), min_value=1, max_value=100_000_000, required=False)
    words = forms.IntegerField(label=_("Words in one example"), min_value=1, max_value=100_000, required=False)
    runs = forms.IntegerField(label=_("How many runs?"), min_value=1, max_value=1000, required=False)
    mine = forms.BooleanField(label=_("Only where we have GPU-hours"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [("", _("Any")), *((one.code, one.about.title) for one in RECIPES)]
        self.fields["recipe"].choices = kinds  # type: ignore[attr-defined]


class WeightsForm(forms.Form):
    """One whole number for each criterion; only their proportion counts."""

    mark_optional = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for criterion in CRITERIA:
            self.fields[criterion.code] = forms.IntegerField(
                label=said(criterion.title), help_text=said(criterion.why), min_value=0, max_value=100
            )
        self.fields["reason"] = forms.CharField(
            label=_("Reason"), help_text=_("It is published with the weights."), max_length=300
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not any(cleaned[criterion.code] for criterion in CRITERIA):
            raise forms.ValidationError(_("Give at least one criterion a weight above 0."))
        return cleaned

    @property
    def weights(self) -> dict[str, int]:
        return {criterion.code: self.cleaned_data[criterion.code] for criterion in CRITERIA}
