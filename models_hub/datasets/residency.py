"""Where data may go: the countries whose sites may receive it. Kept to at matching, at submission, at lease and by the
agent itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, countries
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from catalog.models import Site
from models_hub.models import Dataset
from models_hub.states import DatasetState
from portal.kernel.errors import DomainError


def may_go_to(dataset: Dataset, places: Iterable[str]) -> bool:
    """Whether a site in these countries (all of them) may receive the data. No list means everywhere."""
    return not dataset.residency or set(places) <= set(dataset.residency)


def allowed_words(dataset: Dataset) -> str:
    """ "Finland, Slovenia" for people; "" where the data may go everywhere."""
    return ", ".join(sorted(countries.name(code) for code in dataset.residency))


def refusal(dataset: Dataset, site: Site) -> DomainError:
    """What is said when a site may not receive the data."""
    return DomainError(
        "residency",
        _(
            "The data set “%(name)s” may only go to %(allowed)s, and %(site)s is in %(country)s. "
            "Choose another site, or change on the data's page where it may go."
        )
        % {
            "name": dataset.name,
            "allowed": allowed_words(dataset),
            "site": site.name,
            "country": countries.name(site.country),
        },
    )


@transaction.atomic
def set_residency(*, dataset: Dataset, allowed: Collection[str], actor: User) -> Dataset:
    """Says to which countries the data may go; none named means everywhere.

    Refused while a run that has not ended is at a site outside: what was sent cannot be called back by a tick.
    """
    require(actor, Action.MANAGE_DATA, organisation=dataset.organisation)
    wanted = sorted({code.upper() for code in allowed})
    row = Dataset.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=dataset.pk)
    if row.state == DatasetState.DELETED:
        raise DomainError("dataset_gone", _("This data set was deleted."), status=404)
    elsewhere = row.jobs.unfinished().select_related("site")
    outside = elsewhere.exclude(site__country__in=wanted).first() if wanted else None
    if outside is not None:
        raise DomainError(
            "residency_in_use",
            _("%(job)s uses this data at %(site)s and has not ended. Stop it first, or allow %(country)s.")
            % {
                "job": outside.reference,
                "site": outside.site.name,
                "country": countries.name(outside.site.country),
            },
            field="countries",
        )
    if wanted != row.residency:
        before, row.residency = row.residency, wanted
        row.save(update_fields=["residency"])
        audit.record(
            actor=actor,
            action="dataset.residency_set",
            target=row,
            organisation=row.organisation,
            before=before,
            after=wanted,
        )
    return row
