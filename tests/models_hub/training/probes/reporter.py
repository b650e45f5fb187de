"""Feeds the trainer's callback with logs and histories by hand; prints how it judged them."""

import json
from types import SimpleNamespace
from typing import Any

from transformers import TrainerControl, TrainerState

from models_hub.training.failures import JobFailed
from models_hub.training.tuning import Reporter, planned_steps


def make_reporter(*, patience: int = 2) -> Reporter:
    written: list[Any] = []
    context = SimpleNamespace(
        spec=SimpleNamespace(train=SimpleNamespace(patience=patience)),
        events=SimpleNamespace(elapsed=1.0, write=lambda *_, **fields: written.append(fields)),
        energy=SimpleNamespace(joules=lambda: None),
        device=SimpleNamespace(peak_memory_mb=lambda: 1.0),
        written=written,
    )
    return Reporter(
        context=context, resumed_from=None, best_metric="eval_loss", greater_is_better=False, tokens_per_epoch=10
    )


def judged(history: list[dict[str, float]], **logs: float) -> str:
    state = TrainerState(global_step=7, max_steps=10, log_history=history)
    try:
        make_reporter().on_log(None, state, TrainerControl(), logs=logs)
    except JobFailed as failed:
        return failed.failure.value
    return "fine"


def out_of_patience(losses: list[float], patience: int) -> int | None:
    history = [{"step": step, "eval_loss": loss} for step, loss in enumerate(losses, 1)]
    return make_reporter(patience=patience)._patience_ran_out(TrainerState(log_history=history))


def train(**changes: Any) -> Any:
    return SimpleNamespace(**{"micro_batch": 4, "accumulation": 2, "epochs": 3.0} | changes)


first = [{"loss": 2.0}]
both = make_reporter()
both.on_log(
    None, TrainerState(global_step=1, max_steps=2, epoch=0.5), TrainerControl(), logs={"loss": 1.0, "epoch": 0.5}
)
print(
    json.dumps(
        {
            "nan": judged(first, loss=float("nan")),
            "inf": judged(first, eval_loss=float("inf")),
            "gradient": judged(first, loss=1.0, grad_norm=float("inf")),
            "far": judged(first, eval_loss=7.5),
            "worse": judged(first, eval_loss=6.5),
            "low_start": judged([{"loss": 0.1}], eval_loss=4.0),
            "epoch_once": both.context.written[0]["epoch"],
            "patience": [
                out_of_patience([3, 2, 1], 2),
                out_of_patience([3, 1, 2, 2], 2),
                out_of_patience([3, 1, 2, 0.5, 1, 1], 2),
                out_of_patience([1, 2, 3], 0),
                out_of_patience([1, 1, 1], 2),
            ],
            "steps": [
                planned_steps(train(), 16),
                planned_steps(train(), 17),
                planned_steps(train(epochs=0.1), 3),
                planned_steps(train(accumulation=1, epochs=1.5), 9),
            ],
        }
    )
)
