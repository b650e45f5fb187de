"""What a site says about an attempt, as frozen typed words.

`jobs.siteapi` reads them from messages, the services here act on them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal.kernel.errors import DomainError


class ReportRefused(DomainError):
    """A single report cannot be believed or is out of place. The rest of the message is not affected."""

    status = 422


@dataclass(frozen=True, kw_only=True)
class StateReport:
    """The attempt's newest state at the site. `seq` rises with each change, so an older one is recognised."""

    seq: int
    state: str
    native_id: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    signal: int | None = None
    hint_code: str = ""
    sentence: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    # The agent's signature over manifest.json, and the short name of the key that made it.
    manifest_signature: str = ""
    manifest_key: str = ""


@dataclass(frozen=True, kw_only=True)
class Event:
    seq: int
    at: datetime
    type: str
    data: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class LogPiece:
    """`offset` and length count bytes of UTF-8."""

    offset: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one start of an attempt held. GPU-seconds are whole and never more than gpus × wall time."""

    cluster: str
    native_id: str
    started_at: datetime
    ended_at: datetime
    gpus: int
    gpu_seconds: int
    method: str
    cpu_seconds: int = 0
    energy_joules: int | None = None
    receipt_gpu_seconds: int | None = None
