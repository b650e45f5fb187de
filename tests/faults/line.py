"""The line between an agent and the portal, one HTTP message at a time: it knows what each message means.

`armed` makes something happen before the portal hears a step, or after it has answered and before the agent knows.
`weather` loses, repeats, delays and overtakes messages at random. Every message can be kept and sent again much later.
"""

import contextlib
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

FINAL = {"done", "failed", "cancelled"}


@dataclass
class Weather:
    """Shares of the messages that are lost on their way there or back, sent twice, or held back; seconds they wait."""

    lost: float = 0.0
    twice: float = 0.0
    held: float = 0.0
    longest: float = 0.0
    seed: int = 7
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 (a fixed order, not a secret)

    def falls(self, share: float) -> bool:
        return self.dice.random() < share


@dataclass
class Armed:
    step: str
    moment: str
    act: Callable[[], None]
    fired: bool = False


class Line:
    def __init__(self, port: int) -> None:
        self.port = port
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://localhost:{self.listener.getsockname()[1]}"
        self.armed: Armed | None = None
        self.weather: Weather | None = None
        self.seen: Counter[str] = Counter()
        self.kept: list[bytes] = []
        self.cut = False
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.cut = True
        self.listener.close()

    def at(self, step: str, moment: str) -> None:
        """A step is about to be heard, or has been answered. Called by the tools of the site, too."""
        with self._lock:
            armed = self.armed
            if armed is None or armed.fired or (armed.step, armed.moment) != (step, moment):
                return
            armed.fired = True
        armed.act()

    def again(self, message: bytes) -> bytes:
        """Says an old message once more and gives the portal's answer."""
        return self._forward(message)

    # ---- one message after the other -----------------------------------------------------------------------------

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), client:
            message = _read(client)
            while message and not self.cut:
                answer = self._pass_on(message)
                if answer is None:
                    return
                client.sendall(answer)
                message = b""  # answers say `Connection: close`

    def _pass_on(self, message: bytes) -> bytes | None:
        """The portal's answer; None where the line breaks instead."""
        steps = list(_steps(message))
        for step in steps:
            self.seen[step] += 1
            self.at(step, "before")
        weather = self.weather
        if weather:
            if weather.falls(weather.held):
                time.sleep(weather.dice.uniform(0, weather.longest))  # later ones overtake it
            if weather.falls(weather.lost / 2):
                return None
        answer = self._forward(message)
        if weather and weather.falls(weather.twice):
            self._forward(message)
        self.kept.append(message)
        for step in [*steps, *_answered(message, answer)]:
            self.at(step, "after")
        return None if weather and weather.falls(weather.lost / 2) else answer

    def _forward(self, message: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as portal:
            portal.sendall(message.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            return b"".join(iter(lambda: portal.recv(65536), b""))


def _read(client: socket.socket) -> bytes:
    """One whole request; the agent's client always says how long it is."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        piece = client.recv(65536)
        if not piece:
            return b""
        raw += piece
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    length = next((int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        piece = client.recv(65536)
        if not piece:
            return b""
        body += piece
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _steps(message: bytes) -> Iterator[str]:
    """Which steps of the protocol this request is."""
    head, _, body = message.partition(b"\r\n\r\n")
    method, path = head.split(b" ")[:2]
    path = path.partition(b"?")[0]
    if path.endswith(b"/enrol"):
        yield "enrol"
    elif path.endswith(b"/session"):
        yield "session"
    elif b"/inputs/" in path:
        yield "stage"
    elif method == b"PUT" and b"/artefacts/" in path:
        yield "manifest" if path.endswith(b"manifest.json") else "piece"
    elif path.endswith(b"/sync"):
        yield from _said(json.loads(body))


def _said(message: dict[str, Any]) -> Iterator[str]:
    states = {one["state"] for one in message["attempts"]}
    for name, said in {
        "lease": message.get("wanted", 0) > 0,
        "staging": "staging" in states,
        "commit": "submitted" in states,
        "start": "running" in states,
        "collecting": "collecting" in states,
        "event": bool(message["events"]),
        "log": bool(message["logs"]),
        "usage": bool(message["usage"]),
        "final": bool(states & FINAL),
        "wipe": bool(message.get("removed")),
    }.items():
        if said:
            yield name


def _answered(message: bytes, answer: bytes) -> Iterator[str]:
    """What only the answer tells: work was given, an attempt was closed."""
    if b"/sync " not in message[:80]:
        return
    with contextlib.suppress(ValueError):
        said = json.loads(answer.partition(b"\r\n\r\n")[2])
        if said.get("work"):
            yield "work"
        if said.get("closed"):
            yield "closed"
