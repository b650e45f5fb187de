"""Finding awards and verdicts by company, number, State, regime, reference, period, event and outcome."""

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import countries
from accounts.models import AidAssessment, AidAward
from accounts.state_aid.case import Outcome
from accounts.state_aid.wording import REGULATIONS
from portal.ui.widgets import DateInput

OUTCOMES: dict[str, str | Promise] = {
    Outcome.ALLOWED.value: _("Allowed"),
    Outcome.NEEDS_REVIEW.value: _("A person decided"),
    Outcome.REFUSED.value: _("Refused"),
}


def _any(label: Any, choices: Any) -> list[tuple[str, Any]]:
    return [("", label), *choices]


class LedgerForm(forms.Form):
    """What an auditor looks for. Everything may be left empty."""

    mark_optional = False

    q = forms.CharField(
        label=_("Company, number or reference"),
        help_text=_("Name, VAT number, EUID, reference of the award or its id"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    state = forms.ChoiceField(label=_("Granting State"), required=False)
    regime = forms.ChoiceField(label=_("Legal basis"), required=False)
    event = forms.ChoiceField(label=_("Event"), required=False, choices=_any(_("Every event"), AidAward.Event.choices))
    outcome = forms.ChoiceField(label=_("Verdict"), required=False, choices=_any(_("Every verdict"), OUTCOMES.items()))
    since = forms.DateField(label=_("Granted from"), required=False, widget=DateInput())
    until = forms.DateField(label=_("Granted to"), required=False, widget=DateInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["state"].choices = _any(_("Every State"), countries.choices_with_blank()[1:])  # type: ignore[attr-defined]
        self.fields["regime"].choices = _any(_("Every basis"), REGULATIONS.items())  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("The last day lies before the first. Choose a later one."))
        return cleaned

    def awards(self) -> QuerySet[AidAward]:
        """Rows that meet every filter, the newest first. Needs `is_valid()`."""
        rows = AidAward.objects.select_related("organisation", "assessment", "scheme").defer(
            "assessment__case", "assessment__verdict"
        )
        return _narrowed(rows, self.cleaned_data, on="granted_on").order_by("-created_at", "-pk")

    def verdicts(self) -> QuerySet[AidAssessment]:
        """Assessments that meet every filter, refused ones among them. Needs `is_valid()`."""
        rows = AidAssessment.objects.select_related("organisation")
        return _narrowed(rows, self.cleaned_data, on="on").order_by("-created_at", "-pk")

    @staticmethod
    def nothing() -> QuerySet[AidAward]:
        return AidAward.objects.none()

    @property
    def query(self) -> str:
        """The filters as they stand, for links and for the forms that act on the selection."""
        answer = QueryDict(mutable=True)
        for name in self.fields:
            if self.data.get(name):
                answer[name] = self.data[name]
        return answer.urlencode()


def _narrowed(rows: Any, wanted: dict[str, Any], *, on: str) -> Any:
    awards = rows.model is AidAward
    if words := wanted.get("q", "").strip():
        rows = rows.filter(_about(words, awards=awards))
    if state := wanted.get("state"):
        rows = rows.filter(granting_state=state) if awards else rows.filter(case__case__granting_state=state)
    if regime := wanted.get("regime"):
        rows = rows.filter(regime=regime)
    if (event := wanted.get("event")) and awards:
        rows = rows.filter(event=event)
    if outcome := wanted.get("outcome"):
        rows = rows.filter(assessment__outcome=outcome) if awards else rows.filter(outcome=outcome)
    if since := wanted.get("since"):
        rows = rows.filter(**{f"{on}__gte": since})
    if until := wanted.get("until"):
        rows = rows.filter(**{f"{on}__lte": until})
    return rows


def _about(words: str, *, awards: bool) -> Q:
    number = words.replace(" ", "")
    found = Q(organisation__legal_name__icontains=words)
    found |= Q(organisation__vat_number__iexact=number) | Q(organisation__euid__iexact=number)
    if awards:
        found |= Q(reference__istartswith=words)
    else:
        # A subquery, not a join: an assessment with several rows of awards is still listed once.
        found |= Q(pk__in=AidAward.objects.filter(reference__istartswith=words).values("assessment"))
    try:
        key = UUID(words)
    except ValueError:
        return found
    return found | (Q(award=key) | Q(assessment=key) if awards else Q(pk=key)) | Q(organisation=key)
