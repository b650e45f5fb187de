"""The questions of the interview about the size of a company, with why we ask and what counts."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.forms.organisation import AccountYearForm
from accounts.interview_wording import OWNERS
from accounts.services.interview import ALONE
from portal.kernel.web import plain_text
from portal.ui.widgets import DateInput

# A draft keeps what was typed, and nobody types a book.
LONGEST_ANSWER = 500
YES_NO = (("no", _("No")), ("yes", _("Yes")))


class Explained(forms.Form):
    """A form whose questions say why they are asked (`why`) and what counts (`counts`)."""

    why: dict[str, str | Promise] = {}
    counts: dict[str, str | Promise] = {}
    # Questions that only matter after "yes" to the one before; the page hides them until then.
    only_after_yes: frozenset[str] = frozenset()

    def questions(self) -> Iterator[tuple[BoundField, str | Promise, str | Promise, bool]]:
        """(field, why we ask, what counts, only after yes) in order."""
        for bound in self.visible_fields():
            name = bound.name
            yield bound, self.why.get(name, ""), self.counts.get(name, ""), name in self.only_after_yes

    def kept(self) -> dict[str, Any]:
        """What was given, as JSON values, whether or not it is complete: the draft."""
        found: dict[str, Any] = {}
        for name, field in self.fields.items():
            given = field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
            if isinstance(given, str):
                given = plain_text(given, longest=LONGEST_ANSWER)
            elif isinstance(given, list):
                given = [plain_text(one, longest=LONGEST_ANSWER) for one in given]
            if given not in (None, "", []):
                found[name] = given
        return found


class OwnersForm(Explained):
    owners = forms.MultipleChoiceField(
        label=_("Who holds 25% or more of your company?"),
        choices=OWNERS,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Of the capital or of the votes, whichever is more. Tick all that apply."),
        error_messages={"required": _("Tick at least one answer. If nobody holds that much, tick “Nobody”.")},
    )
    why = {
        "owners": _(
            "A company that belongs to a large group is not small, however few people it employs. From 25% on, the law "
            "looks at the owner too (Articles 3 and 6 of the SME definition)."
        )
    }
    counts = {
        "owners": _(
            "Add up what relatives or partners hold who decide together. Count shares held through another company of "
            "the same owner. A person's shares alone never make your company bigger; the person's other companies may."
        )
    }

    def clean_owners(self) -> list[str]:
        given: list[str] = self.cleaned_data["owners"]
        if len(given) > 1 and ALONE & set(given):
            raise forms.ValidationError(
                _t("“Nobody” and “we cannot know” stand alone. Take them out, or take the other answers out.")
            )
        return given


class HoldingsForm(Explained):
    holds = forms.ChoiceField(
        label=_("Does your company hold 25% or more of another company?"), choices=YES_NO, widget=forms.RadioSelect
    )
    control = forms.ChoiceField(
        label=_("Is there control by other means than shares?"),
        choices=YES_NO,
        widget=forms.RadioSelect,
        help_text=_("Somebody else over your company, or your company over another one."),
    )
    why = {
        "holds": _("Staff and turnover of daughters count with yours: in full from control on, else by your share."),
        "control": _(
            "A contract can bind a company as tightly as shares do; the law treats both alike (Article 3(3))."
        ),
    }
    counts = {
        "holds": _("Direct holdings, and those of your daughters. Holdings below 25% count only with control."),
        "control": _(
            "The right to appoint or remove most of the board; a contract or articles that give a dominant influence; "
            "an agreement among owners that gives one of them the majority of votes. Loans and big customers do not."
        ),
    }


class ChangesForm(Explained):
    changed = forms.ChoiceField(
        label=_("Did the company change hands in the last three years?"),
        choices=YES_NO,
        widget=forms.RadioSelect,
        help_text=_("Bought, merged, split, or a new majority owner, for good."),
    )
    changed_on = forms.DateField(
        label=_("On which day did the latest change take effect?"), required=False, widget=DateInput()
    )
    only_after_yes = frozenset({"changed_on"})
    why = {
        "changed": _(
            "Normally a company changes its size class only after two years in a row. After a change of ownership, "
            "lawyers disagree; then a person looks at it with you."
        )
    }
    counts = {"changed": _("New investors without control do not count, nor does a new legal form.")}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("changed") == "yes" and not data.get("changed_on") and "changed_on" not in self.errors:
            self.add_error("changed_on", _t("Enter the day from the contract or the register."))
        return data


class FiguresForm(AccountYearForm, Explained):
    why = {
        "year_end": _("The law uses the latest approved accounts; two years are better, because it looks at two."),
        "headcount_awu": _("Staff decides first: 10, 50 and 250 are the limits."),
        "turnover_eur": _("Of turnover and balance sheet only one must stay below its limit."),
    }
    counts = {
        "year_end": _("An accounting year of another length: convert the figures to twelve months."),
        "headcount_awu": _(
            "Employees, seconded staff, owner-managers and partners who work in the company. Not apprentices, nor "
            "time on maternity or parental leave."
        ),
        "turnover_eur": _("Net, without VAT and other indirect taxes. Other currencies: at the year's average rate."),
        "balance_sheet_eur": _("The total of all assets. Other currencies: at the rate of the closing day."),
    }


class SignForm(forms.Form):
    name = forms.CharField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    position = forms.CharField(
        label=_("Your position"),
        max_length=120,
        help_text=_("For example managing director."),
        widget=forms.TextInput(attrs={"autocomplete": "organization-title"}),
    )
    confirmed = forms.BooleanField(
        label=_("I may sign for the company. What is stated here is complete and right to the best of my knowledge."),
        error_messages={"required": _("Tick the confirmation to sign.")},
    )
