"""The commands of the training runtime; docs/training-runtime.md describes each."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models_hub.training import surroundings
from models_hub.training.store import Store, StoreError


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    surroundings.prepare()
    try:
        code: int = options.action(options)
    except StoreError as error:
        print(error, file=sys.stderr)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models_hub.training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    folder: dict[str, Any] = {"type": Path, "required": True, "metavar": "DIR"}

    run = commands.add_parser("run", help="train one job, or go on with it")
    evaluate = commands.add_parser("evaluate", help="measure a finished job's artefacts again")
    for command in (run, evaluate):
        command.add_argument("--spec", type=Path, required=True, metavar="FILE", help="the job's spec (JSON)")
        command.add_argument("--data", **folder, help="folder with the three parts of the data")
        command.add_argument("--store", **folder, help="the site's model store")
    run.add_argument("--out", **folder, help="the run's own folder; the same one goes on after a crash")
    run.set_defaults(action=_run)
    evaluate.add_argument("--artefacts", **folder, help="the artefacts folder of a finished job")
    evaluate.set_defaults(action=_evaluate)

    verify = commands.add_parser("verify", help="check artefacts against their manifest")
    verify.add_argument("artefacts", type=Path, metavar="DIR")
    verify.set_defaults(action=_verify)

    describe = commands.add_parser("describe", help="what this site can run, as JSON")
    describe.set_defaults(action=_describe)

    store = commands.add_parser("store", help="the site's base models").add_subparsers(required=True, metavar="ACTION")
    demo = store.add_parser("demo", help="fill the store with the demonstration models")
    demo.add_argument("--quick", action="store_true", help="a smaller Llama, for tests")
    demo.set_defaults(action=_store_demo)
    add = store.add_parser("add", help=f"fetch a model from the hub (needs {surroundings.HUB_SWITCH}=1)")
    add.add_argument("repo", metavar="OWNER/NAME")
    add.add_argument("--revision", required=True, metavar="COMMIT")
    add.add_argument("--id", dest="model_id", metavar="NAME", help="its name in the store and in the catalogue")
    add.set_defaults(action=_store_add)
    adopt = store.add_parser("adopt", help="seal a model folder that was copied into the store")
    adopt.add_argument("model_id", metavar="NAME")
    adopt.add_argument("--repo", metavar="OWNER/NAME")
    adopt.add_argument("--revision", metavar="TEXT")
    adopt.set_defaults(action=_store_adopt)
    listing = store.add_parser("list", help="the sealed models, as JSON")
    listing.set_defaults(action=_store_list)
    check = store.add_parser("check", help="compare models with their seals")
    check.add_argument("model_id", metavar="NAME", nargs="?")
    check.set_defaults(action=_store_check)
    index = store.add_parser("index", help="write index.json, so that other sites' agents can fetch from this store")
    index.set_defaults(action=_store_index)
    for command in (demo, add, adopt, listing, check, index):
        command.add_argument("--store", **folder, help="the store's folder")
    return parser


def _print(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))


def _run(options: argparse.Namespace) -> int:
    from models_hub.training.runner import run

    return run(spec_file=options.spec, data=options.data, store=Store(options.store), out=options.out)


def _evaluate(options: argparse.Namespace) -> int:
    from models_hub.training.runner import evaluate_again

    return evaluate_again(
        spec_file=options.spec, data=options.data, store=Store(options.store), artefacts=options.artefacts
    )


def _verify(options: argparse.Namespace) -> int:
    from models_hub.training.manifest import problems

    found = problems(options.artefacts)
    for problem in found:
        print(problem, file=sys.stderr)
    if not found:
        print("Every file is the one that the manifest names.")
    return 1 if found else 0


def _describe(options: argparse.Namespace) -> int:
    from models_hub.training.device import describe

    _print(describe())
    return 0


def _store_demo(options: argparse.Namespace) -> int:
    from models_hub.training.demo import fill

    added = fill(Store(options.store), quick=options.quick)
    print(f"Added: {', '.join(added)}." if added else "The demonstration models are there already.")
    return 0


def _store_add(options: argparse.Namespace) -> int:
    from models_hub.training.hub import add_from_hub

    name = add_from_hub(Store(options.store), options.repo, revision=options.revision, model_id=options.model_id)
    print(f"Added: {name}.")
    return 0


def _store_adopt(options: argparse.Namespace) -> int:
    _print(Store(options.store).adopt(options.model_id, repo=options.repo, revision=options.revision).public())
    return 0


def _store_list(options: argparse.Namespace) -> int:
    _print([model.public() for model in Store(options.store).models()])
    return 0


def _store_index(options: argparse.Namespace) -> int:
    from models_hub.training.index import write_index

    _print(write_index(options.store))
    return 0


def _store_check(options: argparse.Namespace) -> int:
    store = Store(options.store)
    models = [store.read(options.model_id)] if options.model_id else store.models()
    damaged = 0
    for model in models:
        found = store.problems(model)
        damaged += bool(found)
        print("\n".join(f"{model.id}: {line}" for line in found) or f"{model.id}: as sealed.")
    return 1 if damaged else 0
