"""A large JSON Lines file checked: speed beside the fastest parsers, and the peak of memory."""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MEGABYTES = int(os.environ.get("BENCH_MB", "1000"))
PARSERS = ("orjson", "pyarrow", "check")
WORDS = {
    "European languages": (
        "the wheel of my bicycle makes a noise when I ride uphill das Rad läuft seit gestern nicht mehr ruhig und "
        "quietscht la chaîne saute quand je change de vitesse à l'arrière moja paczka jeszcze nie dotarła proszę o "
        "pomoc ¿cuándo llegará el pedido que hice en marzo? quando arriva il rimborso per la sella però"
    ),
    "English only": (
        "the wheel of my bicycle makes a noise when I ride uphill and the chain jumps off whenever I change down "
        "please tell me when the parcel will arrive and what the repair would cost including new brake pads"
    ),
}


def write(path: Path, text: str, megabytes: int) -> None:
    """Conversations of about 700 bytes; a counter keeps every row different."""
    rng, words = random.Random(3), text.split()
    drawn = [" ".join(rng.choices(words, k=rng.randint(10, 90))) for _ in range(2000)]
    left, number = megabytes * 1_000_000, 0
    with path.open("w", encoding="utf-8") as file:
        while left > 0:
            number += 1
            said = (
                ("system", "You are the assistant of the shop."),
                ("user", f"{rng.choice(drawn)} {number}?"),
                ("assistant", rng.choice(drawn)),
            )
            row = {"messages": [{"role": role, "content": content} for role, content in said]}
            line = json.dumps(row, ensure_ascii=False) + "\n"
            left -= len(line.encode())
            file.write(line)


def measure(parser: str, path: Path) -> dict[str, float]:
    """In a process of its own: seconds, and the peak of memory of it and its children together at most."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.datasets", parser, str(path)], cwd=ROOT, capture_output=True, check=True
    )
    answer: dict[str, float] = json.loads(run.stdout)
    return answer


def child(parser: str, path: Path) -> None:
    import resource
    import time

    runs = {"orjson": _orjson, "pyarrow": _pyarrow, "check": _check}
    begun = time.perf_counter()
    runs[parser](path)
    seconds = time.perf_counter() - begun
    status = Path("/proc/self/status").read_text(encoding="ascii")
    own = int(status.split("VmHWM:")[1].split()[0])
    # two children at most run at a time, each below the larger of them
    children = 2 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps({"seconds": seconds, "own_mb": own / 1024, "children_mb": children / 1024}))


def _orjson(path: Path) -> None:
    import orjson

    with path.open("rb", buffering=1 << 20) as file:
        for line in file:
            orjson.loads(line)


def _pyarrow(path: Path) -> None:
    """Block by block on all processors: the fastest reader we know, which checks nothing."""
    from pyarrow import json as arrow

    options = arrow.ReadOptions(use_threads=True, block_size=8 << 20)
    for _batch in arrow.open_json(path, read_options=options):
        pass


def _check(path: Path) -> None:
    from models_hub.datasets.check import check

    report = check(path)
    assert report.verdict == "ready", report.text


def main() -> None:
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"{MEGABYTES} MB each, {cores} processors, load {load:.1f}; best of three")
    for name, text in WORDS.items():
        with tempfile.TemporaryDirectory(prefix="bench-datasets-") as folder:
            path = Path(folder) / "data.jsonl"
            write(path, text, MEGABYTES)
            best = {
                parser: min((measure(parser, path) for _ in range(3)), key=lambda m: m["seconds"]) for parser in PARSERS
            }
        print(f"\n{name}")
        for parser in ("orjson", "pyarrow"):
            print(f"  {parser:<28} {MEGABYTES / best[parser]['seconds']:7.0f} MB/s")
        ours = best["check"]
        print(f"  {'check':<28} {MEGABYTES / ours['seconds']:7.0f} MB/s")
        for parser in ("orjson", "pyarrow"):
            print(f"  {'speed beside ' + parser:<28} {best[parser]['seconds'] / ours['seconds']:7.2f}")
        print(f"  {'memory of the worker':<28} {ours['own_mb']:7.0f} MB, two children {ours['children_mb']:.0f} MB")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        child(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
