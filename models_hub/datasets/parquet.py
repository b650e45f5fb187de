"""Parquet, read in a process that may die.

A Parquet file is a small program for its reader: it can ask for any amount of memory. So a child with limits of its own
turns it into JSON lines on its standard output; if it dies, this process says one sentence and nothing is lost.
`use_threads=False, pre_buffer=False` because the default threaded read of pyarrow aborts some processes at their exit.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from models_hub.datasets.limits import Limits
from models_hub.datasets.problems import Refused

ROOT = Path(__file__).resolve().parents[2]
REFUSED_COLUMNS = 3


def parquet_lines(path: Path, limits: Limits) -> Iterator[bytes]:
    """One JSON object a row. Raises `Refused` when the child dies or the file is no table we can use."""
    command = [sys.executable, "-m", "models_hub.datasets.parquet", str(path.resolve()), str(limits.columns)]
    command += [str(limits.child_bytes), str(limits.child_seconds)]
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, bufsize=1 << 20
    ) as child:
        assert child.stdout is not None
        try:
            while line := child.stdout.readline(limits.line_bytes + 1):
                if len(line) > limits.line_bytes:
                    raise Refused("line_too_long", line=0, megabytes=round(limits.line_bytes / 1e6, 1))
                yield line
            code = child.wait()
        finally:
            if child.poll() is None:
                child.kill()
    if code == REFUSED_COLUMNS:
        raise Refused("too_many_columns", columns=limits.columns + 1, limit=limits.columns)
    if code != 0:
        raise Refused("parquet_unreadable")


def main(path: str, columns: int, most_bytes: int, seconds: int) -> int:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    import msgspec
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    arrow.set_cpu_count(1)
    arrow.set_io_thread_count(1)
    encode = msgspec.json.Encoder(enc_hook=str, decimal_format="string").encode
    out = sys.stdout.buffer
    with parquet.ParquetFile(path, pre_buffer=False, memory_map=False) as file:
        if len(file.schema_arrow.names) > columns:
            return REFUSED_COLUMNS
        for batch in file.iter_batches(batch_size=256, use_threads=False):
            for row in batch.to_pylist():
                out.write(encode(row))
                out.write(b"\n")
    out.flush()
    return 0


if __name__ == "__main__":
    try:
        status = main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    except BaseException:  # whatever it was: the parent knows one sentence for it
        status = 1
    sys.stdout.flush()
    os._exit(status)  # no tear-down of libraries that read an untrusted file
