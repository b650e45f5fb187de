"""Forms about the group a company belongs to: who controls whom, what happened on a day. Shape only."""

import re
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts import countries, identifiers
from accounts.forms.amounts import AmountField
from accounts.models import ControlStatement, UndertakingEvent
from accounts.state_aid.keys import outside_key
from portal.kernel.errors import DomainError
from portal.ui.widgets import DateInput

MAX_COMPANIES = 12
US = "us"


def company_key(cleaned: dict[str, Any], known: dict[str, str]) -> str:
    """The key of a company by its number; without one, the key it had before under that name, or a new one."""
    key = outside_key(vat_number=cleaned.get("vat_number", ""), euid=cleaned.get("euid", ""))
    name = cleaned["name"].strip().casefold()
    return key or known.get(name) or f"party:{uuid4()}"


class CompanyFields(forms.Form):
    """Another company by name, country and, where it has one, a number that everybody would write the same way."""

    name = forms.CharField(label=_("Name of the company"), max_length=200)
    country = forms.ChoiceField(label=_("Country"), choices=countries.world_choices)
    vat_number = forms.CharField(label=_("VAT number"), max_length=20, required=False)
    euid = forms.CharField(
        label=_("EUID"),
        max_length=80,
        required=False,
        help_text=_("One number is enough. With it, other companies of the group find the same parent."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        country = cleaned.get("country", "")
        for field, check in (("vat_number", identifiers.checked_vat), ("euid", identifiers.checked_euid)):
            value = cleaned.get(field, "")
            if value and country in countries.ELIGIBLE:
                try:
                    cleaned[field] = check(value, country=country)
                except DomainError as error:
                    self.add_error(field, error.sentence)
            elif value:
                cleaned[field] = country + re.sub(r"[\s.\-_/]", "", value).upper().removeprefix(country)
        return cleaned


class LinkForm(CompanyFields):
    """One link of control between our company and another one."""

    direction = forms.ChoiceField(
        label=_("Which way?"),
        choices=(("up", _("It controls our company")), ("down", _("Our company controls it"))),
        widget=forms.RadioSelect,
    )
    ground = forms.ChoiceField(
        label=_("How?"),
        choices=ControlStatement.Ground.choices,
        initial=ControlStatement.Ground.MAJORITY_OF_VOTES,
        widget=forms.RadioSelect,
        help_text=_("Only these four make companies one undertaking. A smaller share does not, nor does a common owner "
                    "who is a person or a public body."),
    )  # fmt: skip
    valid_from = forms.DateField(label=_("Since"), widget=DateInput())
    field_order = ("direction", "name", "country", "vat_number", "euid", "ground", "valid_from")


class EndForm(forms.Form):
    valid_to = forms.DateField(label=_("First day on which it no longer holds"), widget=DateInput())


class RefuseForm(forms.Form):
    reason = forms.CharField(
        label=_("What is wrong?"),
        help_text=_("The company that stated it and an administrator read this. Write nothing they should not know."),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=1000,
        error_messages={"required": _("Say what is wrong, so that the other company can act.")},
    )


class EventForm(forms.Form):
    """What happened, and our own part in it; the other companies are lines of their own."""

    kind = forms.ChoiceField(
        label=_("What happened?"),
        choices=(
            (UndertakingEvent.Kind.MERGER, _("Merger: companies became one")),
            (UndertakingEvent.Kind.ACQUISITION, _("Takeover: one company bought another, and both live on")),
            (UndertakingEvent.Kind.SPLIT, _("Split: one company became several")),
        ),
        widget=forms.RadioSelect,
    )
    on = forms.DateField(label=_("On which day did it take effect?"), widget=DateInput())
    we_were = forms.BooleanField(label=_("Our company existed before"), required=False)
    we_are = forms.BooleanField(label=_("Our company exists afterwards"), required=False)
    buyer = forms.ChoiceField(
        label=_("Who bought, in a takeover?"),
        choices=((US, _("Our company")), ("first", _("The first company below"))),
        widget=forms.RadioSelect,
        required=False,
    )
    equity = AmountField(
        label=_("After a split: book value of our equity, in EUR"),
        help_text=_("On the day it took effect. Earlier aid that nobody can attribute is shared by these values."),
        required=False,
    )
    note = forms.CharField(
        label=_("What a reader should know"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        required=False,
    )


class EventCompanyForm(CompanyFields):
    before = forms.BooleanField(label=_("It existed before"), required=False)
    after = forms.BooleanField(label=_("It exists afterwards"), required=False)
    equity = AmountField(label=_("After a split: book value of its equity, in EUR"), required=False)

    def has_changed(self) -> bool:
        """A line without a name is empty and ignored."""
        return bool((self.data.get(self.add_prefix("name")) or "").strip())


class BaseCompanySet(forms.BaseFormSet):
    def initial_form_count(self) -> int:
        """Lines of the row that is corrected can be emptied like new ones."""
        return 0 if self.is_bound else super().initial_form_count()


CompanySet = forms.formset_factory(
    EventCompanyForm,
    formset=BaseCompanySet,
    extra=1,
    max_num=MAX_COMPANIES,
    absolute_max=MAX_COMPANIES,
    validate_max=True,
)


class UsedByForm(forms.Form):
    """After a split: which successor took over the activity that an earlier award was used for."""

    def __init__(self, *args: Any, references: Iterable[str], lines: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.references = list(references)
        choices = [("", _t("Nobody can say: share it by equity")), (US, _t("Our company"))]
        choices += [(str(n), _t("Company %(number)d") % {"number": n + 1}) for n in range(lines)]
        for number, reference in enumerate(self.references):
            self.fields[f"used_{number}"] = forms.ChoiceField(
                label=_t("Who uses what %(reference)s was granted for?") % {"reference": reference},
                choices=choices,
                required=False,
            )

    def chosen(self) -> dict[str, str]:
        """Award reference -> "us" or the number of a line."""
        answers = {ref: self.cleaned_data.get(f"used_{n}", "") for n, ref in enumerate(self.references)}
        return {reference: answer for reference, answer in answers.items() if answer}
