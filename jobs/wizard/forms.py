"""The questions that are the same for every recipe: the base model's licence and the AI Act."""

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from jobs.applications.questions import HIGH_RISK, PROHIBITED
from models_hub.recipes.forms import StepForm
from portal.ui.widgets import ChoiceCards, Option


class SafetyForm(StepForm):
    """Asked in plain words; nothing is preselected. Source: AI Act (2024/1689), Article 5 and Annex III."""

    USES = (
        ("none", _("None of these")),
        ("some", _("One or more of these")),
    )

    licence_accepted = forms.BooleanField(
        label=_("I have read the licence of the base model and we keep to it."),
        error_messages={"required": _("Accept the licence of the base model, or choose another model.")},
    )
    prohibited = forms.BooleanField(
        label=_("We will use the model for none of the things that are forbidden in the EU."),
        error_messages={
            "required": _("Models for forbidden uses cannot be trained here. Confirm that yours is for none of them.")
        },
    )
    high_risk = forms.ChoiceField(
        label=_("Will the model help to decide about people in one of these areas?"),
        help_text=_("They are allowed, but whoever offers such a system has duties. You can train either way."),
        choices=USES,
        widget=ChoiceCards(
            columns=2,
            describe={"some": Option(description=_("Choose which below. The record of this run will say so."))},
        ),
        error_messages={"required": _("Say whether the model will be used in one of these areas.")},
    )
    areas = forms.MultipleChoiceField(
        label=_("Which areas?"),
        choices=HIGH_RISK,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def prepare(self) -> None:
        model = self.context.model
        if model is not None:
            words = format_html(": {}", model.licence_words) if model.licence_words else ""
            self.fields["licence_accepted"].help_text = format_html("<strong>{}</strong>{}", model.licence_spdx, words)

    @property
    def forbidden_uses(self) -> list[Any]:
        return [words for _code, words in PROHIBITED]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("high_risk") == "some" and not cleaned.get("areas"):
            self.add_error("areas", _("Choose the areas, or answer “None of these” above."))
        if cleaned.get("high_risk") == "none":
            cleaned["areas"] = []
        return cleaned
