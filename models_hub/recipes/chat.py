"""A chat model that answers in the company's own way: LoRA, QLoRA or full training on conversations."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from models_hub.recipes.base import About, Answers, Variant
from models_hub.recipes.common import CommonRecipe
from models_hub.recipes.forms import DataForm, DefaultNumber, EvaluationForm, GoalForm, TrainingForm
from models_hub.recipes.settings import answered
from portal.ui.widgets import ChoiceCards, Option

METHODS = (
    Variant(
        value="lora",
        title=_("Add-on training (LoRA)"),
        description=_(
            "Trains a small add-on and leaves the base model unchanged. Close to full quality for most business tasks."
        ),
        recommended=True,
    ),
    Variant(
        value="qlora",
        title=_("Compact add-on training (QLoRA)"),
        description=_("Compresses the base model first, so that it fits on a smaller GPU. Takes somewhat longer."),
    ),
    Variant(
        value="full",
        title=_("Full training"),
        description=_(
            "Updates every weight. Choose this when the model must learn a new language or a specialist field."
        ),
    ),
)


class ChatTrainingForm(TrainingForm):
    method = forms.ChoiceField(
        label=_("How should the model learn?"),
        help_text=_("This decides how much memory you need and how long the run takes."),
        choices=[(variant.value, variant.title) for variant in METHODS],
        initial="lora",
        widget=ChoiceCards,
        error_messages={"required": _("Choose how the model should learn.")},
    )
    effort = forms.ChoiceField(
        label=_("How long should it train?"),
        help_text=_("One pass means that the model sees every example once."),
        choices=[("quick", _("Quick trial")), ("standard", _("Standard")), ("thorough", _("Thorough"))],
        initial="standard",
        widget=ChoiceCards(
            columns=3,
            describe={
                "quick": Option(description=_("About 300 examples once, to check that everything works.")),
                "standard": Option(description=_("As many passes as suit the size of your data. Right for most runs.")),
                "thorough": Option(description=_("Twice as many passes. Stops early if quality no longer improves.")),
            },
        ),
    )
    lora_rank = DefaultNumber(label=_("LoRA rank"), least="1", most="256", whole=True)
    lora_alpha = DefaultNumber(label=_("LoRA alpha"), least="1", most="1024", whole=True)
    lora_dropout = DefaultNumber(label=_("LoRA dropout"), least="0", most="0.5")

    advanced = (*TrainingForm.advanced, "lora_rank", "lora_alpha", "lora_dropout")
    field_order = ("method", "effort", "place", "gpus")


class ChatEvaluationForm(EvaluationForm):
    advanced = ("max_new_tokens",)
    max_new_tokens = DefaultNumber(
        label=_("Longest answer in tokens"),
        help_text=_("Empty means 64: enough for two or three sentences."),
        least="8",
        most="2048",
        whole=True,
    )


class ChatRecipe(CommonRecipe):
    code = "chat"
    about = About(
        title=_("A model that answers in our way"),
        summary=_(
            "Learns from conversations, or from questions and the answers you want: customer letters, reports, forms."
        ),
        icon="chat-left-text",
        dataset_kind="chat",
        model_tasks=frozenset({"text-generation"}),
        variant_field="method",
    )
    max_new_tokens = 64
    forms = {"goal": GoalForm, "data": DataForm, "training": ChatTrainingForm, "evaluation": ChatEvaluationForm}

    def variants(self) -> tuple[Variant, ...]:
        return METHODS

    def method(self, answers: Answers) -> str:
        return str(answered(answers, "training", "method", "lora"))
