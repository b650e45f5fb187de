"""Large files in two processes at once: each tallies half of the lines the fast way, this one adds them up.

Keys of repeated rows are Python's own string hashes, so both children get the same hash seed. If a child dies, nothing
is lost but time: the caller goes on in one process.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from models_hub.datasets import fast
from models_hub.datasets.limits import Limits
from models_hub.datasets.parquet import ROOT
from models_hub.datasets.problems import Cancelled, Refused
from models_hub.datasets.rejected import RejectedRows
from models_hub.datasets.schema import ColumnMapping
from models_hub.datasets.source import Source, inspect
from models_hub.datasets.tally import Tally

POLL_SECONDS = 0.2


def tally_in_halves(
    source: Source,
    mapping: ColumnMapping,
    tally: Tally,
    limits: Limits,
    cancelled: Callable[[], bool] | None = None,
) -> bool:
    """False when the file is small, does not fit the fast way, there is one processor only, or a child failed."""
    if source.size < limits.parallel_bytes or not fast.fits(source, mapping, tally) or _processors() < 2:
        return False
    middle = _line_after(source.path, source.size // 2, limits)
    if middle is None:
        return False
    ranges = [(source.encoding.mark, middle), (middle, source.size)]
    with TemporaryDirectory(prefix="halves-", dir=_beside(tally.rejected_rows)) as name:
        answers = _ask(source, mapping, limits, ranges, Path(name), cancelled)
        if answers is None:
            return False
        for answer in answers:
            if "refused" in answer:
                raise Refused(answer["refused"], **answer["values"])
            tally.add_state(answer)
            if tally.read > limits.rows:
                raise Refused("too_many_rows", limit=limits.rows)
            if len(tally.labels) > limits.labels:
                raise Refused("too_many_labels", limit=limits.labels)
        if tally.usable == 0 and tally.rejected:
            raise Refused("hopeless", rows=tally.rejected, reason=tally.main_reason())
        _join(Path(name), tally.rejected_rows)
    return True


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _beside(rejected: RejectedRows) -> Path | None:
    return rejected.path.parent if rejected.path else None


def _line_after(path: Path, offset: int, limits: Limits) -> int | None:
    """Where the first line behind `offset` begins."""
    with path.open("rb") as file:
        file.seek(offset)
        line = file.readline(limits.line_bytes)
        return file.tell() if line.endswith(b"\n") else None


def _ask(
    source: Source,
    mapping: ColumnMapping,
    limits: Limits,
    ranges: list[tuple[int, int]],
    folder: Path,
    cancelled: Callable[[], bool] | None,
) -> list[dict[str, Any]] | None:
    """Both children's answers in the order of the file; None when one of them died."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": str(random.SystemRandom().randrange(1, 1 << 32)),
    }
    with ExitStack() as stack:
        children = []
        for number, (begin, end) in enumerate(ranges):
            order = {
                "path": str(source.path.resolve()),
                "mapping": mapping.as_dict(),
                "limits": asdict(_for_a_half(limits)),
                "begin": begin,
                "end": end,
                "rejected": str(folder / f"{number}.csv"),
                "answer": str(folder / f"{number}.answer"),
            }
            child = subprocess.Popen(
                [sys.executable, "-m", "models_hub.datasets.halves"],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
            )  # fmt: skip
            stack.enter_context(child)
            stack.callback(_end, child)
            children.append(child)
            assert child.stdin is not None
            with suppress(BrokenPipeError), child.stdin:
                child.stdin.write(msgspec.json.encode(order))
        for child in children:
            while True:
                try:
                    code = child.wait(timeout=POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    if cancelled and cancelled():
                        raise Cancelled from None
            if code != 0:
                return None
    return [msgspec.msgpack.decode((folder / f"{n}.answer").read_bytes(), strict=False) for n in range(len(ranges))]


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.kill()


def _for_a_half(limits: Limits) -> Limits:
    """Half a file may be hopeless without the file being so; that is judged afterwards."""
    return replace(limits, hopeless_after=1 << 62, rejected_kept=limits.rejected_kept // 2)


def _join(folder: Path, rejected: RejectedRows) -> None:
    """One list of rejected rows from two; the second loses its header."""
    found = [path for path in (folder / "0.csv", folder / "1.csv") if path.exists()]
    if rejected.path is None or not found:
        return
    with rejected.path.open("wb") as target:
        for number, path in enumerate(found):
            with path.open("rb") as part:
                if number:
                    part.readline()
                shutil.copyfileobj(part, target, 1 << 20)


def main() -> None:
    """A child: reads its order, writes its answer."""
    order = msgspec.json.decode(sys.stdin.buffer.read())
    limits = Limits(**order["limits"])
    mapping = ColumnMapping.from_dict(order["mapping"])
    source = inspect(Path(order["path"]), limits)
    try:
        with RejectedRows(Path(order["rejected"]), source.header, limits) as rejected:
            tally = Tally(
                mapping.kind, limits, rejected, None, look_at_all=source.size <= limits.look_at_all_bytes, collect=True
            )
            fast.tally_lines(source, mapping, tally, limits, begin=order["begin"], end=order["end"])
        answer = tally.state()
    except Refused as refusal:
        answer = {"refused": refusal.code, "values": dict(refusal.text.values)}
    Path(order["answer"]).write_bytes(msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    main()
