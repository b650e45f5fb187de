"""Which models a site holds, and the tokenizers with which the portal counts exactly as the training will."""

import json
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from tokenizers import Tokenizer

from catalog.models import FoundationModel, Site, StoredModel
from portal.kernel.errors import DomainError

# Vocabularies of a quarter of a million words make files of some 30 MB.
MAX_TOKENIZER = 64 * 1024 * 1024


@transaction.atomic
def report_models(*, site: Site, models: list[dict[str, str]], at: datetime) -> None:
    """The site's store holds exactly these models. Those the catalogue does not know are left aside."""
    reported = {model["id"]: model["revision"] for model in models}
    known = {model.slug: model for model in FoundationModel.objects.filter(slug__in=reported)}
    StoredModel.objects.filter(site=site).exclude(model__in=known.values()).delete()
    for slug, model in known.items():
        stored, created = StoredModel.objects.get_or_create(
            site=site, model=model, defaults={"revision": reported[slug], "last_reported_at": at}
        )
        if created:
            continue
        changed = stored.revision != reported[slug]
        stored.revision, stored.last_reported_at = reported[slug], at
        if changed:
            # Another revision may have another tokenizer; the agent sends it again.
            stored.tokenizer_json, stored.tokenizer_config = None, {}
        stored.save()


def models_without_tokenizer(site: Site) -> list[str]:
    """Slugs whose tokenizer the portal still needs."""
    return list(
        StoredModel.objects.filter(site=site, tokenizer_json__isnull=True)
        .order_by("model__slug")
        .values_list("model__slug", flat=True)
    )


def store_tokenizer(*, site: Site, slug: str, content: bytes, config: dict[str, Any]) -> None:
    """Keeps a model's tokenizer and chat template, once it has been read: a broken one is refused."""
    stored = StoredModel.objects.filter(site=site, model__slug=slug).first()
    if stored is None:
        raise DomainError("model_unknown", _("Your site has not reported that model."), status=404)
    try:
        Tokenizer.from_str(content.decode())
    except Exception as error:
        raise DomainError("tokenizer_unreadable", _("This is not a tokenizer.json."), status=422) from error
    stored.tokenizer_json = content
    stored.tokenizer_config = json.loads(json.dumps(config))
    stored.save(update_fields=["tokenizer_json", "tokenizer_config"])
