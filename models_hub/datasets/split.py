"""Three parts that never share an example: training, validation, test.

Deterministic: the same file, mapping and seed give the same bytes on every machine. Rows with the same text (or
question) up to case, blanks, punctuation and digits stay together, so that nothing in the test was seen in training.
Word-for-word repeats are written once. Nothing is visible until all three parts are complete.
"""

from __future__ import annotations

import os
import shutil
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from models_hub.datasets import fast
from models_hub.datasets.examples import Chat, Example, canonical_line, converter
from models_hub.datasets.limits import Limits
from models_hub.datasets.problems import Cancelled, Refused, RowFault
from models_hub.datasets.repeats import later_places, normal_text, stable_key
from models_hub.datasets.rows import read_rows
from models_hub.datasets.schema import ColumnMapping
from models_hub.datasets.source import inspect

TRAIN, VALIDATION, TEST = 0, 1, 2
NAMES = ("train", "validation", "test")
COUNTED = 200_000  # beyond so many rows the hash alone decides: shares are then exact enough
CROWD = 0.2  # a question asked in more than so many of the rows says nothing about them
EVERY = 2000


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    path: Path
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Split:
    """`digest` names the three parts together; `together` counts rows kept beside a similar one."""

    parts: tuple[Part, ...]
    digest: str
    labels: tuple[str, ...]
    repeats_left_out: int
    together: int

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "parts": [asdict(part) | {"path": part.path.name} for part in self.parts]}


def shares(rows: int) -> tuple[int, int]:
    """Rows for validation and test: a tenth each, more of a small set, never more than is useful."""
    test = min(max(round(0.10 * rows), min(40, round(0.20 * rows))), 2000)
    validation = min(max(round(0.10 * rows), min(30, round(0.15 * rows))), 1000)
    return max(validation, 1), max(test, 1)


def split_rows(
    path: Path,
    *,
    mapping: ColumnMapping,
    out: Path,
    seed: int = 17,
    limits: Limits | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Split:
    """Writes train.jsonl, validation.jsonl and test.jsonl into the new folder `out`.

    Raises `Refused` when the rows cannot be parted (too few different ones), `Cancelled`, or `OSError` from the disk;
    in every such case `out` does not exist afterwards.
    """
    limits = limits or Limits()
    unfinished = out.with_name(out.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    whole = unfinished / "all.jsonl"
    try:
        survey = _survey(path, mapping, limits, whole, cancelled)
        places = _assign(survey, seed)
        parts = _write(whole, places, survey.repeated, unfinished, cancelled)
        whole.unlink()
        unfinished.replace(out)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    parts = tuple(Part(part.name, out / part.path.name, part.rows, part.bytes, part.sha256) for part in parts)
    digest = sha256("".join(f"{part.name} {part.sha256}\n" for part in parts).encode()).hexdigest()
    return Split(parts, digest, tuple(sorted(survey.labels)), survey.repeated.count(1), survey.together())


def usable_examples(path: Path, mapping: ColumnMapping, limits: Limits) -> Iterator[Example]:
    source = inspect(path, limits)
    quick = fast.examples(source, mapping, limits)
    if quick is not None:
        yield from quick
        return
    convert = converter(mapping, limits)
    for row in read_rows(source, limits):
        if isinstance(row.fields, RowFault):
            continue
        try:
            yield convert(row.fields)
        except RowFault:
            continue


class _Survey:
    """A few bytes a row: its group, its label, whether it repeats an earlier one. The rest follows from them."""

    def __init__(self) -> None:
        self.groups: array[int] = array("q")
        self.strata: array[int] = array("H")
        self.labels: dict[str, int] = {}
        self.repeated = bytearray()

    def together(self) -> int:
        kept = [group for group, repeat in zip(self.groups, self.repeated, strict=True) if not repeat]
        return sum(count for count in Counter(kept).values() if count > 1) if len(kept) <= COUNTED else 0


def _survey(
    path: Path, mapping: ColumnMapping, limits: Limits, whole: Path, cancelled: Callable[[], bool] | None
) -> _Survey:
    """Reads the file once, writes its usable rows in their final form, and remembers what decides where they go."""
    survey, exact = _Survey(), array("q")
    with whole.open("wb", buffering=1 << 20) as file:
        for number, example in enumerate(usable_examples(path, mapping, limits)):
            if cancelled and number % EVERY == 0 and cancelled():
                raise Cancelled
            if isinstance(example, Chat):
                text = example.contents[example.roles.index("user")]
                survey.strata.append(0)
                exact.append(hash((example.roles, *example.contents)))
            else:
                text = example.text
                survey.strata.append(survey.labels.setdefault(example.label, len(survey.labels)))
                exact.append(hash(example))
            survey.groups.append(stable_key(normal_text(text)))
            file.write(canonical_line(example))
    survey.repeated = later_places(exact)
    if mapping.kind == "chat" and len(survey.groups) <= COUNTED:
        _tell_crowds_apart(survey, whole)
    return survey


def _tell_crowds_apart(survey: _Survey, whole: Path) -> None:
    """Where very many conversations begin alike ("Hello"), the whole conversation decides what stays together."""
    most = CROWD * len(survey.groups)
    crowds = {key for key, count in Counter(survey.groups).items() if count > most}
    if not crowds:
        return
    with whole.open("rb") as file:
        for place, line in enumerate(file):
            if survey.groups[place] in crowds:
                said = [message["content"] for message in msgspec.json.decode(line)["messages"]]
                survey.groups[place] = stable_key(normal_text("\n".join(said)))


def _assign(survey: _Survey, seed: int) -> bytearray:
    rows = len(survey.groups) - survey.repeated.count(1)
    salt = seed.to_bytes(8, "big", signed=True)
    validation, test = shares(rows)
    if rows > COUNTED:
        return _assign_by_hash(survey, salt, validation / rows, test / rows)
    members: dict[int, list[int]] = {}
    for place, key in enumerate(survey.groups):
        if not survey.repeated[place]:
            members.setdefault(key, []).append(place)
    strata: dict[int, list[int]] = {}
    for key, group in members.items():
        strata.setdefault(survey.strata[group[0]], []).append(key)
    places = bytearray(len(survey.groups))
    for keys in strata.values():
        keys.sort(key=lambda key: stable_key(key.to_bytes(8, "big", signed=True), salt=salt))
        size = sum(len(members[key]) for key in keys)
        _fill(keys, members, places, validation=validation * size / rows, test=test * size / rows)
    counts = Counter(place for place, repeat in zip(places, survey.repeated, strict=True) if not repeat)
    if len(counts) < 3:
        raise Refused("cannot_split", rows=len(members))
    return places


def _fill(keys: list[int], members: dict[int, list[int]], places: bytearray, *, validation: float, test: float) -> None:
    """Groups in hash order go to the test until its share is full, then to validation, the rest to training.

    A group that would overfill a part by more than its half goes on to the next; one or two groups stay in training.
    """
    wanted = {TEST: test, VALIDATION: validation}
    filled = {TEST: 0, VALIDATION: 0}
    left = len(keys)
    for key in keys:
        size = len(members[key])
        part = TRAIN
        for candidate in (TEST, VALIDATION):
            missing = wanted[candidate] - filled[candidate]
            first = filled[candidate] == 0 and left > 1 and len(keys) >= 3
            if first or missing >= size / 2:
                part = candidate
                break
        left -= 1
        if part != TRAIN:
            filled[part] += size
            for place in members[key]:
                places[place] = part


def _assign_by_hash(survey: _Survey, salt: bytes, validation: float, test: float) -> bytearray:
    places = bytearray(len(survey.groups))
    span = float(1 << 64)
    for place, key in enumerate(survey.groups):
        chance = (stable_key(key.to_bytes(8, "big", signed=True), salt=salt) + (1 << 63)) / span
        if chance < test:
            places[place] = TEST
        elif chance < test + validation:
            places[place] = VALIDATION
    return places


def _write(
    whole: Path, places: bytearray, repeated: bytearray, folder: Path, cancelled: Callable[[], bool] | None
) -> tuple[Part, ...]:
    files = [(folder / f"{name}.jsonl").open("wb", buffering=1 << 20) for name in NAMES]
    sums, rows, sizes = [sha256() for _ in NAMES], [0, 0, 0], [0, 0, 0]
    try:
        with whole.open("rb", buffering=1 << 20) as lines:
            for place, line in enumerate(lines):
                if cancelled and place % EVERY == 0 and cancelled():
                    raise Cancelled
                if repeated[place]:
                    continue
                part = places[place]
                files[part].write(line)
                sums[part].update(line)
                rows[part] += 1
                sizes[part] += len(line)
        for file in files:
            file.flush()
            os.fsync(file.fileno())
    finally:
        for file in files:
            file.close()
    return tuple(
        Part(name, folder / f"{name}.jsonl", rows[number], sizes[number], sums[number].hexdigest())
        for number, name in enumerate(NAMES)
    )
