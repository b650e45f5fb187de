"""`make bench` prints every figure of our budgets; `make bench ARGS="startup pages"` only the named ones."""

import sys
from importlib import import_module
from pathlib import Path

SLOW = {"cold"}


def available() -> dict[str, str]:
    """Every benchmark's name with its first line of description; a benchmark is a module here with a `main()`."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if not path.name.startswith("_"):
            module = import_module(f"benchmarks.{path.stem}")
            if hasattr(module, "main"):
                found[path.stem] = (module.__doc__ or "").strip().splitlines()[0]
    return found


def main() -> int:
    known = available()
    wanted = sys.argv[1:] or [name for name in known if name not in SLOW]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}. There are:", file=sys.stderr)
        for name, says in known.items():
            print(f"  {name:<12} {says}", file=sys.stderr)
        return 2
    for name in wanted:
        print(f"\n== {name}: {known[name]}", flush=True)
        import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
