"""The places a request could ask for, ranked by the published rules for what the draft says so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Case, IntegerField, Value, When
from django.utils.translation import gettext as _

from jobs.matching import selectors
from jobs.matching.facts import Need, Ranking
from jobs.matching.plans import planned_run
from jobs.matching.rules import rank
from jobs.matching.table import Table, facts_of, published, table_of
from jobs.models import Application
from portal.ui.widgets import ChoiceCards, Option


@dataclass(frozen=True)
class Comparison:
    ranking: Ranking
    weights: Mapping[str, int]

    def table(self, *, everything: bool = False) -> Table:
        return table_of(self.ranking, self.weights, everything=everything)

    @property
    def published(self) -> list[dict[str, Any]]:
        return published(self.weights)

    def describe(self, form: forms.Form) -> None:
        """The form's places in the order of their points, each card with its reasons. What cannot do it now can still
        be asked for: the helpdesk may have a model added, and says so."""
        field = form.fields["partition"]
        found = facts_of(self.ranking)
        last = len(found) + 1
        order = Case(
            *(When(pk=int(key), then=Value(said["rank"] or last)) for key, said in found.items()),
            default=Value(last),
            output_field=IntegerField(),
        )
        field.queryset = field.queryset.order_by(order, "site__name", "name")  # type: ignore[attr-defined]
        # Set on the bound widget: cards instead of plain circles.
        field.widget = ChoiceCards(describe={key: _option(said) for key, said in found.items()})
        field.widget.choices = field.choices  # type: ignore[attr-defined]


def _option(said: Mapping[str, Any]) -> Option:
    if said["reasons"]:
        return Option(description=" ".join(said["reasons"]), tag=_("Not possible now"), tone="warn")
    icons = {
        "start": "clock", "carbon": "lightning-charge", "price": "cash-coin", "language": "translate",
        "sector": "building",
    }  # fmt: skip
    facts = [(icons[code], words) for code, words in said["words"].items()]
    best = said["rank"] == 1
    return Option(facts=facts, tag=_("Best match") if best else "", tone="ok" if best else "")


def compare(application: Application, *, language: str, at: datetime) -> Comparison:
    plan, model = application.plan, application.base_model
    need = Need(
        model=model.slug if model else "",
        run=planned_run(model, rows=plan.get("rows"), words_per_row=plan.get("tokens_per_row")),
        runs=plan.get("runs") or 1,
        eligible=selectors.is_eligible(application.organisation),
        sector=application.organisation.nace_code,
        language=language,
        mode=application.mode.code,
    )
    weights = selectors.weights()
    offers = selectors.offers(need, at=at, organisation=application.organisation, mode=application.mode)
    return Comparison(rank(need, offers, weights), weights)
