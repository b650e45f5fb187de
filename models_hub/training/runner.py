"""One job from its spec to its result, whatever happens on the way.

The order matters: cheap checks before dear ones (spec, data, model, then torch), so that a job that cannot run says so
in a second. Every way out writes a result and an event, and answers the exit code of its failure.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models_hub.specs import Failure, JobSpec, Method, Recipe, SpecError
from models_hub.training import checkpoints
from models_hub.training import data as data_parts
from models_hub.training.context import Context, Outcome
from models_hub.training.events import Events
from models_hub.training.failures import JobFailed, Stopped, as_failure
from models_hub.training.files import read_json, write_json
from models_hub.training.guard import Guard
from models_hub.training.store import Store, StoredModel

RESULT = "result.json"
ALREADY_RUNNING = 75  # EX_TEMPFAIL
_RESERVE_BYTES = 2**20


def run(*, spec_file: Path, data: Path, store: Store, out: Path) -> int:
    """Train one job in `out`, or go on with it. Returns the exit code."""
    try:
        (out / "work").mkdir(parents=True, exist_ok=True)
        return _run_alone(spec_file=spec_file, data=data, store=store, out=out)
    except OSError as error:  # not even the diary could be opened
        failure = as_failure(error)
        print(f"{failure.sentence} {error}", file=sys.stderr)
        return failure.failure.exit_code


def _run_alone(*, spec_file: Path, data: Path, store: Store, out: Path) -> int:
    with _only_one(out) as first:
        if not first:
            print(f"Another process is already working in {out}.", file=sys.stderr)
            return ALREADY_RUNNING
        finished = _finished(spec_file, out)
        if finished:
            print(f"This job has {finished} already; nothing was changed.", file=sys.stderr)
            return 0
        return _Run(spec_file=spec_file, data=data, store=store, out=out).go()


class _Run:
    def __init__(self, *, spec_file: Path, data: Path, store: Store, out: Path) -> None:
        self.spec_file, self.data, self.store, self.out = spec_file, data, store, out
        self.events = Events(out / "events.jsonl")
        self.spec: JobSpec | None = None
        self.model: StoredModel | None = None
        self.context: Context | None = None

    def go(self) -> int:
        reserve = self.out / "work" / "reserve"
        try:
            (self.out / RESULT).unlink(missing_ok=True)  # a failed attempt's word is not this one's
            self.events.state("preparing", pid=os.getpid(), attempt=self.events.attempt)
            reserve.write_bytes(bytes(_RESERVE_BYTES))  # room for the last words, should the disk fill up
            outcome = self._train()
            result = self._result(outcome)
            if outcome.timed_out:
                raise self._timed_out(result, outcome)
            if self.context is not None:
                _deliver(self.context, result)
            self._close(result)
        except Stopped:
            self._close(self._result(Outcome(stopped=True)))
        except BaseException as error:
            reserve.unlink(missing_ok=True)
            return self._failed(error)
        finally:
            reserve.unlink(missing_ok=True)
            self.events.close()
        return 0

    def _train(self) -> Outcome:
        self.spec = spec = read_spec(self.spec_file)
        _claim_folder(spec, self.out)
        guard = Guard(out=self.out, limits=spec.limits, events=self.events)
        guard.listen()
        if checkpoints.latest(self.out / "work", spec_hash=spec.spec_hash) is None:
            guard.check()  # with a checkpoint there is work to deliver, also for one who comes to stop
        data_parts.check_files(spec, self.data)
        data_parts.check_rows(spec, self.data)
        self.model = self.store.fetch_for_job(spec.base_model)
        _fits_recipe(spec, self.model)
        _same_base(self.model, self.out / "work" / "base.json")

        from models_hub.training.device import EnergyMeter, choose_device, versions

        device = choose_device(spec.limits)
        self.events.write("versions", **versions(), device=device.name, threads=_threads())
        self.context = Context(
            spec=spec,
            data=self.data,
            out=self.out,
            model=self.model,
            device=device,
            energy=EnergyMeter(device),
            events=self.events,
            guard=guard,
        )
        _enough_disk(self.context)
        return _recipe(spec)(self.context)

    def _result(self, outcome: Outcome) -> dict[str, Any]:
        from models_hub.training.results import result_of

        return result_of(spec=self.spec, model=self.model, context=self.context, events=self.events, outcome=outcome)

    def _timed_out(self, result: dict[str, Any], outcome: Outcome) -> JobFailed:
        """The time is up: what was trained is delivered all the same, unjudged and marked as unfinished."""
        assert self.context is not None
        failure = self.context.guard.too_late()
        _mark_failed(result, failure)
        _deliver(self.context, result)
        failure.extra["outcome"] = outcome
        return failure

    def _close(self, result: dict[str, Any]) -> None:
        write_json(self.out / RESULT, result)
        self.events.state(result["state"])

    def _failed(self, error: BaseException) -> int:
        failure = as_failure(error)
        outcome = failure.extra.pop("outcome", None) or Outcome()
        result = self._result(outcome)
        _mark_failed(result, failure)
        with contextlib.suppress(OSError):  # a full disk may refuse even these; the exit code still says why
            write_json(self.out / RESULT, result)
            self.events.write(
                "failure",
                hint_code=failure.failure.value,
                sentence=failure.sentence,
                next_step=failure.failure.next_step,
                detail=failure.detail,
                exit_code=failure.failure.exit_code,
                **failure.extra,
            )
            self.events.state("failed")
        print(f"{failure.sentence} {failure.failure.next_step}", file=sys.stderr)
        if failure.detail and failure.failure is Failure.INTERNAL:
            print(failure.detail, file=sys.stderr)
        return failure.failure.exit_code


def read_spec(path: Path) -> JobSpec:
    try:
        return JobSpec.from_json(path.read_bytes())
    except OSError as error:
        raise JobFailed(Failure.INVALID_SPEC, f"The job's description cannot be read: {error.strerror}.") from error


def _mark_failed(result: dict[str, Any], failure: JobFailed) -> None:
    result |= {
        "state": "failed",
        "hint_code": failure.failure.value,
        "sentence": failure.sentence,
        "next_step": failure.failure.next_step,
        "detail": failure.detail,
    }


def _recipe(spec: JobSpec) -> Any:
    if spec.recipe is Recipe.CHAT:
        from models_hub.training.chat import train_chat

        return train_chat
    from models_hub.training.classify import train_classifier

    return train_classifier


def _deliver(context: Context, result: dict[str, Any]) -> None:
    from models_hub.training.delivery import complete

    if context.artefacts.is_dir():
        complete(context, result)


def _fits_recipe(spec: JobSpec, model: StoredModel) -> None:
    wanted = "chat" if spec.recipe is Recipe.CHAT else "encoder"
    if model.kind != wanted:
        raise JobFailed(
            Failure.MODEL_MISSING, f"{model.id} is a model for {model.kind}, this job needs one for {wanted}."
        )
    if spec.limits.gpus > 1:
        raise JobFailed(Failure.INVALID_SPEC, "This runtime trains on one GPU; the job asks for more.")


def _same_base(model: StoredModel, path: Path) -> None:
    """What an earlier attempt measured and trained belongs to one base model, whatever the store holds now."""
    if not path.exists():
        write_json(path, {"digest": model.digest})
    elif read_json(path)["digest"] != model.digest:
        raise JobFailed(Failure.MODEL_MISSING, f"{model.id} was replaced in the site's store since this run began.")


def _enough_disk(context: Context) -> None:
    """Three checkpoints can exist at once; each holds trained weights and Adam's two moments in float32.

    What LoRA trains is about 0.03 % of a base model for each unit of its rank.
    """
    base = sum((context.model.path / name).stat().st_size for name in context.model.files)
    settings = read_json(context.model.path / "config.json")
    in_float32 = (settings.get("dtype") or settings.get("torch_dtype") or "float32") == "float32"
    checkpoint = base * (3 if in_float32 else 6)
    if context.spec.lora:
        checkpoint = int(checkpoint * min(1.0, 0.0003 * context.spec.lora.r))
    if context.spec.method is Method.BASELINE:
        checkpoint = 0
    needed = 3 * checkpoint + 50_000_000
    free = shutil.disk_usage(context.work).free
    if free < needed:
        raise JobFailed(
            Failure.DISK_FULL,
            f"The job needs about {needed / 1e9:.1f} GB of disk space at the site, {free / 1e9:.1f} GB are free.",
        )


def _claim_folder(spec: JobSpec, out: Path) -> None:
    """A folder belongs to one spec for ever: going on with other words would mix two jobs."""
    path = out / "spec.json"
    if not path.exists():
        write_json(path, spec.to_json())
    elif JobSpec.from_json(path.read_bytes()).spec_hash != spec.spec_hash:
        raise JobFailed(Failure.INVALID_SPEC, "This folder holds the work of another job.")


def _finished(spec_file: Path, out: Path) -> str | None:
    """The end that this very job has come to already, if it was a good one."""
    if not (out / RESULT).exists():
        return None
    try:
        result = read_json(out / RESULT)
        spec_hash = JobSpec.from_json(spec_file.read_bytes()).spec_hash
    except (OSError, ValueError, SpecError):
        return None
    ended_well = result.get("state") in ("succeeded", "stopped") and result.get("spec_hash") == spec_hash
    return str(result["state"]) if ended_well else None


@contextlib.contextmanager
def _only_one(out: Path) -> Iterator[bool]:
    """Holds the folder's lock while a run works in it; the system lets go of it when the process dies."""
    with (out / "work" / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def _threads() -> int:
    import torch

    return int(torch.get_num_threads())


def evaluate_again(*, spec_file: Path, data: Path, store: Store, artefacts: Path) -> int:
    """Measure delivered artefacts on the test part once more and print the figures: anyone can check a verdict."""
    from models_hub.training.again import measure

    try:
        spec = read_spec(spec_file)
        data_parts.check_files(spec, data)
        with tempfile.TemporaryDirectory() as folder:
            figures = measure(spec=spec, data=data, store=store, artefacts=artefacts, scratch=Path(folder))
    except (JobFailed, SpecError) as error:
        failure = as_failure(error)
        print(f"{failure.sentence} {failure.failure.next_step}", file=sys.stderr)
        return failure.failure.exit_code
    print(json.dumps(figures, ensure_ascii=False, indent=1))
    return 0
