"""Forms about the organisation and its team. They check shape; the services check rules."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import countries, nace
from accounts.forms.amounts import AmountField
from accounts.models import AccountYear
from accounts.roles import Role
from portal.ui.widgets import DateInput

TEAM_ROLES = [(role.value, role.label) for role in (Role.MEMBER, Role.OWNER)]


class SuggestingInput(forms.TextInput):
    """A text field with suggestions that also takes what is not among them; needs no script."""

    template_name = "accounts/widgets/suggesting.html"

    def __init__(self, suggestions: Any, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs=attrs)
        self.suggestions = suggestions

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        list_id = f"{context['widget']['attrs'].get('id', name)}_list"
        context["widget"]["attrs"]["list"] = list_id
        context["widget"] |= {"list_id": list_id, "suggestions": self.suggestions}
        return context


def _autocomplete(value: str, **attrs: str) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": value, **attrs})


class OrganisationForm(forms.Form):
    """Founding an organisation: eight fields and a box, one of the two numbers is enough."""

    legal_name = forms.CharField(
        label=_("Legal name"),
        max_length=200,
        help_text=_("As it stands in the business register."),
        widget=_autocomplete("organization"),
    )
    country = forms.ChoiceField(label=_("Country"), choices=countries.choices_with_blank)
    vat_number = forms.CharField(
        label=_("VAT number"), max_length=20, required=False, help_text=_("With or without the country's letters.")
    )
    euid = forms.CharField(
        label=_("EUID"),
        max_length=80,
        required=False,
        help_text=_("The European register number, such as LURCSL.B123456. Not needed with a VAT number."),
    )
    nace_code = forms.CharField(
        label=_("Main activity (NACE)"),
        max_length=8,
        help_text=_("Two digits are enough. Start typing the number, or pick one from the list."),
        widget=SuggestingInput(nace.SUGGESTIONS, attrs={"class": "op-short", "autocomplete": "off"}),
    )
    street = forms.CharField(label=_("Street and number"), max_length=200, widget=_autocomplete("street-address"))
    postal_code = forms.CharField(
        label=_("Postal code"),
        max_length=20,
        required=False,
        widget=_autocomplete("postal-code", **{"class": "op-short"}),
    )
    city = forms.CharField(label=_("Town"), max_length=100, widget=_autocomplete("address-level2"))
    is_natural_person = forms.BooleanField(
        label=_("The company is one person (a sole trader)"),
        required=False,
        help_text=_("Public registers of support can then show a pseudonym instead of your name."),
    )


class OrganisationDetailsForm(OrganisationForm):
    """Changing an organisation: what founding did not ask stands here too."""

    legal_form = forms.CharField(label=_("Legal form"), max_length=80, required=False)
    registered_on = forms.DateField(label=_("Registered on"), required=False, widget=DateInput())


class AccountYearForm(forms.Form):
    year_end = forms.DateField(label=_("Last day of the accounting year"), widget=DateInput())
    headcount_awu = AmountField(
        label=_("Staff in annual work units"),
        max_digits=10,
        help_text=_("Full-time for the whole year is 1, half-time 0.5. Count working owners, leave out apprentices."),
    )
    turnover_eur = AmountField(label=_("Annual turnover in EUR"), help_text=_("Without VAT, for twelve months."))
    balance_sheet_eur = AmountField(label=_("Balance sheet total in EUR"), help_text=_("On the last day of that year."))
    basis = forms.ChoiceField(
        label=_("Where the figures come from"),
        choices=AccountYear.Basis.choices,
        initial=AccountYear.Basis.APPROVED,
        widget=forms.RadioSelect,
    )


class InviteForm(forms.Form):
    email = forms.EmailField(label=_("Email address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(
        label=_("Role"),
        choices=TEAM_ROLES,
        initial=Role.MEMBER,
        widget=forms.RadioSelect,
        help_text=_("Members use data, compute and results. Owners also sign declarations and manage the team."),
    )


class TeamRoleForm(forms.Form):
    role = forms.ChoiceField(choices=TEAM_ROLES)
