"""The estimator for visitors: honest numbers before anybody signs in, with and without scripts."""

from decimal import Decimal

import pytest
from django.urls import reverse

from catalog.models import FoundationModel, Partition
from catalog.seeding import seed_catalogue
from jobs.dashboard.public_estimate import SIZES
from models_hub.recipes import RECIPES
from tests.factories import make_foundation_model

pytestmark = pytest.mark.django_db
PUBLIC = 6


@pytest.fixture
def catalogue():
    seed_catalogue(demonstration=True)


def ask(client, htmx=False, **query):
    headers = {"HX-Request": "true"} if htmx else {}
    return client.get(reverse("jobs:estimate_public"), query, headers=headers)


@pytest.mark.parametrize("recipe", list(SIZES))
@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_every_size_has_a_model_its_recipe_can_train(client, catalogue, recipe, size):
    found = ask(client, recipe=recipe, rows="2000", size=size).context["found"]
    assert found.model.slug == SIZES[recipe][size]
    assert found.model.task in RECIPES[recipe].about.model_tasks
    assert found.best.panel.estimate.fits


def test_larger_models_take_more_hours(client, catalogue):
    hours = [
        ask(client, recipe="chat", rows="2000", size=size).context["found"].best.panel.estimate.flops.value
        for size in ("small", "medium", "large")
    ]
    assert hours == sorted(hours)


def test_the_page_works_before_anything_was_asked(client, catalogue):
    page = ask(client)
    assert page.status_code == 200
    assert page.context["found"].model.slug == "eurollm-9b-instruct"
    assert "EuroLLM 9B Instruct" in page.content.decode()


def test_htmx_gets_the_answer_alone(client, catalogue):
    page = ask(client, htmx=True, recipe="chat", rows="500", size="small").content.decode()
    assert "<html" not in page and "EuroLLM 1.7B Instruct" in page


def test_a_model_can_be_named(client, catalogue):
    found = ask(client, model="multilingual-e5-large").context["found"]
    assert (found.model.slug, found.recipe.code) == ("multilingual-e5-large", "classify")


def test_the_hardware_is_the_most_modest_that_holds_it(client, catalogue):
    found = ask(client, recipe="chat", rows="2000", size="large").context["found"]
    used = found.best.panel.place.partition
    smaller = Partition.objects.filter(bf16_tflops__lt=used.bf16_tflops, gpu_type__startswith="A100")
    need = found.best.panel.estimate.memory.total.value
    assert all(float(partition.gpu_memory_gb) < need for partition in smaller)


def test_the_value_follows_from_hours_and_rate(client, catalogue):
    panel = ask(client).context["found"].best.panel
    expected = Decimal(str(panel.estimate.gpu_hours.likely)) * panel.place.eur_per_gpu_hour
    assert abs(panel.worth - expected) < Decimal("0.006")


@pytest.mark.parametrize("rows", ["", "many", "-5", "3", "99999999999"])
@pytest.mark.parametrize("htmx", [True, False])
def test_a_number_that_cannot_be_is_told(client, catalogue, rows, htmx):
    page = ask(client, htmx=htmx, recipe="chat", rows=rows, size="small")
    assert page.status_code == 422
    assert page.context["found"] is None
    assert b"Enter" in page.content


def test_a_model_nobody_can_train_is_told(client, catalogue):
    assert b"We cannot estimate Whisper small yet" in ask(client, model="whisper-small").content


def test_a_model_without_a_shape_is_told(client, catalogue):
    model = make_foundation_model(layers=None)
    assert b"We cannot estimate" in ask(client, model=model.slug).content


def test_an_empty_catalogue_is_told(client):
    FoundationModel.objects.all().delete()
    assert b"nothing to estimate with" in ask(client).content


def test_it_stays_within_the_budget_of_a_public_page(client, catalogue, django_assert_max_num_queries):
    with django_assert_max_num_queries(PUBLIC):
        ask(client, recipe="chat", rows="2000", size="large")


def test_the_landing_page_offers_it(client, catalogue, django_assert_max_num_queries):
    with django_assert_max_num_queries(PUBLIC):
        page = client.get("/").content.decode()
    assert 'name="rows"' in page and reverse("jobs:estimate_public") in page
