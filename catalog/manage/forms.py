"""Forms of the administrator's pages. They check shape; who may and what it means is for the services."""

from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from catalog.memory import Shape
from catalog.models import AccessMode, FoundationModel, Partition, RateCard, Site
from catalog.records import TOLERANCE, licences, shape_of
from catalog.selectors import SHAPE
from portal.ui.widgets import DateInput


def _words(label: Any, help_text: Any = "", rows: int = 3, required: bool = False) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=required,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": rows}),
    )


def _codes(label: Any, help_text: Any, length: int = 60) -> SimpleArrayField:
    return SimpleArrayField(
        forms.CharField(max_length=length), label=label, help_text=help_text, required=False, delimiter=","
    )


class SiteForm(forms.ModelForm):
    url = forms.URLField(label=_("Website"), required=False, assume_scheme="https")
    description = _words(_("Description"))
    source = _words(_("Where these facts come from"), rows=2)
    sectors = _codes(_("Sectors"), _("Separated by commas."))
    linked_factories = _codes(_("Leads to (for antennas)"), _("Ids of sites, separated by commas."))

    class Meta:
        model = Site
        fields = (
            "name", "slug", "host", "kind", "status", "country", "city", "latitude", "longitude", "system_name",
            "system_status", "description", "url", "sectors", "linked_factories", "granting_state",
            "granting_authority", "resource_origin", "aid_scheme", "offers_starter", "pue", "grid_g_per_kwh",
            "grid_source", "source",
        )  # fmt: skip
        labels = {
            "name": _("Name"),
            "slug": _("Id"),
            "host": _("Host"),
            "kind": _("Kind"),
            "status": _("Status"),
            "country": _("Country (two letters)"),
            "city": _("Town"),
            "latitude": _("Latitude"),
            "longitude": _("Longitude"),
            "system_name": _("System"),
            "system_status": _("State of things"),
            "granting_state": _("Granting State (two letters)"),
            "granting_authority": _("Granting authority"),
            "resource_origin": _("Whose time is given"),
            "aid_scheme": _("Published scheme it is granted under"),
            "offers_starter": _("Offers Starter grants"),
            "pue": _("Building overhead (PUE)"),
            "grid_g_per_kwh": _("Grid emissions in g CO₂e a kWh"),
            "grid_source": _("Source of the grid figure"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["slug"].disabled = True
            self.fields["slug"].help_text = _("Roles and agents know the site by its id; it stays.")

    def clean_country(self) -> str:
        return self._state_code("country")

    def clean_granting_state(self) -> str:
        return self._state_code("granting_state")

    def clean_pue(self) -> Any:
        if self.cleaned_data["pue"] < 1:
            raise ValidationError(_("A PUE is at least 1: the building cannot use less than its computers."))
        return self.cleaned_data["pue"]

    def clean_linked_factories(self) -> list[str]:
        asked = self.cleaned_data["linked_factories"]
        unknown = set(asked) - set(Site.objects.filter(slug__in=asked).values_list("slug", flat=True))
        if unknown:
            raise ValidationError(_("No site has this id: %(ids)s.") % {"ids": ", ".join(sorted(unknown))})
        return list(asked)

    def _state_code(self, name: str) -> str:
        code = str(self.cleaned_data[name]).upper()
        if code and not (len(code) == 2 and code.isascii() and code.isalpha()):
            raise ValidationError(_("Enter the two letters of the country, for example LU."))
        return code


class PartitionForm(forms.ModelForm):
    class Meta:
        model = Partition
        fields = (
            "name", "gpu_type", "gpu_memory_gb", "bf16_tflops", "gpus_total", "gpus_per_node", "tdp_watts",
            "share_low", "share_high", "fixed_seconds", "max_hours", "native_unit", "native_per_gpu_hour", "confidence",
        )  # fmt: skip
        labels = {
            "name": _("Partition"),
            "gpu_type": _("GPU"),
            "gpu_memory_gb": _("Memory in GB"),
            "bf16_tflops": _("Peak in BF16, TFLOP/s"),
            "gpus_total": _("GPUs in all"),
            "gpus_per_node": _("GPUs in a node"),
            "tdp_watts": _("Power in W"),
            "share_low": _("Share of the peak reached, low"),
            "share_high": _("Share of the peak reached, high"),
            "fixed_seconds": _("Seconds to start and save"),
            "max_hours": _("Longest run in hours"),
            "native_unit": _("The site's own unit"),
            "native_per_gpu_hour": _("Own units in one GPU-hour"),
            "confidence": _("How sure we are"),
        }

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Partition.objects.filter(site=self.instance.site, name=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("The site has other hardware of this name."))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        low, high = cleaned.get("share_low"), cleaned.get("share_high")
        if low is not None and high is not None and not 0 < low <= high <= 1:
            self.add_error("share_high", _("Shares lie between 0 and 1, the low one first."))
        for name in ("gpu_memory_gb", "bf16_tflops", "tdp_watts", "gpus_per_node", "native_per_gpu_hour"):
            if cleaned.get(name) is not None and cleaned[name] <= 0:
                self.add_error(name, _("Enter a number above zero."))
        return cleaned


MAX_PAPER_BYTES = 10_000_000
PAPER_BEGINNINGS = (b"%PDF-", b"\x89PNG\r\n", b"\xff\xd8\xff")


def _is_text(content: bytes) -> bool:
    try:
        return "\x00" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False


class RateForm(forms.Form):
    eur_per_gpu_hour = forms.DecimalField(
        label=_("EUR a GPU-hour, without VAT"), min_value=0, max_digits=10, decimal_places=4
    )
    method = forms.ChoiceField(label=_("Method"), choices=RateCard.Method.choices, widget=forms.RadioSelect)
    evidence = _words(
        _("Evidence"), _("Which price list or account, of which day, and how the rate follows."), required=True
    )
    evidence_url = forms.URLField(label=_("Address of the evidence"), required=False, assume_scheme="https")
    paper = forms.FileField(
        label=_("The paper itself"),
        help_text=_(
            "PDF, PNG, JPEG or text, at most 10 MB. It is kept with its checksum, because pages on the web go away."
        ),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg,.txt,.csv"}),
    )
    valid_from = forms.DateField(label=_("Valid from"), widget=DateInput)

    def clean_paper(self) -> tuple[str, bytes] | None:
        """Name and content; what it is follows from its first bytes, never from its name."""
        sent = self.cleaned_data["paper"]
        if sent is None:
            return None
        if sent.size > MAX_PAPER_BYTES:
            raise ValidationError(_("The file is larger than 10 MB. Save it smaller, or keep the page that matters."))
        content = sent.read()
        if not content.startswith(PAPER_BEGINNINGS) and not _is_text(content):
            raise ValidationError(_("This is no PDF, PNG, JPEG or text. Save the evidence as PDF and choose that."))
        return sent.name, content


class AccessModeForm(forms.Form):
    code = forms.SlugField(label=_("Id"))
    name = forms.CharField(label=_("Name"), max_length=80)
    summary = _words(_("In short"), required=True)
    audience = _words(_("For whom"), rows=2)
    decided_by = forms.ChoiceField(label=_("Who decides"), choices=AccessMode.DecidedBy.choices)
    min_gpu_hours = forms.IntegerField(label=_("At least, GPU-hours"), min_value=1)
    max_gpu_hours = forms.IntegerField(label=_("At most, GPU-hours"), min_value=1, required=False)
    months = SimpleArrayField(
        forms.IntegerField(min_value=1, max_value=60),
        label=_("Durations in months"),
        help_text=_("For example: 1, 2, 3"),
    )
    decision_working_days = forms.IntegerField(label=_("Promised working days"), min_value=0, max_value=250)
    once_per_months = forms.IntegerField(
        label=_("Once in so many months"),
        help_text=_("For a policy; empty for no such rule."),
        min_value=1,
        required=False,
    )
    sites = forms.ModelMultipleChoiceField(
        label=_("Open at"), queryset=Site.objects.exclude(status=Site.Status.KNOWN), to_field_name="slug",
        widget=forms.CheckboxSelectMultiple, required=False,
    )  # fmt: skip
    is_open = forms.BooleanField(label=_("Takes requests"), required=False)
    position = forms.IntegerField(label=_("Place in the list"), min_value=0, max_value=1000)
    source = _words(_("Source"), rows=2)
    valid_from = forms.DateField(
        label=_("Terms valid from"), widget=DateInput,
        help_text=_("Changes of hours, durations, deciders, days or rules begin on this day; words change at once."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        low, high = cleaned.get("min_gpu_hours"), cleaned.get("max_gpu_hours")
        if low and high and high < low:
            self.add_error("max_gpu_hours", _("The most cannot be less than the least."))
        return cleaned

    def terms(self, mode: AccessMode | None = None) -> dict[str, Any]:
        """The answers under the names of AccessMode's fields."""
        names = (
            "name", "summary", "audience", "decided_by", "min_gpu_hours", "max_gpu_hours", "months",
            "decision_working_days", "is_open", "position", "source",
        )  # fmt: skip
        rules = {key: value for key, value in (mode.rules if mode else {}).items() if key != "once_per_months"}
        if self.cleaned_data.get("once_per_months"):
            rules["once_per_months"] = self.cleaned_data["once_per_months"]
        return {**{name: self.cleaned_data[name] for name in names}, "rules": rules}

    @staticmethod
    def initial_of(mode: AccessMode) -> dict[str, Any]:
        names = [name for name in AccessModeForm.base_fields if name not in ("once_per_months", "sites")]
        return {
            **{name: getattr(mode, name) for name in names},
            "once_per_months": mode.rules.get("once_per_months"),
            "sites": list(mode.sites.values_list("slug", flat=True)),
        }


class FoundationModelForm(forms.ModelForm):
    summary = _words(_("In short"), required=True)
    note = _words(_("Good to know"), rows=2)
    licence_spdx = forms.ChoiceField(label=_("Licence"))
    source = _words(_("Where these facts come from"), rows=2, required=True)
    languages = _codes(_("Languages"), _("Two-letter codes, separated by commas."), length=12)
    verified_fields = _codes(_("Read at the source"), _("For example: shape, licence, languages."))

    class Meta:
        model = FoundationModel
        fields = (
            "name", "slug", "hf_repo", "revision", "task", "summary", "provider", "provider_country", "release",
            "languages", "language_words", "licence_spdx", "commercial_use", "gated", "params", *SHAPE, "context",
            "note", "verified", "verified_fields", "source",
        )  # fmt: skip
        labels = {
            "name": _("Name"),
            "slug": _("Id"),
            "hf_repo": _("Repository"),
            "revision": _("Revision"),
            "task": _("What it does"),
            "provider": _("Made by"),
            "provider_country": _("Made in (two letters, several joined by /)"),
            "release": _("Released"),
            "language_words": _("The source's words on languages"),
            "commercial_use": _("Commercial use allowed"),
            "gated": _("Its makers ask to accept terms first"),
            "params": _("Parameters"),
            "layers": _("Layers"),
            "hidden": _("Width"),
            "intermediate": _("Width of the MLP"),
            "heads": _("Attention heads"),
            "kv_heads": _("Heads for keys and values"),
            "head_dim": _("Size of a head"),
            "vocab": _("Word pieces"),
            "tied_embeddings": _("Output layer shares the table of words"),
            "mlp_matrices": _("Matrices of the MLP (2 or 3)"),
            "context": _("Longest text in tokens"),
            "verified": _("Shape was read at the source"),
        }
        widgets = {"language_words": forms.TextInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["licence_spdx"].choices = [(one.spdx, one.name) for one in licences().values()]  # type: ignore[attr-defined]
        if self.instance.pk:
            self.fields["slug"].disabled = True
            self.fields["slug"].help_text = _("Stores of sites know the model by its id; it stays.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        numbers = {name: cleaned.get(name) for name in SHAPE}
        if cleaned.get("params") and None not in numbers.values() and not self.errors:
            shape: Shape = shape_of(cleaned["task"], numbers)
            if abs(shape.parameters / cleaned["params"] - 1) > TOLERANCE and cleaned["verified"]:
                self.add_error(
                    "params",
                    _("This shape gives %(counted)s parameters. Correct one of them, or take the tick of “read” away.")
                    % {"counted": f"{shape.parameters:,}"},
                )
        return cleaned

    def save_words(self) -> FoundationModel:
        """The instance with the licence's words, not saved yet."""
        model: FoundationModel = self.instance
        model.licence_words = licences()[model.licence_spdx].words
        return model
