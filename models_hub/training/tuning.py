"""What both recipes share when they train with the transformers Trainer: its settings, its diary, its end.

The reporter turns the trainer's callbacks into our events and decides when to end: on request, when the time is up,
when the validation metric has stopped improving, when the loss is no longer a number. What it needs to know after a
resume it reads from the trainer's own state, which each checkpoint carries.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from models_hub.specs import Failure, Train
from models_hub.training.checkpoints import mark_complete
from models_hub.training.context import Context
from models_hub.training.failures import JobFailed

_TRAIN_LOGS = ("loss", "learning_rate", "grad_norm")
_EVAL_LOGS = {
    "eval_loss": "validation_loss",
    "eval_accuracy": "validation_accuracy",
    "eval_macro_f1": "validation_macro_f1",
}


def planned_steps(train: Train, rows: int) -> int:
    """Optimiser steps of the whole run, as the trainer counts them."""
    batches = math.ceil(rows / train.micro_batch)
    return max(1, math.ceil(train.epochs * max(1, math.ceil(batches / train.accumulation))))


def trainer_settings(context: Context, *, rows: int, best: str, greater_is_better: bool) -> dict[str, Any]:
    """Arguments that TrainingArguments and SFTConfig have in common.

    TRL switches bfloat16 and gradient checkpointing on by itself, so both are always said. With early stopping a
    checkpoint is written at each evaluation, since the best one must still be there at the end.
    """
    train, device = context.spec.train, context.device
    steps = planned_steps(train, rows)
    evaluate_every = min(train.eval_every, steps)
    return {
        "output_dir": str(context.work),
        "seed": context.spec.seed,
        "data_seed": context.spec.seed,
        "num_train_epochs": train.epochs,
        "learning_rate": train.learning_rate,
        "lr_scheduler_type": "constant_with_warmup" if train.scheduler == "constant" else train.scheduler,
        "warmup_steps": math.ceil(train.warmup_ratio * steps),
        "per_device_train_batch_size": train.micro_batch,
        "per_device_eval_batch_size": train.micro_batch,
        "gradient_accumulation_steps": train.accumulation,
        "max_grad_norm": 1.0,
        "eval_strategy": "steps",
        "eval_steps": evaluate_every,
        "save_strategy": "steps",
        "save_steps": evaluate_every if train.patience else min(train.save_every, steps),
        "save_total_limit": 2,
        "load_best_model_at_end": bool(train.patience),
        "metric_for_best_model": best,
        "greater_is_better": greater_is_better,
        "logging_strategy": "steps",
        "logging_steps": min(train.log_every, steps),
        "logging_first_step": True,
        "logging_nan_inf_filter": False,
        "bf16": device.bf16,
        "use_cpu": not device.is_gpu,
        "gradient_checkpointing": device.is_gpu,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": device.is_gpu,
        "report_to": "none",
        "disable_tqdm": True,
    }


@dataclass
class Reporter(TrainerCallback):
    context: Context
    resumed_from: int | None
    best_metric: str
    greater_is_better: bool
    tokens_per_epoch: int
    timed_out: bool = False
    stopped: bool = False
    exhausted_at: int | None = None
    last_loss: float | None = None
    last_epoch: float = 0.0
    _started: float = field(default=0.0, init=False)
    _first_step: int = field(default=0, init=False)

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._started, self._first_step = self.context.events.elapsed, state.global_step
        self.exhausted_at = self._patience_ran_out(state)
        self.context.events.state("running")
        self.context.events.write(
            "progress",
            step=state.global_step,
            steps=state.max_steps,
            epoch=round(state.epoch or 0.0, 3),
            epochs=args.num_train_epochs,
            resumed_from=self.resumed_from,
        )

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        guard = self.context.guard
        if state.global_step >= state.max_steps:
            control.should_evaluate = True  # the last step's model is judged too, whatever `eval_every` says
        self.last_epoch = state.epoch or 0.0
        if not self.context.device.is_gpu:
            guard.check_memory(self.context.device.peak_memory_mb())
        if guard.stop_requested and not self.stopped:
            self.stopped = True
            self.context.events.state("stopping", step=state.global_step)
        if guard.time_is_up:
            self.timed_out = True
        if self.stopped or self.timed_out:
            control.should_save = control.should_training_stop = True
            control.should_evaluate = False
        if self.exhausted_at is not None:
            control.should_training_stop = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        logs = logs or {}
        self._still_sane(state, logs)
        figures = {name: float(logs[name]) for name in _TRAIN_LOGS if name in logs}
        figures |= {ours: float(logs[theirs]) for theirs, ours in _EVAL_LOGS.items() if theirs in logs}
        if not figures:
            return
        self.last_loss = figures.get("loss", self.last_loss)
        done = state.global_step - self._first_step
        spent = self.context.events.elapsed - self._started
        eta = spent / done * (state.max_steps - state.global_step) if done else None
        energy = self.context.energy.joules()
        self.context.events.write(
            "metrics",
            step=state.global_step,
            steps=state.max_steps,
            epoch=round(state.epoch or 0.0, 3),
            eta_seconds=None if eta is None else round(eta, 1),
            memory_mb=self.context.device.peak_memory_mb(),
            **({} if energy is None else {"energy_j": energy}),
            **figures,
        )

    def _still_sane(self, state: TrainerState, logs: dict[str, Any]) -> None:
        """Ends a run that has left all reason: a loss that is no number, or one far beyond where training began.

        The bound is three times the first training loss and at least five nats above it: no run comes back from there
        to something useful, and every further step costs hours.
        """
        for name in ("loss", "grad_norm", "eval_loss"):
            if name in logs and not math.isfinite(float(logs[name])):
                raise JobFailed(
                    Failure.DIVERGED,
                    f"The training became unstable at step {state.global_step}: the loss is no longer a number.",
                    detail=f"{name} = {logs[name]}",
                )
        first = next((entry["loss"] for entry in state.log_history if "loss" in entry), None)
        if first is not None and logs.get("eval_loss", 0.0) > max(3 * first, first + 5):
            raise JobFailed(
                Failure.DIVERGED,
                f"The training became unstable: at step {state.global_step} the validation loss is "
                f"{logs['eval_loss']:.1f}, the first training loss was {first:.1f}.",
            )

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.exhausted_at = self._patience_ran_out(state)
        if self.exhausted_at is not None:
            control.should_training_stop = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        checkpoint = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        mark_complete(checkpoint, spec_hash=self.context.spec.spec_hash)
        self.context.events.write(
            "checkpoint", step=state.global_step, path=checkpoint.relative_to(self.context.out).as_posix()
        )

    def _patience_ran_out(self, state: TrainerState) -> int | None:
        """The step at which the metric had failed to improve `patience` times in a row, by the whole history."""
        patience = self.context.spec.train.patience
        if not patience:
            return None
        best, waited = None, 0
        for entry in state.log_history:
            if self.best_metric not in entry:
                continue
            value = entry[self.best_metric]
            if best is None or (value > best if self.greater_is_better else value < best):
                best, waited = value, 0
            else:
                waited += 1
            if waited >= patience:
                return int(entry["step"])
        return None

    def outcome(self, state: TrainerState, *, planned: int) -> dict[str, Any]:
        """The `steps` part of the result. `best` is null without early stopping: then the last step is delivered."""
        best = state.best_global_step if self.context.spec.train.patience else None
        done = self.exhausted_at or state.global_step
        return {"done": done, "planned": planned, "best": best or None, "stopped_early": self.exhausted_at is not None}

    @property
    def tokens_seen(self) -> int:
        return round(self.tokens_per_epoch * self.last_epoch)
