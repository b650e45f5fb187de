"""The catalogue for everybody: models, sites, ways to access. No sign-in needed."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from catalog import names, selectors
from catalog.comparison import comparison
from catalog.forms import ModelFilterForm
from catalog.liveness import capacity_of, pulses
from catalog.models import FoundationModel, Site, StoredModel
from catalog.records import licences
from catalog.wording import AID_TREATMENT, METHODS, VERIFIED_FIELDS
from portal.kernel.clock import now, today

PAGE = 20
COMPARED = 3


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """All models, narrowed by filters and search."""
    form = ModelFilterForm(request.GET or None, facets=selectors.facets())
    wanted = form.wanted() if form.is_bound else {}
    page = Paginator(selectors.listed_models(wanted), PAGE).get_page(request.GET.get("page"))
    context = {
        "filters": form,
        "page": page,
        "rows": [selectors.ModelRow(model) for model in page],
        "narrowed": bool(wanted),
    }
    return render(request, "catalog/models.html", context)


@require_safe
def model(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything we know about one model, and where each fact comes from."""
    found = get_object_or_404(FoundationModel.objects.defer("search", "seeded"), slug=slug)
    stored = StoredModel.objects.filter(model=found).select_related("site").defer("tokenizer_json", "tokenizer_config")
    context: dict[str, Any] = {
        "model": found,
        "country": names.country(found.provider_country),
        "languages": names.languages(found.languages),
        "licence": licences().get(found.licence_spdx),
        "memory": [(*METHODS[precision], gb) for precision, gb in selectors.memory_of(found)],
        "verified_fields": [VERIFIED_FIELDS.get(name, name) for name in found.verified_fields],
        "stored": sorted(stored, key=lambda held: held.site.name),
        "can_tune": found.has_shape
        and found.task in (FoundationModel.Task.TEXT_GENERATION, FoundationModel.Task.EMBEDDING),
    }
    return render(request, "catalog/model.html", context)


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Up to three models side by side; the address holds the choice, so it can be shared."""
    asked = list(dict.fromkeys(request.GET.getlist("model")))
    known = {one.slug: one for one in FoundationModel.objects.filter(slug__in=[*asked][:20]).defer("search", "seeded")}
    chosen = [known[slug] for slug in asked if slug in known]
    others = FoundationModel.objects.exclude(slug__in=known).order_by("name").values_list("slug", "name")
    columns, rows = comparison(chosen[:COMPARED])
    context = {
        "chosen": chosen[:COMPARED],
        "left_out": chosen[COMPARED:],
        "others": others if len(chosen) < COMPARED else [],
        "columns": columns,
        "rows": rows,
    }
    return render(request, "catalog/compare.html", context)


@require_safe
def sites(request: HttpRequest) -> HttpResponse:
    """Every site on a map and in a list that says the same."""
    rows = selectors.site_rows(Site.objects.prefetch_related("partitions"), at=now())
    kinds = {
        "factories": (_("AI Factories"), {Site.Kind.AI_FACTORY}),
        "antennas": (_("Antennas"), {Site.Kind.ANTENNA}),
        "others": (_("Others"), {Site.Kind.NATIONAL, Site.Kind.CLOUD, Site.Kind.DEMONSTRATION}),
    }
    chosen = request.GET.get("kind", "")
    chips = [{"url": "?", "label": _("All"), "count": len(rows), "current": chosen not in kinds}]
    for code, (label, kind) in kinds.items():
        count = sum(row.site.kind in kind for row in rows)
        chips.append({"url": f"?kind={code}", "label": label, "count": count, "current": chosen == code})
    shown = [row for row in rows if chosen not in kinds or row.site.kind in kinds[chosen][1]]
    connected = [row for row in rows if row.connected]
    return render(request, "catalog/sites.html", {"rows": shown, "chips": chips, "connected": connected})


@require_safe
def site(request: HttpRequest, slug: str) -> HttpResponse:
    """One site: hardware, energy, who decides, what its hours are worth, how to get access."""
    day = today()
    found, linked = selectors.family_of(slug, on=day)
    if found is None:
        raise Http404
    live = found.status != Site.Status.KNOWN
    stored = StoredModel.objects.filter(site=found).select_related("model").only("model__slug", "model__name", "site")
    context = {
        "site": found,
        "country": names.country(found.country),
        "granting_state": names.country(found.granting_state),
        "pulse": pulses([found], at=now())[found.pk],
        "capacity": capacity_of(found, at=now()),
        "treatment": AID_TREATMENT[Site.Origin(found.resource_origin)],
        "partitions": list(found.partitions.all()),
        "modes": list(found.access_modes.open_on(day)) if live else [],
        "stored": sorted((held.model for held in stored), key=str) if live else [],
        "linked": linked,
    }
    return render(request, "catalog/site.html", context)


@require_safe
def access(request: HttpRequest) -> HttpResponse:
    """The ways to GPU-hours side by side: for whom, how much, who decides and by when."""
    return render(request, "catalog/access.html", {"rows": selectors.mode_rows(at=now())})
