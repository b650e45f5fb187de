"""Forms about the group around a company: its parties, what they hold, and the papers. Shape only."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts import countries, paper_types
from accounts.forms.amounts import AmountField
from accounts.interview_wording import SUBJECTS
from accounts.models import Holding, Organisation, Party, SmeAssessment
from accounts.ownership_drawing import CONTROL_WORDS
from accounts.services.ownership import NEVER_OWNED
from accounts.sme.graph import EXEMPT_KINDS, Ownership
from portal.ui.widgets import ChoiceCards, DateInput, NumberText, Option

KIND = Party.Kind
KINDS: dict[str, Option] = {
    KIND.ENTERPRISE: Option(_("Any firm, association or foundation with a business, in any country.")),
    KIND.PERSON: Option(_("A natural person or a family. Counts only through further companies it controls.")),
    KIND.VENTURE_CAPITAL: Option(
        _("Invests venture capital as its trade. Exempt up to 50%, without a part in management.")
    ),
    KIND.BUSINESS_ANGEL: Option(
        _("A person who regularly invests own money. Exempt while the total in your company is below €1,250,000.")
    ),
    KIND.INSTITUTIONAL_INVESTOR: Option(_("For example a pension or regional development fund. Exempt up to 50%.")),
    KIND.UNIVERSITY: Option(_("Exempt up to 50%, without a part in management.")),
    KIND.RESEARCH_CENTRE: Option(_("Exempt up to 50%, without a part in management.")),
    KIND.PUBLIC_INVESTMENT_CORPORATION: Option(_("A public company that invests in others. Exempt up to 50%.")),
    KIND.LOCAL_AUTHORITY: Option(
        _("A town or district. Exempt with a budget below €10 million and fewer than 5,000 inhabitants.")
    ),
    KIND.PUBLIC_BODY: Option(_("A State, ministry, region or public company. From 25% on, your company is no SME.")),
}  # fmt: skip
MARKETS = (
    ("same", _("The same market")),
    ("adjacent", _("A market directly before or after it: a supplier or a customer")),
    ("unrelated", _("A market that has nothing to do with it")),
    ("unknown", _("I do not know")),
)


class PercentField(forms.DecimalField):
    """A share of 0 to 100 per cent with up to four decimals; "33,3 %" is fine."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            min_value=0,
            max_value=100,
            max_digits=7,
            decimal_places=4,
            widget=NumberText(decimal=True),
            error_messages={"invalid": _("Write a number between 0 and 100.")},
            **kwargs,
        )

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.replace("%", "").replace(",", ".").replace("\u00a0", "").strip()
        return super().to_python(value)


class KindForm(forms.Form):
    """What the party to be added is."""

    kind = forms.ChoiceField(
        label=_("What is it?"),
        choices=[(value, KIND(value).label) for value in KINDS],
        widget=ChoiceCards(describe=KINDS),
    )


class PartyForm(forms.Form):
    """What is known of one party; which fields there are depends on its kind."""

    name = forms.CharField(label=_("Name"), max_length=200)
    country = forms.ChoiceField(label=_("Country"), choices=countries.world_choices)
    vat_number = forms.CharField(
        label=_("VAT number"),
        max_length=20,
        required=False,
        help_text=_("Helps to recognise the same company elsewhere."),
    )
    euid = forms.CharField(label=_("EUID"), max_length=80, required=False, help_text=_("Such as LURCSL.B123456."))
    budget_eur = AmountField(label=_("Annual budget in EUR"), required=False)
    inhabitants = forms.IntegerField(label=_("Inhabitants"), min_value=0, required=False, widget=NumberText())
    consolidates = forms.ModelMultipleChoiceField(
        label=_("Whose figures do its accounts contain already?"),
        queryset=Party.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Tick the companies that are included in full in its consolidated accounts. Nothing counts twice."),
    )

    def __init__(
        self, *args: Any, kind: str, organisation: Organisation, party: Party | None = None, **kwargs: Any
    ) -> None:
        self.kind, self.party = kind, party
        super().__init__(*args, **kwargs)
        others = Party.objects.filter(organisation=organisation, kind=KIND.ENTERPRISE)
        wanted = {"name", "country"}
        if party is not None and party.is_self:
            wanted = {"consolidates"}
        elif kind == KIND.ENTERPRISE:
            wanted |= {"vat_number", "euid"}
            wanted |= {"consolidates"} if party is not None else set()
        elif kind == KIND.LOCAL_AUTHORITY:
            wanted |= {"budget_eur", "inhabitants"}
        elif kind == KIND.PERSON:
            self.fields["country"].required = False
        for field in set(self.fields) - wanted:
            del self.fields[field]
        if "consolidates" in self.fields:
            choices = others.exclude(pk=party.pk if party else None)
            self.fields["consolidates"].queryset = choices  # type: ignore[attr-defined]
            if not choices.exists():
                del self.fields["consolidates"]
        if party is not None:
            self.initial = {
                **{name: getattr(party, name) for name in self.fields if hasattr(party, name)},
                "consolidates": list(party.consolidates.values_list("pk", flat=True)),
            }


class HoldingForm(forms.Form):
    """A share and, where there is one, a ground of control. Without `ends` the two parties are given by the page."""

    owner = forms.ModelChoiceField(label=_("Who holds"), queryset=Party.objects.none(), empty_label=_("Choose"))
    owned = forms.ModelChoiceField(label=_("Part of whom"), queryset=Party.objects.none(), empty_label=_("Choose"))
    capital = PercentField(
        label=_("Share of the capital, in per cent"), help_text=_("0 if there is control without a share.")
    )
    votes = PercentField(
        label=_("Share of the votes, in per cent"), required=False, help_text=_("Leave empty if it is the same share.")
    )
    control = forms.MultipleChoiceField(
        label=_("Control by other means"),
        choices=lambda: [(code, _sentence_case(words())) for code, words in CONTROL_WORDS.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Tick only what a percentage does not show."),
    )
    invested_eur = AmountField(label=_("Invested in the company in total, in EUR"), required=False)
    in_management = forms.BooleanField(
        label=_("Takes part in running the company"),
        required=False,
        help_text=_("More than the rights of a shareholder; then the exemption for investors does not hold."),
    )
    since = forms.DateField(label=_("Since"), required=False, widget=DateInput())

    def __init__(
        self, *args: Any, parties: Iterable[Party] | None = None, kind: str = "", ends: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if ends and parties is not None:
            self.fields["owner"].queryset = parties  # type: ignore[attr-defined]
            self.fields["owned"].queryset = parties.exclude(kind__in=NEVER_OWNED)  # type: ignore[attr-defined]
        else:
            del self.fields["owner"], self.fields["owned"]
        exempt = {str(one) for one in EXEMPT_KINDS}
        if kind and kind not in exempt:
            del self.fields["in_management"]
        if kind and kind != KIND.BUSINESS_ANGEL:
            del self.fields["invested_eur"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "votes" not in self.errors and data.get("votes") is None and "capital" in data:
            data["votes"] = data["capital"]
        return data

    @staticmethod
    def initial_of(holding: Holding) -> dict[str, Any]:
        same = holding.votes == holding.capital
        return {
            "owner": holding.owner_id,
            "owned": holding.owned_id,
            "capital": _plain(holding.capital),
            "votes": "" if same else _plain(holding.votes),
            "control": holding.control,
            "invested_eur": holding.invested_eur,
            "in_management": holding.in_management,
            "since": holding.since,
        }


class TogetherForm(forms.Form):
    """Persons or investors who decide jointly."""

    parties = forms.ModelMultipleChoiceField(
        label=_("Who acts together?"),
        queryset=Party.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Families and others who vote as one. Their shares are added up. Tick none if nobody does."),
    )

    def __init__(self, *args: Any, parties: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parties"].queryset = parties  # type: ignore[attr-defined]

    def clean_parties(self) -> Any:
        given = self.cleaned_data["parties"]
        if given.count() == 1:
            raise forms.ValidationError(_t("Tick at least two, or none."))
        return given


class MarketsForm(forms.Form):
    """One question for each pair of companies that persons tie together."""

    def __init__(self, *args: Any, ownership: Ownership, pairs: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pairs = pairs
        said = {frozenset((one.first, one.second)): one.relation.value for one in ownership.markets}
        for at, (first, second) in enumerate(pairs):
            names = {"first": ownership.party(first).name, "second": ownership.party(second).name}
            self.fields[f"pair_{at}"] = forms.ChoiceField(
                label=_t("%(first)s and %(second)s: how do their markets lie?") % names,
                choices=MARKETS,
                initial=said.get(frozenset((first, second))),
                widget=forms.RadioSelect,
            )

    @property
    def relations(self) -> dict[tuple[str, str], str]:
        return {pair: self.cleaned_data[f"pair_{at}"] for at, pair in enumerate(self.pairs)}


class EvidenceForm(forms.Form):
    # The file stands last: what precedes it is read even when the file is refused for its size.
    subject = forms.ChoiceField(label=_("What does it show?"), choices=SUBJECTS)
    title = forms.CharField(
        label=_("Title"), max_length=160, help_text=_("For example: Annual accounts 2025 of Nordlys Textiles.")
    )
    party = forms.ModelChoiceField(
        label=_("About whom"), queryset=Party.objects.none(), required=False, empty_label=_("Your own company")
    )
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "PDF, PNG, JPEG, CSV or XLSX, at most 10 MB. Only your people and the officer who reviews can open it."
        ),
        widget=forms.FileInput(attrs={"accept": ",".join(paper_types.ENDINGS)}),
        allow_empty_file=True,
        error_messages={"required": _("Choose a file.")},
    )

    def __init__(self, *args: Any, parties: Any, too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.too_large = too_large
        self.fields["party"].queryset = parties  # type: ignore[attr-defined]
        if not parties.exists():
            del self.fields["party"]
        if too_large:
            self.fields["file"].error_messages["required"] = _t("The file is larger than 10 MB. Send a smaller copy.")


class ReviewForm(forms.Form):
    """An officer's decision. Nothing is preselected."""

    size_class = forms.ChoiceField(
        label=_("Which size do you decide?"),
        choices=[(one.value, one.label) for one in SmeAssessment.SizeClass if one != SmeAssessment.SizeClass.REVIEW],
        widget=ChoiceCards(),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=4000,
        help_text=_("The company reads it. Name the article and the paper that you rest on."),
        widget=forms.Textarea(attrs={"rows": 5}),
    )


def _plain(share: Any) -> str:
    return f"{share.normalize():f}"


def _sentence_case(words: str) -> str:
    return words[:1].upper() + words[1:]
