"""The rules of law beside their naive references on random cases, and the time of one verdict."""

import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

CASES = int(os.environ.get("BENCH_CASES", "100000"))
FIRST = int(os.environ.get("BENCH_SEED", "1000000"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "200"))
ON = date(2026, 11, 21)
AWARDS, MEMBERS = 1_000, 50


def main() -> None:
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} processors, load {load:.1f}; {CASES} random cases each, seeds from {FIRST}")
    _verdicts()
    _agree()


def _agree() -> None:
    from tests.accounts.reference.agreement import disagreement_of_aid, disagreement_of_size

    failed = _run("histories of aid", disagreement_of_aid) + _run("ownership graphs", disagreement_of_size)
    for words in failed[:5]:
        print(words, file=sys.stderr)
    if failed:
        sys.exit(1)


def _run(name: str, disagreement: Callable[[int], str]) -> list[str]:
    begun = time.perf_counter()
    failed = [words for seed in range(FIRST, FIRST + CASES) if (words := disagreement(seed))]
    seconds = time.perf_counter() - begun
    print(f"  {name:<20} {CASES - len(failed)} of {CASES} agree, {seconds:6.0f} s", flush=True)
    return failed


def _verdicts() -> None:
    """One group of 50 companies with 1,000 awards, half of them inside the window, of three States."""
    from accounts.sme.graph import Figures, Holding, Ownership, Party
    from accounts.sme.rules import classify
    from accounts.state_aid import regimes
    from accounts.state_aid.case import Aid, Case, ControlLink, Origin
    from accounts.state_aid.rules import assess

    links = tuple(
        ControlLink(f"org:{(index - 1) // 2}", f"org:{index}", date(2015, 1, 1)) for index in range(1, MEMBERS)
    )
    aid = tuple(
        Aid(
            member=f"org:{index % MEMBERS}",
            state=("FI", "FI", "DE", "SI")[index % 4],
            amount_eur=Decimal(index % 700) + Decimal("0.37"),
            granted_on=ON - timedelta(days=2 * index),
            reference=f"ALC-{index}",
        )
        for index in range(AWARDS)
    )
    case = Case(
        "org:7", "FI", Origin.NATIONAL_SHARE, Decimal(1_000), aid=aid, links=links, declared_on=ON,
        nace_code="62.10", law=regimes.BUILT_IN,
    )  # fmt: skip
    assert len(assess(case, on=ON).group) == MEMBERS
    _time(f"assess, {AWARDS} awards of {MEMBERS} members", lambda: assess(case, on=ON))
    periods = tuple(Figures(date(2022 + year, 12, 31), Decimal(3), Decimal(10**5), Decimal(10**5)) for year in range(4))
    graph = Ownership(
        "0",
        tuple(Party(str(index), periods=periods) for index in range(MEMBERS)),
        tuple(Holding(str((index - 1) // 2), str(index), Decimal(60), Decimal(60)) for index in range(1, MEMBERS)),
    )
    _time(f"classify, {MEMBERS} parties, 4 closings", lambda: classify(graph, on=ON))


def _time(name: str, act: Callable[[], object]) -> None:
    act()
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begun) * 1000)
    print(
        f"  {name:<36} median {statistics.median(taken):6.2f} ms, least {min(taken):6.2f} ms of {REPEATS}", flush=True
    )


if __name__ == "__main__":
    main()
