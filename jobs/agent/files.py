"""Files that are there whole or not at all, also after a kill or a power cut."""

import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any


def write_atomically(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    # Two threads that write the same file each have a draft of their own.
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_native_id()}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def write_json(path: Path, value: Any) -> None:
    write_atomically(path, json.dumps(value).encode())


def read_json(path: Path) -> Any:
    """The JSON in a file, without NaN; None when there is no file, or nothing readable in it."""
    try:
        return json.loads(path.read_bytes(), parse_constant=lambda name: None)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1024 * 1024):
            digest.update(block)
    return digest.hexdigest()
