"""Seeding the catalogue: complete, repeatable, and careful with what people have edited."""

from collections import Counter
from datetime import date
from decimal import Decimal
from hashlib import sha256

import pytest

from catalog.models import AccessMode, FoundationModel, Partition, RateCard, Site
from catalog.seeding import seed_catalogue
from tests.factories import make_rate

pytestmark = pytest.mark.django_db


def test_every_ai_factory_and_antenna_is_listed_as_known():
    seed_catalogue(demonstration=False)
    kinds = Counter(Site.objects.values_list("kind", flat=True))
    assert kinds[Site.Kind.AI_FACTORY] == 19
    assert kinds[Site.Kind.ANTENNA] == 13
    assert set(Site.objects.values_list("status", flat=True)) == {Site.Status.KNOWN}


def test_the_demonstration_site_exists_only_where_it_is_wanted():
    seed_catalogue(demonstration=False)
    assert not Site.objects.filter(slug="local").exists()
    seed_catalogue(demonstration=True)
    local = Site.objects.get(slug="local")
    assert local.is_connected and local.offers_starter
    rate = local.partitions.get().rate_cards.get()
    assert (rate.method, rate.eur_per_gpu_hour) == (RateCard.Method.DEMONSTRATION, Decimal("0.5000"))


def test_a_second_seed_changes_nothing():
    seed_catalogue(demonstration=True)
    again = seed_catalogue(demonstration=True)
    assert not again.created and not again.updated and not again.kept


def test_every_kind_of_hardware_has_a_rate_with_its_evidence():
    seed_catalogue(demonstration=True)
    for partition in Partition.objects.all():
        card = partition.rate_cards.get()
        assert card.evidence and card.eur_per_gpu_hour > 0


def test_what_an_administrator_edited_survives_the_next_seed():
    seed_catalogue(demonstration=False)
    Site.objects.filter(slug="lumi-ai-factory").update(pue=Decimal("1.05"))
    report = seed_catalogue(demonstration=False)
    assert Site.objects.get(slug="lumi-ai-factory").pue == Decimal("1.05")
    assert report.kept == ["Site LUMI AI Factory: pue"]


def test_new_facts_reach_the_fields_nobody_edited():
    seed_catalogue(demonstration=False)
    model = FoundationModel.objects.get(slug="qwen3-8b")
    # As if an older record had been seeded: another context then, and a summary that a person rewrote since.
    model.seeded |= {"context": 1024}
    model.context, model.summary = 1024, "Our own words"
    model.save()
    seed_catalogue(demonstration=False)
    model.refresh_from_db()
    assert (model.context, model.summary) == (40960, "Our own words")


def test_a_model_added_by_a_person_is_never_overwritten():
    FoundationModel.objects.create(
        slug="phi-4", name="Ours", task=FoundationModel.Task.OTHER, provider="We", licence_spdx="MIT"
    )
    seed_catalogue(demonstration=False)
    assert FoundationModel.objects.get(slug="phi-4").name == "Ours"


def test_a_rate_set_by_administrators_stays_the_one_in_force():
    seed_catalogue(demonstration=False)
    partition = Partition.objects.get(name="vega-gpu")
    make_rate(partition, "9", valid_from=date(2026, 6, 1))
    seed_catalogue(demonstration=False)
    assert RateCard.objects.valid_on(date(2026, 11, 21)).get(partition=partition).eur_per_gpu_hour == Decimal("9")
    assert partition.rate_cards.count() == 2


def test_seeded_rates_arrive_approved_with_their_source_and_its_checksum():
    seed_catalogue(demonstration=True)
    for card in RateCard.objects.all():
        assert card.state == "approved"
        assert card.evidence_sha256 == sha256(card.evidence.encode()).hexdigest()


def test_starter_and_playground_are_open_at_the_demonstration_site():
    seed_catalogue(demonstration=True)
    for code in ("starter", "playground"):
        assert [site.slug for site in AccessMode.objects.get(code=code).sites.all()] == ["local"]


def test_models_are_found_by_the_name_of_a_language():
    seed_catalogue(demonstration=False)
    found = set(FoundationModel.objects.search("Polish").values_list("slug", flat=True))
    assert {"bielik-11b-instruct", "pllum-12b-instruct", "eurollm-9b-instruct"} <= found
    assert "minerva-7b-instruct" not in found
