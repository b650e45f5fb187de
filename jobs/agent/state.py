"""What the agent must not forget, in SQLite (WAL): its attempts, what of them the portal knows, and usage to report.

Each method is one transaction. The agent may be killed between any two: what was written is true, and everything is
said to the portal again until it is acknowledged.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jobs.agent.backends.base import UsageRow

_SCHEMA = """
CREATE TABLE IF NOT EXISTS attempt (
    key TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    payload TEXT NOT NULL,              -- the verified work as it arrived, JSON
    state TEXT NOT NULL,
    seq INTEGER NOT NULL DEFAULT 1,     -- rises with each change of state
    acked INTEGER NOT NULL DEFAULT 0,   -- the newest seq the portal has acknowledged
    lease_until REAL NOT NULL,          -- by our clock
    cancel INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0, -- the portal will hear no more of it
    closed INTEGER NOT NULL DEFAULT 0,  -- the portal has closed it: its data may go
    staged INTEGER NOT NULL DEFAULT 0,
    restarts INTEGER NOT NULL DEFAULT 0,
    facts TEXT NOT NULL DEFAULT '{}',   -- what goes with the state: times, exit, reason, result
    events_acked INTEGER NOT NULL DEFAULT 0,
    log_acked INTEGER NOT NULL DEFAULT 0,
    wiped INTEGER NOT NULL DEFAULT 0,
    ended_at REAL
);
CREATE TABLE IF NOT EXISTS usage (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    started_at TEXT NOT NULL,
    row TEXT NOT NULL,
    acked INTEGER NOT NULL DEFAULT 0,
    refused TEXT NOT NULL DEFAULT '',
    UNIQUE (key, started_at)
);
CREATE TABLE IF NOT EXISTS removal (
    key TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    at TEXT NOT NULL,                   -- when the data were gone
    acked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
-- What is over stays for a month and is many times more than what goes on.
CREATE INDEX IF NOT EXISTS attempt_here ON attempt (wiped);
CREATE INDEX IF NOT EXISTS usage_unsaid ON usage (id) WHERE acked = 0 AND refused = '';
"""
# SQLite reads the offset that a moment carries and gives the day in UTC.
_ENDED_ON = "date(json_extract(row, '$.ended_at')) = ?"
FINAL = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True)
class Attempt:
    key: str
    token: str
    payload: dict[str, Any]
    state: str
    seq: int
    acked: int
    lease_until: float
    cancel: bool
    dropped: bool
    closed: bool
    staged: bool
    restarts: int
    facts: dict[str, Any]
    events_acked: int
    log_acked: int
    wiped: bool
    ended_at: float | None

    @property
    def final(self) -> bool:
        return self.state in FINAL

    @property
    def committed(self) -> bool:
        """The portal knows that this site takes the work: nobody else will be given it."""
        return self.state == "submitted" and self.acked >= self.seq


class State:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        path.chmod(0o600)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written inside is on the disk at its end, all of it or nothing; other threads wait meanwhile."""
        with self._writing():
            yield

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._db.in_transaction:  # of this very thread, which holds the lock
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    # ---- attempts ------------------------------------------------------------------------------------------------

    def take(self, *, key: str, token: str, payload: dict[str, Any], lease_seconds: float) -> bool:
        """Writes down leased work; False when it is known already."""
        with self._writing() as db:
            done = db.execute(
                "INSERT INTO attempt (key, token, payload, state, lease_until) VALUES (?, ?, ?, 'leased', ?) "
                "ON CONFLICT (key) DO NOTHING",
                (key, token, json.dumps(payload), time.time() + lease_seconds),
            )
            return done.rowcount == 1

    def attempts(self) -> list[Attempt]:
        """All whose data are still here, in the order they came."""
        with self._lock:
            rows = self._db.execute("SELECT * FROM attempt WHERE wiped = 0 ORDER BY rowid").fetchall()
        return [_attempt(row) for row in rows]

    def tokens(self, keys: Iterable[str]) -> dict[str, str]:
        """Also of attempts whose data are gone, while they are remembered."""
        with self._lock:
            rows = self._db.execute(
                "SELECT key, token FROM attempt WHERE key IN (SELECT value FROM json_each(?))", (json.dumps([*keys]),)
            ).fetchall()
        return {row["key"]: row["token"] for row in rows}

    def staged(self, *, sha256: str, tenant: str | None, most: int = 3) -> list[Attempt]:
        """Some attempts of that organisation whose inputs lie here, among them a file with that digest."""
        with self._lock:
            rows = self._db.execute(
                "SELECT * FROM attempt WHERE staged = 1 AND wiped = 0 AND instr(payload, ?) "
                "AND json_extract(payload, '$.tenant') IS ? ORDER BY rowid LIMIT ?",
                (sha256, tenant, most),
            ).fetchall()
        return [_attempt(row) for row in rows]

    def attempt(self, key: str) -> Attempt | None:
        with self._lock:
            row = self._db.execute("SELECT * FROM attempt WHERE key = ?", (key,)).fetchone()
        return _attempt(row) if row else None

    def move(self, key: str, state: str, **facts: Any) -> None:
        """A new state, with what goes with it; a final one stays."""
        with self._writing() as db:
            row = db.execute("SELECT state, facts FROM attempt WHERE key = ?", (key,)).fetchone()
            if row is None or row["state"] in FINAL or (row["state"] == state and not facts):
                return
            merged = {**json.loads(row["facts"]), **facts}
            db.execute(
                "UPDATE attempt SET state = ?, seq = seq + 1, facts = ?, ended_at = ? WHERE key = ?",
                (state, json.dumps(merged), time.time() if state in FINAL else None, key),
            )

    def set(self, key: str, **columns: Any) -> None:
        """Sets single columns, of those below."""
        unknown = columns.keys() - {
            "cancel", "dropped", "closed", "staged", "restarts", "events_acked", "log_acked", "wiped", "lease_until",
        }  # fmt: skip
        if unknown:
            raise ValueError(f"no such columns: {unknown}")
        names = ", ".join(f"{name} = ?" for name in columns)
        with self._writing() as db:
            db.execute(f"UPDATE attempt SET {names} WHERE key = ?", (*columns.values(), key))  # noqa: S608

    def acknowledge(self, key: str, seq: int) -> None:
        with self._writing() as db:
            db.execute("UPDATE attempt SET acked = max(acked, ?) WHERE key = ?", (seq, key))

    def forget_before(self, moment: float) -> None:
        """Rows of attempts that ended and were wiped long ago."""
        with self._writing() as db:
            db.execute("DELETE FROM attempt WHERE wiped = 1 AND ended_at < ?", (moment,))
            db.execute("DELETE FROM removal WHERE acked = 1 AND key NOT IN (SELECT key FROM attempt)")

    # ---- usage ---------------------------------------------------------------------------------------------------

    def meter(self, rows: list[UsageRow]) -> None:
        with self._writing() as db:
            for row in rows:
                plain = {
                    name: value.isoformat() if isinstance(value, datetime) else value
                    for name, value in asdict(row).items()
                }
                db.execute(
                    "INSERT INTO usage (key, started_at, row) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (row.key, plain["started_at"], json.dumps(plain)),
                )

    def usage_to_report(self, most: int = 200) -> list[tuple[int, dict[str, Any]]]:
        with self._lock:
            rows = self._db.execute(
                "SELECT usage.id, usage.row FROM usage WHERE acked = 0 AND refused = '' ORDER BY id LIMIT ?", (most,)
            ).fetchall()
        return [(row["id"], json.loads(row["row"])) for row in rows]

    def usage_acknowledged(self, ids: list[int]) -> None:
        with self._writing() as db:
            db.executemany("UPDATE usage SET acked = 1 WHERE id = ?", [(one,) for one in ids])

    def usage_refused(self, one: int, code: str) -> None:
        with self._writing() as db:
            db.execute("UPDATE usage SET refused = ? WHERE id = ?", (code, one))

    def owes_usage(self, key: str) -> bool:
        with self._lock:
            row = self._db.execute(
                "SELECT 1 FROM usage WHERE key = ? AND acked = 0 AND refused = '' LIMIT 1", (key,)
            ).fetchone()
        return row is not None

    # ---- removals ------------------------------------------------------------------------------------------------

    def wiped(self, key: str, *, at: str) -> None:
        """The data of an attempt are gone; from now on the portal is told so."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO removal (key, token, at) SELECT key, token, ? FROM attempt WHERE key = ? "
                "ON CONFLICT DO NOTHING",
                (at, key),
            )
            db.execute("UPDATE attempt SET wiped = 1 WHERE key = ?", (key,))

    def removals_to_report(self, most: int = 200) -> list[dict[str, Any]]:
        with self._lock:
            rows = self._db.execute(
                "SELECT key, token, at FROM removal WHERE acked = 0 ORDER BY rowid LIMIT ?", (most,)
            ).fetchall()
        return [dict(row) for row in rows]

    def removals_acknowledged(self, keys: list[str]) -> None:
        with self._writing() as db:
            db.executemany("UPDATE removal SET acked = 1 WHERE key = ?", [(key,) for key in keys])

    def usage_of_attempt(self, key: str) -> list[dict[str, Any]]:
        """Every row of one attempt, as it is reported."""
        with self._lock:
            rows = self._db.execute("SELECT row FROM usage WHERE key = ? ORDER BY id", (key,)).fetchall()
        return [json.loads(row["row"]) for row in rows]

    def usage_of(self, day: str) -> list[dict[str, Any]]:
        """Every row that ended on that UTC day, whatever the portal made of it."""
        with self._lock:
            rows = self._db.execute(f"SELECT row FROM usage WHERE {_ENDED_ON} ORDER BY id", (day,)).fetchall()  # noqa: S608
        return [json.loads(row["row"]) for row in rows]

    def owes_usage_of(self, day: str) -> bool:
        """Whether the portal has not yet answered for a row of that day."""
        with self._lock:
            row = self._db.execute(
                f"SELECT 1 FROM usage WHERE acked = 0 AND refused = '' AND {_ENDED_ON} LIMIT 1",  # noqa: S608
                (day,),
            ).fetchone()
        return row is not None

    def usage_again(self, day: str) -> int:
        """Every row of that day is to be reported again, refused ones too. Returns how many."""
        with self._writing() as db:
            return db.execute(f"UPDATE usage SET acked = 0, refused = '' WHERE {_ENDED_ON}", (day,)).rowcount  # noqa: S608

    # ---- small facts ---------------------------------------------------------------------------------------------

    def note(self, name: str, value: Any) -> None:
        with self._writing() as db:
            db.execute(
                "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, json.dumps(value)),
            )

    def unnote(self, name: str) -> None:
        with self._writing() as db:
            db.execute("DELETE FROM meta WHERE name = ?", (name,))

    def noted(self, name: str, otherwise: Any = None) -> Any:
        with self._lock:
            row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return json.loads(row["value"]) if row else otherwise


def _attempt(row: sqlite3.Row) -> Attempt:
    flags = ("cancel", "dropped", "closed", "staged", "wiped")
    fields = {name: bool(row[name]) if name in flags else row[name] for name in row.keys()}  # noqa: SIM118
    return Attempt(**{**fields, "payload": json.loads(row["payload"]), "facts": json.loads(row["facts"])})
