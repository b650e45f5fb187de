"""A run in a few plain numbers, before any data was uploaded, as the estimator's question."""

from catalog.models import FoundationModel
from models_hub.estimate import EstimateRequest, Hardware, Shape, cpu_slot

# An English or German word is about 1.4 tokens of today's European tokenizers; used only where no data was uploaded.
TOKENS_PER_WORD = 1.4
EPOCHS = 3


def planned_run(
    model: FoundationModel | None, *, rows: int | None, words_per_row: int | None, hardware: Hardware | None = None
) -> EstimateRequest | None:
    """LoRA (or the trained encoder) with three passes; None while model, its shape or the amount of data is missing.

    `hardware` may be left out where each place brings its own.
    """
    if not (model is not None and model.has_shape and rows and words_per_row):
        return None
    tokens = words_per_row * TOKENS_PER_WORD
    return EstimateRequest(
        shape=Shape.from_record(vars(model)),
        hardware=hardware or cpu_slot(),
        method="lora" if model.task == model.Task.TEXT_GENERATION else "encoder",
        rows=rows,
        mean_tokens=tokens,
        p95_tokens=int(tokens * 2),
        longest_tokens=int(tokens * 3),
        epochs=EPOCHS,
        max_length=min(model.context or 2048, max(128, int(tokens * 2))),
        gpus=1,
    )
