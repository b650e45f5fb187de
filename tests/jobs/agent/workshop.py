"""A site in a temporary folder: a configuration, a store, and an agent in a thread or in a process of its own."""

import contextlib
import gc
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from jobs.agent.config import Config, read_config
from jobs.agent.run import Agent
from jobs.siteapi.services import create_enrolment_code

ROOT = Path(__file__).resolve().parents[3]
FAKE = [sys.executable, str(Path(__file__).with_name("fake_runtime.py"))]


class Workshop:
    def __init__(self, folder: Path, *, url: str, code: str = "", command: list[str] | None = None) -> None:
        self.folder, self.store, self.work = folder, folder / "store", folder / "agent"
        self.file = folder / "agent.toml"
        self.url, self.code, self.command = url, code, FAKE if command is None else command
        self.process: subprocess.Popen[bytes] | None = None
        self.store.mkdir(parents=True)
        self.options: dict[str, Any] = {}
        self.allow: dict[str, Any] = {}
        self.agent_table: dict[str, Any] = {}
        self.portal_table: dict[str, Any] = {}
        self.write()

    def add_model(self, slug: str, revision: str = "rev-1") -> None:
        (self.store / slug).mkdir()
        (self.store / slug / "store.json").write_text(json.dumps({"id": slug, "revision": revision}))

    def write(self) -> None:
        tables = {
            "portal": {"url": self.url, "enrolment_code": self.code, "wait_seconds": 0, **self.portal_table},
            "agent": {"work": str(self.work), "store": str(self.store), "name": "workshop", **self.agent_table},
            "allow": {"recipes": ["chat", "classify"], "max_gpus": 1, "max_minutes": 60, **self.allow},
            f"backend.{self.agent_table.get('backend', 'local')}": {
                **({"command": self.command} if self.command else {}),
                **self.options,
            },
        }
        lines = [
            line
            for name, table in tables.items()
            for line in (f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items()))
        ]
        self.file.write_text("\n".join(lines))

    @property
    def config(self) -> Config:
        return read_config(self.file)

    # ---- in this process -----------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def agent(self) -> Iterator[Agent]:
        agent = Agent(self.config)
        thread = threading.Thread(target=agent.run)
        thread.start()
        try:
            yield agent
        finally:
            agent.stop.set()
            agent.news.set()
            thread.join(timeout=40)
            assert not thread.is_alive()
            # What it is just saying is heard before the database is emptied; a question that waits is not waited for.
            agent.talking.join(timeout=3)

    # ---- in its own ----------------------------------------------------------------------------------------------

    def start(self) -> "subprocess.Popen[bytes]":
        with (self.folder / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jobs.agent", "run", "--config", str(self.file)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        return self.process

    def kill(self) -> None:
        """kill -9: no goodbye, no tidying."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """SIGTERM, and everything it started is gone afterwards."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=40)
        for pid in self.wrappers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def log(self) -> str:
        path = self.folder / "agent.log"
        return path.read_text() if path.exists() else ""

    def command_line(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "jobs.agent", *words, "--config", str(self.file)],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    # ---- what runs -----------------------------------------------------------------------------------------------

    def receipts(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.work.glob(f"jobs/*/runs/*/{name}.json"))]

    def wrappers(self) -> list[int]:
        return [found["pid"] for found in self.receipts("start") if alive(found["pid"])]

    def trainings(self) -> list[int]:
        return [found["pid"] for found in self.receipts("child") if alive(found["pid"])]


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)


def remembers(root: Any, word: str, *, but: tuple[Any, ...] = ()) -> bool:
    """Whether a text with that word can be reached from an object, without going through code, or through `but`."""
    seen = {id(one) for one in but}
    ahead = [root]
    while ahead:
        one = ahead.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType | CodeType | logging.Logger):
            continue
        seen.add(id(one))
        if isinstance(one, str) and word in one:
            return True
        ahead += gc.get_referents(one)
    return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def eventually(condition: Callable[[], Any], *, seconds: float = 120.0, note: Callable[[], str] = str) -> Any:
    """Waits for something to become true; the time is a bound for a broken run, not a promise."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"did not happen within {seconds} s\n{note()}")


def workshop_for(site: Any, folder: Path, url: str, **words: Any) -> Workshop:
    code = create_enrolment_code(site=site, actor=None, at=datetime.now(UTC))
    shop = Workshop(folder, url=url, code=code, **words)
    shop.add_model("tiny-encoder")
    return shop
