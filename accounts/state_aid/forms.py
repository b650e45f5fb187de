"""The declaration of other public support: a yes or no, and a line for each grant."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import countries
from accounts.forms.amounts import AmountField
from accounts.state_aid.regimes import DECLARABLE
from accounts.state_aid.wording import REGULATIONS
from portal.ui.widgets import DateInput

MAX_LINES = 40


class DeclarationForm(forms.Form):
    other_aid = forms.ChoiceField(
        label=_("Has your company received other de minimis aid in the last three years?"),
        choices=(("none", _("No")), ("some", _("Yes, as listed below"))),
        widget=forms.RadioSelect,
        help_text=_(
            "Small public grants, vouchers, free services, guarantees; the letter of award calls them de minimis aid. "
            "Leave out what this portal granted: we count that ourselves."
        ),
    )
    signed = forms.BooleanField(
        label=_("I may sign for the company, and this statement is complete to the best of my knowledge.")
    )


class LineForm(forms.Form):
    state = forms.ChoiceField(label=_("State that granted it"), choices=countries.choices_with_blank)
    amount_eur = AmountField(label=_("Amount in EUR"), max_digits=12)
    granted_on = forms.DateField(label=_("Day of the award"), widget=DateInput())
    regulation = forms.ChoiceField(
        label=_("Regulation"), choices=[(code, REGULATIONS[code]) for code in DECLARABLE], initial=DECLARABLE[0]
    )

    def has_changed(self) -> bool:
        """A line is empty, and ignored, while State, amount and day are; the regulation is filled in beforehand."""
        return any(self.data.get(self.add_prefix(name)) for name in ("state", "amount_eur", "granted_on"))


class BaseLineFormSet(forms.BaseFormSet):
    def initial_form_count(self) -> int:
        """Lines of an earlier declaration are as removable as new ones: emptied, they are gone."""
        return 0 if self.is_bound else super().initial_form_count()


LineFormSet = forms.formset_factory(
    LineForm, formset=BaseLineFormSet, extra=1, max_num=MAX_LINES, absolute_max=MAX_LINES, validate_max=True
)


def stored_lines(items: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The items of an earlier declaration as initial values of lines."""
    return [{**item, "granted_on": date.fromisoformat(item["granted_on"])} for item in items]
