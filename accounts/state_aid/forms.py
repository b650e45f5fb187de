"""The declaration of other public support: a yes or no, a line for each grant, and what the rules ask the company."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import countries
from accounts.forms.amounts import AmountField
from accounts.state_aid.regimes import DECLARABLE
from accounts.state_aid.wording import REGULATIONS
from portal.ui.widgets import DateInput, NumberText

MAX_LINES = 40
CURRENCIES = ("EUR", "BGN", "CHF", "CZK", "DKK", "GBP", "HUF", "ISK", "NOK", "PLN", "RON", "RSD", "SEK", "TRY", "USD")
YES_NO = (("yes", _("Yes")), ("no", _("No")))
# Purposes that de minimis aid never serves, by the codes of the rows of law (Art 1(1) of the regulations).
PURPOSES = {
    "export": _("Direct help with exports: quantities exported, a sales network abroad"),
    "domestic_goods": _("Only for using domestic goods or services instead of imported ones"),
    "primary_agriculture": _("Primary production of farm products"),
    "primary_fishery": _("Primary production of fish"),
    "price_or_quantity": _("Fixed by the price or quantity of farm or fish products bought"),
    "passed_to_producers": _("Partly or wholly passed on to farmers or fishers"),
}


def _ratio(label: Any, help_text: Any = "", least: int | None = None) -> forms.DecimalField:
    """A plain number, as in 3.2; nothing is required, because a person can ask later."""
    return forms.DecimalField(
        label=label,
        help_text=help_text,
        min_value=least,
        max_digits=9,
        decimal_places=3,
        localize=True,
        widget=NumberText(decimal=True),
        required=False,
    )


def _answer(value: str) -> bool | None:
    return {"yes": True, "no": False}.get(value)


def _yes_no(label: Any, help_text: Any = "") -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        help_text=help_text,
        choices=YES_NO,
        coerce=_answer,
        empty_value=None,
        widget=forms.RadioSelect,
        required=False,
    )


class SignedNumberField(AmountField):
    """An amount that may be below zero: a loss."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.min_value = None
        self.validators = [
            one for one in self.validators if not isinstance(one, forms.fields.validators.MinValueValidator)
        ]


class DeclarationForm(forms.Form):
    """What does not belong to one grant. Questions that do not concern the company are left out when it is built.

    `exemption` asks what a block exemption wants to know, `large` also what Art 2(18)(e) of Regulation 651/2014 looks
    at in firms that are no SME; `mixed` whether farming or fishing is kept apart.
    """

    other_aid = forms.ChoiceField(
        label=_("Has your group received other de minimis aid in the last three years?"),
        choices=(("none", _("No")), ("some", _("Yes, as listed below"))),
        widget=forms.RadioSelect,
        help_text=_(
            "Small public grants, vouchers, free services, guarantees; the letter of award calls them de minimis aid. "
            "Leave out what this portal granted: we count that ourselves."
        ),
    )
    purposes = forms.MultipleChoiceField(
        label=_("Will support from this portal serve any of these?"),
        help_text=_("De minimis aid may not. Most companies tick nothing."),
        choices=tuple(PURPOSES.items()),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    activities_separated = _yes_no(
        _("Do you keep the books of farming or fishing apart from your other activities?"),
        _("Then de minimis aid for the other activities is possible (Article 1(2))."),
    )
    recovery_order = _yes_no(
        _("Has the Commission ordered a State to recover aid from your company, and you have not paid it back?"),
        _("Hardly anybody has. While such an order stands, aid under a block exemption is not allowed."),
    )
    limited_liability = _yes_no(_("Is liability limited, as in a GmbH, SARL, BV, SRL or joint-stock company?"))
    subscribed_capital_eur = AmountField(
        label=_("Subscribed capital with share premium, in EUR"),
        help_text=_("From the last balance sheet, for your group as a whole."),
        required=False,
    )
    accumulated_result_eur = SignedNumberField(
        label=_("Accumulated profit or loss with all reserves, in EUR"),
        help_text=_("A loss with a minus sign: -25000."),
        required=False,
    )
    capital_in_accounts_eur = AmountField(
        label=_("Capital shown in the accounts, in EUR"),
        help_text=_("Only where some members are fully liable, as in a partnership."),
        required=False,
    )
    capital_lost_eur = AmountField(label=_("Of which lost, in EUR"), required=False)
    insolvency = _yes_no(_("Is the company insolvent, or would creditors be entitled to ask for insolvency?"))
    rescue_aid_open = _yes_no(
        _("Does the company have rescue aid to pay back, or a restructuring plan under State aid?")
    )
    debt_to_equity_1 = _ratio(
        _("Book debt divided by equity, latest year"),
        _("From the closed accounts of your group, such as 3.2. If equity is zero or below, enter 999."),
        least=0,
    )
    interest_cover_1 = _ratio(
        _("EBITDA divided by interest, latest year"),
        _("Profit before interest, tax and depreciation; below zero with a minus sign."),
    )
    debt_to_equity_2 = _ratio(_("Book debt divided by equity, the year before"), least=0)
    interest_cover_2 = _ratio(_("EBITDA divided by interest, the year before"))
    signer_name = forms.CharField(label=_("Your name"), max_length=120)
    signer_position = forms.CharField(label=_("Your position"), max_length=120)
    signed = forms.BooleanField(
        label=_("I may sign for the company, and this statement is complete to the best of my knowledge.")
    )

    EXEMPTION = (
        "recovery_order", "limited_liability", "subscribed_capital_eur", "accumulated_result_eur",
        "capital_in_accounts_eur", "capital_lost_eur", "insolvency", "rescue_aid_open",
    )  # fmt: skip
    FIGURES = EXEMPTION[1:]
    # Of large firms: by year, the latest first, as `case.Difficulty` has them.
    RATIOS = ("debt_to_equity", "interest_cover")
    YEARS = (1, 2)

    def __init__(
        self, *args: Any, exemption: bool = False, mixed: bool = False, large: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.asks_exemption, self.asks_separation, self.asks_ratios = exemption, mixed, exemption and large
        if not self.asks_ratios:
            for name in self.ratio_fields():
                del self.fields[name]
        if not exemption:
            for name in self.EXEMPTION:
                del self.fields[name]
        if not mixed:
            del self.fields["activities_separated"]

    def statements(self) -> dict[str, Any]:
        """The answers as the declaration stores them; a question that was not asked is not there."""
        cleaned = self.cleaned_data
        found: dict[str, Any] = {"purposes": cleaned.get("purposes", [])}
        if self.asks_separation:
            found["activities_separated"] = cleaned.get("activities_separated")
        if self.asks_exemption:
            found["recovery_order"] = cleaned.get("recovery_order")
            figures = {name: _plain(cleaned.get(name)) for name in self.FIGURES}
            ratios = self._ratios() if self.asks_ratios else {}
            if any(value is not None for value in figures.values()) or any(ratios.values()):
                liability = figures["limited_liability"] is not False
                found["difficulty"] = {**figures, "limited_liability": liability, **ratios}
        return found

    @classmethod
    def ratio_fields(cls) -> list[str]:
        return [f"{name}_{year}" for year in cls.YEARS for name in cls.RATIOS]

    def _ratios(self) -> dict[str, list[str]]:
        """Each ratio for the years it was stated for, the latest first."""
        said = {name: [self.cleaned_data.get(f"{name}_{year}") for year in self.YEARS] for name in self.RATIOS}
        return {name: [str(one) for one in values if one is not None] for name, values in said.items()}

    def signature(self) -> dict[str, str]:
        return {"name": self.cleaned_data["signer_name"], "position": self.cleaned_data["signer_position"]}

    @classmethod
    def initial_of(cls, items: list[dict[str, Any]], statements: dict[str, Any]) -> dict[str, Any]:
        """What was declared before, filled in; the signature never is."""
        said = {**statements, **(statements.get("difficulty") or {})}
        found: dict[str, Any] = {"other_aid": "some" if items else "none", "purposes": said.get("purposes", [])}
        for name in ("activities_separated", *cls.EXEMPTION):
            value = said.get(name)
            found[name] = {True: "yes", False: "no"}.get(value) if isinstance(value, bool) else value
        for name in cls.RATIOS:
            found |= {
                f"{name}_{year}": Decimal(one) for year, one in zip(cls.YEARS, said.get(name) or (), strict=False)
            }
        return found


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


class LineForm(forms.Form):
    state = forms.ChoiceField(label=_("State that granted it"), choices=countries.choices_with_blank)
    amount_eur = AmountField(label=_("Amount"), max_digits=12)
    currency = forms.ChoiceField(
        label=_("Currency"), choices=[(code, code) for code in CURRENCIES], initial="EUR", required=False
    )
    granted_on = forms.DateField(label=_("Day of the award"), widget=DateInput())
    regulation = forms.ChoiceField(
        label=_("Regulation"), choices=[(code, REGULATIONS[code]) for code in DECLARABLE], initial=DECLARABLE[0]
    )
    member = forms.ChoiceField(label=_("Which company received it"), required=False)
    authority = forms.CharField(label=_("Granting authority"), max_length=200, required=False)
    rate = forms.DecimalField(
        label=_("One euro was, in that currency"),
        help_text=_("Only for other currencies, and only if we do not know the rate of that day."),
        max_digits=14,
        decimal_places=6,
        min_value=Decimal("0.000001"),
        localize=True,
        widget=NumberText(decimal=True),
        required=False,
    )
    costs = forms.CharField(
        label=_("What it paid for, if it was tied to certain costs"),
        help_text=_(
            "A short name, such as “cloud migration 2026”. Use the same name where a request names these costs."
        ),
        max_length=80,
        required=False,
    )
    intensity = forms.DecimalField(
        label=_("Highest share of these costs that was allowed, in per cent"),
        max_digits=5,
        decimal_places=2,
        min_value=Decimal("0.01"),
        max_value=100,
        localize=True,
        widget=NumberText(decimal=True),
        required=False,
    )
    MORE = ("member", "authority", "rate", "costs", "intensity")

    def __init__(self, *args: Any, members: tuple[tuple[str, str], ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(members) > 1:
            self.fields["member"].choices = members  # type: ignore[attr-defined]
        else:
            del self.fields["member"]

    def has_changed(self) -> bool:
        """A line is empty, and ignored, while State, amount and day are; the regulation is filled in beforehand."""
        return any(self.data.get(self.add_prefix(name)) for name in ("state", "amount_eur", "granted_on"))

    def item(self) -> dict[str, Any]:
        """The line as `declare_aid` wants it."""
        cleaned = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        if cleaned.get("currency", "EUR") != "EUR":
            cleaned["amount"] = cleaned.pop("amount_eur")
        return cleaned

    @property
    def more(self) -> list[Any]:
        """What most lines leave empty."""
        return [self[name] for name in self.MORE if name in self.fields]

    @property
    def more_is_filled(self) -> bool:
        return any(field.value() or field.errors for field in self.more if field.name != "member")


class BaseLineFormSet(forms.BaseFormSet):
    def initial_form_count(self) -> int:
        """Lines of an earlier declaration are as removable as new ones: emptied, they are gone."""
        return 0 if self.is_bound else super().initial_form_count()


LineFormSet = forms.formset_factory(
    LineForm, formset=BaseLineFormSet, extra=1, max_num=MAX_LINES, absolute_max=MAX_LINES, validate_max=True
)


def stored_lines(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items of an earlier declaration as initial values of lines, amounts in the currency they were granted in."""
    lines = []
    for item in items:
        line: dict[str, Any] = {**item, "granted_on": date.fromisoformat(item["granted_on"])}
        if item.get("currency"):
            line["amount_eur"] = item["amount"]
        lines.append({name: Decimal(value) if name in _NUMBERS else value for name, value in line.items()})
    return lines


_NUMBERS = frozenset({"amount_eur", "rate", "intensity"})
