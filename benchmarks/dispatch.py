"""Jobs through portal and agent beside bare sbatch and slurmrestd, on one real Slurm site in one run.

`BENCH_JOBS` is the size of a burst (100), `BENCH_SECONDS` how long a job of the sustained part runs (4).
"""

import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from benchmarks._embedded import show

JOBS = int(os.environ.get("BENCH_JOBS", "100"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
GPUS = 4
ROUNDS, SUSTAINED, SINGLE = 5, 40, 20
PAYLOAD = Path(__file__).with_name("_payload.py")
ROOT = PAYLOAD.parents[1]


def main() -> None:
    # This process asks no database; the portal it measures has one of its own.
    os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "OPEN_PAAS_EMBEDDED": "1"}
    import django

    django.setup()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from tests.faults.world import World

    with tempfile.TemporaryDirectory(prefix="op-dispatch-") as folder:
        Path(folder).chmod(0o711)
        world = World(Path(folder), hears_sbatch=False, shape=("--rest",), options=_options())
        try:
            _measure(world)
        finally:
            world.end()


def _options() -> dict[str, Any]:
    # More than the site has GPUs for is handed over at once, as a site with a queue of its own would have it.
    return {
        "command": [sys.executable, str(PAYLOAD)], "queue_ahead": JOBS + 50, "poll_seconds": 1.0, "lost_seconds": 60,
    }  # fmt: skip


def _measure(world: Any) -> None:
    bare = Bare(world.cluster)
    # A burst is over in less than a second, in which a machine does other things too: all take turns, several times.
    rates: dict[str, list[float]] = defaultdict(list)
    bursts = []
    for _ in range(ROUNDS):
        for at_once in (1, 2, 4):
            rates[f"bare sbatch, {at_once} at a time"].append(bare.sbatch(JOBS, at_once))
        for at_once in (1, 8):
            rates[f"slurmrestd, connections: {at_once}"].append(bare.rest(JOBS, at_once))
        bursts.append(burst(world, bare))
        rates["portal and agent"].append(bursts[-1].rate)
    middle = {name: statistics.median(found) for name, found in rates.items()}
    for name, found in rates.items():
        show(f"burst, {name}", f"{middle[name]:.0f} jobs/s ({min(found):.0f} to {max(found):.0f})")
    ours = middle.pop("portal and agent")
    for name, found in middle.items():
        show(f"  portal and agent of {name}", f"{ours / found:.2f}", ">= 1" if "sbatch" in name else ">= 0.5")
    whole = statistics.median(one.seconds for one in bursts)
    show("  from the first click to the last job handed over", f"{whole:.1f} s")
    single = latencies(world)
    show("latency of one job, p50", f"{statistics.median(single):.2f} s")
    show("latency of one job, p95", f"{sorted(single)[int(0.95 * len(single))]:.2f} s", "1 s")
    plain, through = bare.sustained(bursts[0].spec, world.folder / "bare"), sustained(world)
    show(f"sustained, bare Slurm, jobs of {SECONDS:g} s", f"{plain:.3f} jobs/s")
    show("sustained, portal and agent", f"{through:.3f} jobs/s")
    show("  of bare Slurm", f"{through / plain:.2f}", ">= 0.95")


class Bare:
    """The same site without us: sbatch, and slurmrestd with a token."""

    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster
        self.url = f"http://127.0.0.1:{cluster.site['port'] + 41}"

    def sbatch(self, count: int, at_once: int) -> float:
        words = ["sbatch", "--parsable", "-A", "paas", "--gres=gpu:1", "-t", "5", "--hold", "--wrap", "true"]
        with ThreadPoolExecutor(at_once) as pool:
            began = time.monotonic()
            list(pool.map(lambda _number: self.cluster.ask(*words), range(count)))
            seconds = time.monotonic() - began
        self.clear()
        return count / seconds

    def rest(self, count: int, at_once: int) -> float:
        token = self.cluster.ask("scontrol", "token", "username=root", "lifespan=600").strip().partition("=")[2]
        headers = {"X-SLURM-USER-NAME": "root", "X-SLURM-USER-TOKEN": token}
        version = self._version(headers)
        body: dict[str, Any] = {
            "script": "#!/bin/sh\ntrue\n",
            "job": {
                "name": "rest", "account": "paas", "partition": "gpu", "current_working_directory": "/tmp",
                "time_limit": 5, "hold": True, "environment": {"PATH": "/usr/bin:/bin"},
            },
        }  # fmt: skip
        if version >= "v0.0.39":
            body["job"] |= {"environment": ["PATH=/usr/bin:/bin"], "tres_per_node": "gres/gpu:1"}
        else:
            body["job"] |= {"gpus_per_node": "1"}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=60)
        with client, ThreadPoolExecutor(at_once) as pool:
            began = time.monotonic()
            asked = [pool.submit(client.post, f"/slurm/{version}/job/submit", json=body) for _ in range(count)]
            answers = [one.result() for one in asked]
            seconds = time.monotonic() - began
        assert all(answer.status_code == 200 for answer in answers), answers[0].text
        self.clear()
        return count / seconds

    def _version(self, headers: dict[str, str]) -> str:
        for number in range(45, 37, -1):
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/slurm/v0.0.{number}/ping", headers=headers).status_code == 200:
                    return f"v0.0.{number}"
        raise SystemExit("slurmrestd speaks none of the versions that this benchmark knows.")

    def sustained(self, spec: dict[str, Any], folder: Path) -> float:
        """The very program that the agent starts, on the same spec."""
        for number in range(SUSTAINED):
            (folder / f"{number}").mkdir(parents=True)
            (folder / f"{number}.json").write_text(json.dumps(spec | {"name": f"{SECONDS} bare"}))
            words = f"run --spec {folder}/{number}.json --out {folder}/{number}"
            wrap = f"PYTHONPATH={ROOT} {sys.executable} {PAYLOAD} {words}"
            self.cluster.ask("sbatch", "-A", "paas", "--gres=gpu:1", "-t", "5", "-J", "bare", "--wrap", wrap)
        while self.cluster.jobs("bare", "PENDING", "RUNNING", "COMPLETING"):
            time.sleep(0.5)
        return rate_of(self.cluster, "--name=bare")

    def clear(self) -> None:
        self.cluster.ask("scancel", "--user=root")
        while self.cluster.ask("squeue", "-h"):
            time.sleep(0.2)


def rate_of(cluster: Any, which: str) -> float:
    """Jobs a second between the first start and the last end, as the accounting has them; it may lag for a moment."""
    for _ in range(60):
        said = cluster.ask("sacct", "-X", "-n", "-P", "-S", "now-1days", which, "-o", "Start,End,State")
        rows = [line.split("|") for line in said.splitlines()]
        if len(rows) >= SUSTAINED and all(end.isdigit() for _start, end, _state in rows):
            assert {state for _start, _end, state in rows} == {"COMPLETED"}, said
            return len(rows) / (max(int(end) for _start, end, _ in rows) - min(int(start) for start, _end, _ in rows))
        time.sleep(0.5)
    raise SystemExit("The accounting does not know all jobs.")


def handed_over(world: Any, since: float) -> list[float]:
    """When each job since then was in the scheduler's hands: what the agent writes after sbatch, of it or its array."""
    from jobs.agent.backends.slurm_journal import Journals

    journals = Journals(world.shop.work / "jobs", world.shop.work / "sweeps")
    found = journals.read(order.parent.name for order in world.shop.work.glob("jobs/*/order.json"))
    newest = [one["submissions"][-1] for one in found.values() if one.get("submissions")]
    moments = [datetime.fromisoformat(one["at"]).timestamp() for one in newest if one["native_id"]]
    return sorted(moment for moment in moments if moment >= since)


@dataclass(frozen=True)
class Burst:
    rate: float  # jobs a second, from the first lease to the last job handed over
    seconds: float  # from the first click to the last job handed over, with the start of the agent in between
    spec: dict[str, Any]  # of one of its jobs


def burst(world: Any, bare: Bare) -> Burst:
    """Many jobs wait at the portal when the agent comes."""
    world.shop.process.terminate()
    world.shop.process.wait()
    bare.cluster.ask("scontrol", "update", "partitionname=gpu", "state=DOWN")
    clicked = time.time()
    jobs = world.portal.ask("submit", "0 burst", JOBS)
    clicks = time.time() - clicked
    began = time.time()
    world.shop.start()
    while len(seen := handed_over(world, began)) < JOBS:
        time.sleep(0.1)
    # The agent that went away may have left a question at the portal, which then leased to nobody: not this burst's.
    first = min(moment for moment in leased_at(world) if moment >= began)
    spec = json.loads(next(world.shop.work.glob("jobs/*/order.json")).read_text())["spec"]
    bare.cluster.ask("scontrol", "update", "partitionname=gpu", "state=UP")
    world.all_well(jobs, seconds=900)
    return Burst(rate=JOBS / (seen[-1] - first), seconds=clicks + seen[-1] - began, spec=spec)


def leased_at(world: Any) -> list[float]:
    return [datetime.fromisoformat(moment).timestamp() for moment in world.portal.ask("leased")]


def latencies(world: Any) -> list[float]:
    """One job at a time: from the click at the portal until the scheduler has it."""
    found = []
    for _ in range(SINGLE):
        time.sleep(1.3)  # nobody clicks in step with the agent
        asked = time.time()
        jobs = world.portal.ask("submit", "0 single", 1)
        while not (seen := handed_over(world, asked)):
            time.sleep(0.01)
        found.append(seen[0] - asked)
        world.all_well(jobs)
    return found


def sustained(world: Any) -> float:
    jobs = world.portal.ask("submit", f"{SECONDS} sustained", SUSTAINED)
    book = world.all_well(jobs, seconds=900)
    return rate_of(world.cluster, "--jobs=" + ",".join(row["id"] for job in book for row in job["usage"]))
