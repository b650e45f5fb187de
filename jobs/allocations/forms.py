"""Forms about granted hours."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.models import Partition, Site
from jobs.models import Allocation


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


class HardwareChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Partition) -> str:
        return f"{obj.site} · {obj}"


class PlaceForm(forms.Form):
    """A further place of an allocation: where, why, and who agreed."""

    mark_optional = False

    partition = HardwareChoice(
        label=_("Site and hardware"),
        queryset=Partition.objects.none(),
        empty_label=_("Choose a place"),
        error_messages={"required": _("Choose a place.")},
    )
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("The company reads it."),
        max_length=140,
        error_messages={"required": _("Say why, in a few words.")},
    )
    note = forms.CharField(
        label=_("Who agreed, when, and where it is written"),
        help_text=_("Needed where the place gives another State's time."),
        max_length=140,
        required=False,
    )

    def __init__(self, *args: Any, allocation: Allocation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hardware = Partition.objects.exclude(site__status=Site.Status.KNOWN).exclude(site=allocation.site_id)
        self.fields["partition"].queryset = hardware.select_related("site").order_by("site__name", "name")  # type: ignore[attr-defined]
