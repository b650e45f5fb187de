"""The places a draft's run could go to, ranked by the published rules, on the cards of the form and on a page."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from jobs.matching import selectors
from jobs.matching.facts import Need, Ranking
from jobs.matching.rules import rank
from jobs.matching.table import Table, facts_of, published, table_of
from jobs.wizard.drafts import Draft
from models_hub.recipes import Place
from models_hub.recipes.settings import request_for
from portal.ui.widgets import ChoiceCards


@dataclass(frozen=True)
class Comparison:
    ranking: Ranking
    weights: Mapping[str, int]
    places: tuple[Place, ...]

    def table(self, *, everything: bool = False) -> Table:
        return table_of(self.ranking, self.weights, everything=everything)

    @property
    def published(self) -> list[dict[str, Any]]:
        return published(self.weights)

    @property
    def best(self) -> str:
        """The wizard's key of the best place that can be chosen; empty where none can."""
        usable: dict[str, Place] = {}
        for place in self.places:
            key = str(place.partition.pk)
            if not place.off and (key not in usable or place.available_seconds > usable[key].available_seconds):
                usable[key] = place
        return next((usable[one.offer.key].key for one in self.ranking.ranked if one.offer.key in usable), "")

    def describe(self, form: forms.Form) -> None:
        """Puts each place's rank and the words of its scores, or what stands in its way, on its card."""
        widget = form.fields["place"].widget
        if not isinstance(widget, ChoiceCards):
            return
        found = facts_of(self.ranking)
        best = self.best
        for place in self.places:
            said, option = found.get(str(place.partition.pk)), widget.describe.get(place.key)
            if said is None or option is None or option.off:
                continue
            if said["reasons"]:
                widget.describe[place.key] = replace(option, description=" ".join(said["reasons"]))
                continue
            words = said["words"]
            facts = [("clock", words["start"])] if "start" in words else []
            facts += [("lightning-charge", words["carbon"])] if "carbon" in words else []
            tag = _("Best match") if place.key == best else option.tag
            widget.describe[place.key] = replace(
                option, facts=(*option.facts, *facts), tag=tag, tone="ok" if place.key == best else option.tone
            )


def compare(draft: Draft, training: Mapping[str, Any], *, at: datetime) -> Comparison:
    """By the answers so far, with the training step's as given."""
    context, recipe = draft.context, draft.recipe
    answers = {**draft.answers, "training": training}
    place = context.place(answers) or next(iter(context.places), None)
    run = None
    settings = recipe.settings(answers, context)
    if context.ready and place is not None:
        run = request_for(settings, context, place)
    need = Need(
        recipe=getattr(recipe, "runs_as", "") or recipe.code,
        model=context.model.slug if context.model else "",
        run=run,
        corrections={
            str(pk): found for (pk, method), found in context.corrections.items() if method == settings.method
        },
        gpus=settings.gpus,
        residency=frozenset(context.dataset.residency) if context.dataset else frozenset(),
        eligible=True,
        sector=draft.row.organisation.nace_code,
        language=draft.user.language,
        needs_hours=True,
    )
    weights = selectors.weights()
    offers = selectors.offers(need, at=at, organisation=draft.row.organisation)
    return Comparison(rank(need, offers, weights), weights, context.places)
