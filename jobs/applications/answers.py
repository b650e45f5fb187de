"""What is said to a request once it was sent: the officer's decision, and messages of either side."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.amounts import AmountField


class DecisionForm(forms.Form):
    """The officer's box: nothing is preselected."""

    mark_optional = False

    class Choice:
        ALL, LESS, ASK, DECLINE = "all", "less", "ask", "decline"

    outcome = forms.ChoiceField(
        label=_("Decision"),
        choices=(
            (Choice.ALL, _("Approve as asked")),
            (Choice.LESS, _("Approve a smaller amount")),
            (Choice.ASK, _("Ask a question")),
            (Choice.DECLINE, _("Decline")),
        ),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a decision.")},
    )
    gpu_hours = forms.IntegerField(label=_("GPU-hours"), min_value=1, required=False)
    ends_on = forms.DateField(label=_("Until"), widget=forms.DateInput(attrs={"type": "date"}), required=False)
    register_eur = AmountField(
        label=_("Sum in the State's central register, in EUR"),
        help_text=_("For this group and the last three years, if you looked it up."),
        required=False,
    )
    reason = forms.CharField(
        label=_("Message to the applicant"), widget=forms.Textarea(attrs={"rows": 5}), max_length=4000,
        error_messages={"required": _("Write a message to the applicant; they will act on it.")},
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("outcome") == self.Choice.LESS and not cleaned.get("gpu_hours"):
            self.add_error("gpu_hours", _("Enter how many GPU-hours you approve."))
        return cleaned


class MessageForm(forms.Form):
    body = forms.CharField(
        label=_("Your message"), widget=forms.Textarea(attrs={"rows": 4}), max_length=4000,
        error_messages={"required": _("Write your message first.")},
    )  # fmt: skip
