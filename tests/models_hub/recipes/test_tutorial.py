"""The recipe of the tutorial is a recipe: what docs/recipes.md shows is run here."""

import re
from pathlib import Path

import pytest

from models_hub.recipes import RECIPES, STEPS
from models_hub.recipes.forms import StepForm
from models_hub.specs import Method, Recipe
from portal.kernel.registry import Registry
from tests.models_hub.recipes.test_contract import answers_for, make_context

TUTORIAL = Path(__file__).parents[3] / "docs" / "recipes.md"


@pytest.fixture
def recipe():
    blocks = re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), re.DOTALL)
    names = {"__name__": "tutorial"}
    exec(blocks[0], names)  # noqa: S102
    return names["TermsRecipe"]()


def test_it_stands_beside_ours(recipe):
    assert len(Registry("recipes", (*RECIPES, recipe))) == len(RECIPES) + 1


def test_it_has_a_form_for_every_step(recipe):
    assert all(issubclass(recipe.form(step), StepForm) for step in STEPS)


@pytest.mark.django_db
def test_its_answers_compile_to_a_spec(recipe):
    spec = recipe.compile(answers_for(recipe, effort="thorough"), make_context(recipe))
    assert (spec.recipe, spec.method) == (Recipe.CHAT, Method.LORA)
    assert spec.evaluation.max_new_tokens == 256
