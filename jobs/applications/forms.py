"""The request form. A draft may be incomplete, so nothing is required here; sending asks for completeness."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.html import escape
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.forms.amounts import AmountField
from accounts.models import AidScheme
from catalog.models import AccessMode, FoundationModel, Partition, Site
from catalog.models.site import SiteQuerySet
from jobs.applications import basis
from jobs.applications.questions import HIGH_RISK, PROHIBITED, TRANSPARENCY
from jobs.models import Application
from portal.ui.widgets import DateInput, NumberText

YES_NO = ((True, _("Yes")), (False, _("No")))


def _yes_no(value: Any) -> bool | None:
    return {"True": True, "False": False}.get(str(value))


class PartitionChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.site} · {obj}"


def _places_of(mode: AccessMode) -> SiteQuerySet:
    """The sites that take part in this way of access, whether or not they take work now."""
    sites = Site.objects.all()
    if mode.decided_by == AccessMode.DecidedBy.POLICY:
        sites = sites.filter(offers_starter=True)
    return sites.filter(access_modes=mode) if mode.sites.exists() else sites


def _about_places(paused: Iterable[Site], *, any_offered: bool) -> str:
    """Why a place that one may look for is not there to choose."""
    names = ", ".join(site.name for site in paused)
    if any_offered:
        return _("Takes no new work at present: %(sites)s.") % {"sites": names} if names else ""
    if names:
        return _("%(sites)s: no new work at present. Save the draft and come back later; your answers are kept.") % {
            "sites": names
        }
    return _("No connected site offers this way of access yet. Save the draft, or choose another way.")


class ApplicationForm(forms.Form):
    """All questions of a request; a policy mode leaves out what its terms fix."""

    mark_optional = False

    title = forms.CharField(label=_("Short name of the project"), max_length=120, required=False)
    purpose = forms.CharField(
        label=_("What do you want to do?"),
        help_text=_("Two or three sentences are enough: which task, which data, what the model should do better."),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=4000,
        required=False,
    )
    benefit = forms.CharField(
        label=_("What will it change for your company?"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        required=False,
    )
    partition = PartitionChoice(
        label=_("Where should it run?"),
        queryset=Partition.objects.none(),
        widget=forms.RadioSelect,
        empty_label=None,
        required=False,
    )
    base_model = forms.ModelChoiceField(
        label=_("Which model do you want to start from?"),
        help_text=_("Leave empty if you do not know yet."),
        queryset=FoundationModel.objects.all(),
        to_field_name="slug",
        required=False,
    )
    rows = forms.IntegerField(
        label=_("How many examples will you train on?"), min_value=1, max_value=100_000_000, required=False
    )
    tokens_per_row = forms.IntegerField(
        label=_("How long is one example, in words?"),
        help_text=_("A short e-mail has about 100 words."),
        min_value=1,
        max_value=100_000,
        required=False,
    )
    runs = forms.IntegerField(
        label=_("How many training runs do you plan?"),
        help_text=_("Most projects need three to five."),
        min_value=1,
        max_value=1000,
        required=False,
    )
    gpu_hours = forms.IntegerField(label=_("GPU-hours you ask for"), min_value=1, max_value=10_000_000, required=False)
    months = forms.TypedChoiceField(
        label=_("For how long?"), coerce=int, empty_value=None, widget=forms.RadioSelect, required=False
    )
    starts_on = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}), required=False)

    works_start_on = forms.DateField(
        label=_("When does the work begin?"),
        help_text=_(
            "The first binding order or the first working day of the project. Under a published scheme it must lie "
            "after the day you send this request."
        ),
        widget=DateInput(),
        required=False,
    )
    costs_name = forms.CharField(
        label=_("Costs that the time pays for"),
        help_text=_("A short name. If other public money pays for the same costs, use the name of your declaration."),
        max_length=80,
        required=False,
    )
    costs_total_eur = AmountField(
        label=_("These costs in all, in EUR"),
        help_text=_("With the value of the machine time. Leave empty if the time is not tied to certain costs."),
        required=False,
    )
    costs_union_rate = forms.DecimalField(
        label=_("Highest share that a Union programme pays of them, in per cent"),
        help_text=_("Only if Union money pays for the same costs."),
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        localize=True,
        widget=NumberText(decimal=True),
        required=False,
    )

    data_sources = forms.CharField(
        label=_("Where does your data come from, and may you use it?"),
        help_text=_("For example: our own customer messages of 2024 and 2025; public texts under CC BY."),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        required=False,
    )
    personal_data = forms.TypedChoiceField(
        label=_("Does it contain personal data?"),
        help_text=_("Names, addresses, e-mails, or anything that tells who a person is."),
        choices=YES_NO,
        coerce=_yes_no,
        empty_value=None,
        widget=forms.RadioSelect,
        required=False,
    )
    special_categories = forms.BooleanField(
        label=_("It also tells of health, belief, politics, origin or sexual life"), required=False
    )
    opt_outs = forms.BooleanField(
        label=_("Texts of others are used only where their owners did not reserve text and data mining"), required=False
    )
    prohibited = forms.MultipleChoiceField(
        label=_("Will the model be used for any of these?"),
        help_text=_("European law forbids them. Tick what applies; most projects tick nothing."),
        choices=PROHIBITED,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    high_risk = forms.MultipleChoiceField(
        label=_("Will it help decide in one of these areas?"),
        help_text=_("Allowed, but with duties that begin on 2 December 2027. A person will look at it with you."),
        choices=HIGH_RISK,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    transparency = forms.MultipleChoiceField(
        label=_("Who meets the result?"),
        help_text=_("People must be told when they talk to, or read the work of, a machine."),
        choices=TRANSPARENCY,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    ai_act_confirm = forms.BooleanField(
        label=_("I answered these questions for the whole project and will tell the helpdesk if the use changes"),
        required=False,
    )

    SUPPORT = ("works_start_on", "costs_name", "costs_total_eur", "costs_union_rate")
    FIXED_BY_POLICY = ("benefit", "base_model", "rows", "tokens_per_row", "runs", "gpu_hours", "months", "starts_on")

    def __init__(self, *args: Any, mode: AccessMode, on: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mode = mode
        self.by_policy = mode.decided_by == AccessMode.DecidedBy.POLICY
        places = _places_of(mode)
        sites = places.connected()
        offered = Partition.objects.filter(site__in=sites).select_related("site__aid_scheme")
        self.fields["partition"].queryset = offered  # type: ignore[attr-defined]
        paused = places.filter(status=Site.Status.DRAINING).order_by("name")
        # Hints may hold markup of ours; the name of a site is none.
        self.fields["partition"].help_text = escape(_about_places(paused, any_offered=offered.exists()))
        self.fields["base_model"].queryset = FoundationModel.objects.order_by("name")  # type: ignore[attr-defined]
        self.fields["months"].choices = [(m, _month_words(m)) for m in mode.months]  # type: ignore[attr-defined]
        if self.by_policy:
            for name in self.FIXED_BY_POLICY:
                del self.fields[name]
        # Asked only where a site within reach grants time under a published scheme.
        self.asks_support = sites.filter(aid_scheme__isnull=False).exists()
        if not self.asks_support:
            for name in self.SUPPORT:
                del self.fields[name]
        self.scheme = self._scheme() if self.asks_support else None
        self.asked_by_scheme = basis.fields_for(self.scheme, on=on)
        self.fields.update(self.asked_by_scheme)

    def _scheme(self) -> AidScheme | None:
        """What the chosen site grants under; None while none is chosen."""
        chosen = self.data.get("partition") if self.is_bound else self.initial.get("partition")
        try:
            partition = self.fields["partition"].clean(chosen)
        except forms.ValidationError:
            return None
        return partition.site.aid_scheme if partition else None

    @property
    def scheme_fields(self) -> list[Any]:
        return [self[name] for name in self.asked_by_scheme]

    @property
    def asks_more(self) -> bool:
        """Whether the site chosen just now asks what the page did not show yet."""
        return bool(self.asked_by_scheme) and self.is_bound and self.data.get("asked_for") != str(self.scheme_id)

    @property
    def scheme_id(self) -> Any:
        return self.scheme.pk if self.scheme else ""

    def answers(self) -> dict[str, Any]:
        """What was understood so far, under the names of Application's fields. Faulty fields are left as they were."""
        cleaned = self.cleaned_data
        found: dict[str, Any] = {
            name: cleaned[name]
            for name in ("title", "purpose", "benefit", "base_model", "gpu_hours", "months", "starts_on")
            if name in cleaned
        }
        if cleaned.get("partition"):
            found["partition"] = cleaned["partition"]
            found["site"] = cleaned["partition"].site
        if not self.by_policy:
            found["plan"] = {name: cleaned.get(name) for name in ("rows", "tokens_per_row", "runs")}
        if self.asks_support:
            found["public_support"] = {**_support(cleaned), **basis.said(cleaned, self.asked_by_scheme)}
        personal = cleaned.get("personal_data")
        found["data_declaration"] = {
            "sources": cleaned.get("data_sources", ""),
            "personal_data": personal,
            "special_categories": cleaned.get("special_categories", False),
            "opt_outs": cleaned.get("opt_outs", False),
            "answered": bool(cleaned.get("data_sources", "").strip()) and personal is not None,
        }
        found["ai_act"] = {
            "prohibited": cleaned.get("prohibited", []),
            "high_risk": cleaned.get("high_risk", []),
            "transparency": cleaned.get("transparency", []),
            "answered": cleaned.get("ai_act_confirm", False),
        }
        return found

    @staticmethod
    def initial_of(application: Application) -> dict[str, Any]:
        """The form's values as the draft holds them."""
        data, ai, support = application.data_declaration, application.ai_act, application.public_support
        costs = support.get("costs") or {}
        return {
            "title": application.title,
            "purpose": application.purpose,
            "benefit": application.benefit,
            "partition": application.partition_id,
            "base_model": application.base_model.slug if application.base_model else None,
            "gpu_hours": application.gpu_hours,
            "months": application.months,
            "starts_on": application.starts_on,
            **{name: application.plan.get(name) for name in ("rows", "tokens_per_row", "runs")},
            "works_start_on": support.get("works_start_on"),
            "costs_name": costs.get("name"),
            "costs_total_eur": _number(costs.get("total_eur")),
            "costs_union_rate": _number(costs.get("union_rate")),
            **basis.initial_of(support, application.organisation),
            "data_sources": data.get("sources", ""),
            "personal_data": data.get("personal_data"),
            "special_categories": data.get("special_categories", False),
            "opt_outs": data.get("opt_outs", False),
            "prohibited": ai.get("prohibited", []),
            "high_risk": ai.get("high_risk", []),
            "transparency": ai.get("transparency", []),
            "ai_act_confirm": ai.get("answered", False),
        }


def _support(cleaned: dict[str, Any]) -> dict[str, Any]:
    """What a legal basis asks of the project, as JSON values; what was left empty is not there."""
    named = {"name": "costs_name", "total_eur": "costs_total_eur", "union_rate": "costs_union_rate"}
    costs = {key: str(cleaned[name]) for key, name in named.items() if cleaned.get(name) not in (None, "")}
    starts = cleaned.get("works_start_on")
    return {**({"works_start_on": starts.isoformat()} if starts else {}), **({"costs": costs} if costs else {})}


def _number(said: str | None) -> Decimal | None:
    return Decimal(said) if said else None


def _month_words(months: int) -> str:
    return ngettext("%(n)s month", "%(n)s months", months) % {"n": months}
