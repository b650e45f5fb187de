"""Reading what a run writes while it writes: numbered events and the log, from where the portal stands."""

import json
from pathlib import Path
from typing import Any

EVENTS_AT_ONCE = 200
EVENT_BYTES = 256 * 1024
LOG_BYTES = 128 * 1024
LOG_LIMIT = 15 * 1024 * 1024


class EventTail:
    """Follows one events.jsonl. Keeps its place, so that a long file is not read again for each new line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place, self.before = 0, 0  # bytes, and the number of the last event before them

    def after(self, acked: int) -> list[dict[str, Any]]:
        """Whole lines with a number above `acked`, at most some hundred. A half line at the end waits."""
        if acked < self.before:
            self.place, self.before = 0, 0
        found: list[dict[str, Any]] = []
        size = 0
        try:
            with self.path.open("rb") as file:
                file.seek(self.place)
                place = self.place
                for line in file:
                    if not line.endswith(b"\n") or len(found) >= EVENTS_AT_ONCE or size > EVENT_BYTES:
                        break
                    place += len(line)
                    event = _event(line)
                    if event is None:
                        continue
                    if event["seq"] <= acked:
                        self.place, self.before = place, event["seq"]
                        continue
                    found.append(event)
                    size += len(line)
        except FileNotFoundError:
            return []
        return found


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line, parse_constant=lambda name: None)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("seq"), int) else None


def log_text(raw: bytes, *, whole: bool) -> str:
    """Bytes as text of the very same length in UTF-8: what is not UTF-8, and NUL, becomes a question mark.

    A character cut at the end waits for its rest, unless the log is `whole`.
    """
    text: list[str] = []
    rest = raw
    while rest:
        try:
            text.append(rest.decode())
            break
        except UnicodeDecodeError as error:
            text.append(rest[: error.start].decode())
            cut = error.end == len(rest) and len(rest) - error.start < 4 and error.reason == "unexpected end of data"
            if cut and not whole:
                break
            text.append("?" * (error.end - error.start))
            rest = rest[error.end :]
    return "".join(text).replace("\0", "?")
