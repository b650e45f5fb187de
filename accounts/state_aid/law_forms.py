"""Forms of the administrators' pages about law. Each parameter's form is made from its entry in `parameters.KEYS`."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import countries
from accounts.models import AidScheme
from accounts.state_aid import regimes
from accounts.state_aid.case import Kind
from accounts.state_aid.parameters import Key, Part
from portal.ui.widgets import DateInput, NumberText


class ParameterForm(forms.Form):
    """The days, the source and the parts of one kind of parameter. The parts stand under their own names."""

    def __init__(self, *args: Any, key: Key, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.key = key
        if key.scope == "state":
            self.fields["state"] = forms.ChoiceField(label=_("State"), choices=countries.choices_with_blank)
        if key.scope == "currency":
            self.fields["state"] = forms.CharField(
                label=_("Currency"), max_length=3, help_text=_("Three letters, such as SEK.")
            )
        for part in key.parts:
            self.fields[part.name] = _field(part, optional=key.code == "policy")
        if key.code != "law":  # a row of law says itself from when it holds
            self.fields["valid_from"] = forms.DateField(label=_("From"), widget=DateInput())
            self.fields["valid_to"] = forms.DateField(
                label=_("Until"),
                widget=DateInput(),
                required=False,
                help_text=_("The last day. Empty: until a later row takes its place."),
            )
        self.fields["source"] = forms.CharField(
            label=_("Where it is published"),
            widget=forms.Textarea(attrs={"rows": 2}),
            max_length=1000,
            help_text=_("The act with its reference, or an address. An auditor must find it in ten years."),
        )

    def value(self) -> dict[str, Any]:
        """The parts as `enter_parameter` wants them; a row of law or of days is the whole value."""
        parts = [part.name for part in self.key.parts]
        if parts == ["row"]:
            row: dict[str, Any] = self.cleaned_data["row"]
            return row
        return {name: self.cleaned_data.get(name) for name in parts}


def _field(part: Part, *, optional: bool) -> forms.Field:
    label, help_text = part.label, part.help
    if part.kind == "choice":
        choices = [(str(choice.value), choice.label) for choice in part.choices]
        if optional:
            choices = [("", _("Leave as it is")), *choices]
        return forms.ChoiceField(
            label=label, help_text=help_text, choices=choices, widget=forms.RadioSelect, required=not optional
        )
    if part.kind == "json":
        return forms.JSONField(
            label=label,
            help_text=help_text or _("As JSON: numbers and days in quotes. Start from the row shown and change it."),
            widget=forms.Textarea(attrs={"rows": 24, "class": "font-monospace", "spellcheck": "false"}),
            encoder=_Pretty,
            error_messages={"invalid": _("This is no JSON. Check brackets, commas and quotes.")},
        )
    if part.kind == "days":
        return forms.IntegerField(label=label, help_text=help_text, widget=NumberText())
    return forms.DecimalField(label=label, help_text=help_text, localize=True, widget=NumberText(decimal=True))


class _Pretty(json.JSONEncoder):
    """JSON that a person can read and edit."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "indent": 2, "ensure_ascii": False})


def bases() -> list[tuple[str, str]]:
    """The codes a scheme may rest on, with their titles."""
    return [(law.code, f"{law.title} ({law.code})") for law in regimes.BUILT_IN if law.kind is not Kind.THRESHOLD]


class SchemeForm(forms.ModelForm):
    basis = forms.ChoiceField(label=_("Legal basis"), choices=bases)
    state = forms.ChoiceField(label=_("State"), choices=countries.choices_with_blank)
    published_url = forms.URLField(label=_("Where it is published"), required=False, assume_scheme="https")
    category = forms.ChoiceField(
        label=_("Kind of research (Article 25 only)"),
        choices=(
            ("", _("Does not apply")),
            ("fundamental", _("Fundamental research")),
            ("industrial", _("Industrial research")),
            ("experimental", _("Experimental development")),
            ("feasibility", _("Feasibility study")),
        ),
        required=False,
    )
    region = forms.ChoiceField(
        label=_("Assisted area"),
        choices=(("", _("None")), ("a", _("“a” area")), ("c", _("“c” area"))),
        required=False,
    )

    class Meta:
        model = AidScheme
        fields = (
            "title", "code", "state", "authority", "basis", "law_version", "measure_reference", "discount_text",
            "selection_text", "published_url", "published_on", "summary_sent_on", "category", "region", "valid_from",
            "valid_to",
        )  # fmt: skip
        labels = {"code": _("Id"), "law_version": _("Version of the text")}
        help_texts = {
            "law_version": _(
                "As in the row of law, such as “651/2014 as amended by 2023/1315”. Empty: the one in force."
            ),
            "discount_text": _("What is free or cheaper, and by how much, as it was published (Article 5(2)(ga))."),
            "selection_text": _("Who gets it and by which rules, as it was published (Article 5(2)(ga))."),
            "published_on": _("Both must be public before the first offer."),
            "summary_sent_on": _("Due within 20 working days of entry into force (Article 11)."),
        }
        widgets = {
            "discount_text": forms.Textarea(attrs={"rows": 3}),
            "selection_text": forms.Textarea(attrs={"rows": 3}),
            "published_on": DateInput(),
            "summary_sent_on": DateInput(),
            "valid_from": DateInput(),
            "valid_to": DateInput(),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding is False:
            self.fields["code"].disabled = True
