"""What every recipe must do, whoever wrote it: runs over RECIPES by itself."""

from dataclasses import replace
from decimal import Decimal

import pytest

from models_hub.recipes import RECIPES, STEPS, Context, Place, TokenProfile
from models_hub.recipes.forms import StepForm
from models_hub.specs import METHODS, JobSpec
from tests.factories import make_dataset, make_foundation_model, make_organisation, make_partition

pytestmark = pytest.mark.django_db


def make_context(recipe, **fields):
    """A ready context: a small model, 240 training rows and one place with ten hours left."""
    partition = make_partition()
    dataset = make_dataset(organisation=make_organisation(), kind=recipe.about.dataset_kind)
    place = Place(
        key="here",
        partition=partition,
        eur_per_gpu_hour=Decimal("2.20"),
        available_seconds=36_000,
        revision="r1",
    )
    values = {
        "model": make_foundation_model(task=sorted(recipe.about.model_tasks)[0]),
        "dataset": dataset,
        "parts": {part.name: part for part in dataset.parts.all()},
        "tokens": TokenProfile(mean=60, p95=120, longest=200),
        "places": (place,),
    }
    return Context(**{**values, **fields})


def answers_for(recipe, **training):
    return {
        "goal": {"goal": recipe.code, "name": "Our first run"},
        "training": {"place": "here", **training},
        "evaluation": {"samples": 5, "intended_use": "Sorting our own mail."},
    }


@pytest.fixture(params=RECIPES.codes())
def recipe(request):
    return RECIPES[request.param]


def test_every_step_has_a_form(recipe):
    assert all(issubclass(recipe.form(step), StepForm) for step in STEPS)


def test_variants_are_the_choices_of_a_training_question(recipe):
    field = recipe.form("training").base_fields[recipe.about.variant_field]
    assert [value for value, _ in field.choices] == [variant.value for variant in recipe.variants()]


def test_exactly_one_variant_is_recommended(recipe):
    assert sum(variant.recommended for variant in recipe.variants()) == 1


def test_every_variant_compiles_to_a_spec_that_a_site_accepts(recipe):
    context = make_context(recipe)
    for variant in recipe.variants():
        spec = recipe.compile(answers_for(recipe, **{recipe.about.variant_field: variant.value}), context)
        assert JobSpec.from_json(spec.to_json()) == spec
        assert spec.method in METHODS[spec.recipe]


def test_compiling_twice_gives_the_same_hash(recipe):
    context, answers = make_context(recipe), answers_for(recipe)
    assert recipe.compile(answers, context).spec_hash == recipe.compile(answers, context).spec_hash


def test_empty_answers_are_enough_for_settings_and_an_estimate(recipe):
    context = make_context(recipe)
    assert recipe.settings({}, context).steps > 0
    assert recipe.estimate({}, context).gpu_hours.likely > 0


def test_nothing_is_estimated_without_a_place(recipe):
    assert recipe.estimate({}, make_context(recipe, places=())) is None


def test_nothing_is_estimated_for_a_model_of_unknown_shape(recipe):
    model = make_foundation_model(task=sorted(recipe.about.model_tasks)[0], layers=None)
    assert recipe.estimate({}, make_context(recipe, model=model)) is None


def test_advanced_answers_reach_the_spec(recipe):
    answers = answers_for(recipe, learning_rate=0.00042, epochs=2.0, seed=7, max_length=128, patience=1)
    spec = recipe.compile(answers, make_context(recipe))
    assert (spec.train.learning_rate, spec.train.epochs, spec.seed) == (0.00042, 2.0, 7)
    assert (spec.train.max_length, spec.train.patience) == (128, 1)


def test_the_limit_lies_beyond_the_upper_end_of_the_estimate(recipe):
    context, answers = make_context(recipe), answers_for(recipe)
    limit = recipe.compile(answers, context).limits.max_seconds
    assert limit > recipe.estimate(answers, context).seconds.high


def test_the_limit_stays_within_the_hours_that_are_left(recipe):
    context = make_context(recipe)
    place = replace(context.places[0], available_seconds=900)
    spec = recipe.compile(answers_for(recipe), replace(context, places=(place,)))
    assert spec.limits.max_seconds <= 900


def test_the_spec_names_what_the_store_holds(recipe):
    assert recipe.compile(answers_for(recipe), make_context(recipe)).base_model.revision == "r1"


def test_the_run_checks_itself_several_times(recipe):
    settings = recipe.settings(answers_for(recipe), make_context(recipe))
    assert 2 <= settings.evaluations <= 50
    assert settings.save_every % settings.eval_every == 0


def test_rows_at_a_time_shrink_until_they_fit(recipe):
    context = make_context(recipe, tokens=TokenProfile(mean=3000, p95=4000, longest=4096))
    context = replace(context, model=make_foundation_model(
        task=sorted(recipe.about.model_tasks)[0], layers=42, hidden=4096, intermediate=12288, heads=32, kv_heads=8,
        head_dim=128, vocab=128000, context=4096, params=9_150_000_000,
    ))  # fmt: skip
    small = recipe.settings(answers_for(recipe), replace(context, tokens=TokenProfile(mean=20, p95=30, longest=40)))
    long = recipe.settings(answers_for(recipe), context)
    assert long.micro_batch <= small.micro_batch
    assert long.micro_batch * long.accumulation == small.micro_batch * small.accumulation
