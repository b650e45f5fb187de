"""Recipes: the ways of making a model that the wizard offers, in this order. A new one is one file and one line."""

from models_hub.recipes.base import STEPS, Answers, Context, Place, Recipe, TokenProfile, Variant
from models_hub.recipes.chat import ChatRecipe
from models_hub.recipes.classification import ClassificationRecipe
from portal.kernel.registry import Registry

RECIPES: Registry[Recipe] = Registry(
    "recipes",
    (
        ClassificationRecipe(),
        ChatRecipe(),
    ),
)

__all__ = ["RECIPES", "STEPS", "Answers", "Context", "Place", "Recipe", "TokenProfile", "Variant"]
