"""The protocol's messages as an OpenAPI document, for those who write an agent of their own; its source is in docs/."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).resolve().parents[2] / "docs" / "site-api.yaml"


@cache
def document() -> dict[str, Any]:
    """The document as it is served."""
    read: dict[str, Any] = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    return read
