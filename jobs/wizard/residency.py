"""Places where the chosen data may not go cannot be chosen, and say so."""

from collections.abc import Iterable
from dataclasses import replace

from django.utils.translation import gettext as _

from models_hub.datasets.residency import allowed_words, may_go_to
from models_hub.models import Dataset
from models_hub.recipes import Place


def within_residency(places: Iterable[Place], dataset: Dataset | None) -> tuple[Place, ...]:
    if dataset is None or not dataset.residency:
        return tuple(places)
    words = _("Your data may only go to %(allowed)s. Change that on the data's page, or choose another place.")
    return tuple(
        place
        if place.off or may_go_to(dataset, [place.partition.site.country])
        else replace(place, off=words % {"allowed": allowed_words(dataset)})
        for place in places
    )
