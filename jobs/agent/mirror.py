"""Where base models come from: a folder, or the same folder behind an HTTP server. Files are asked for by piece.

    index.json        {"schema": "open-paas/mirror/1", "models": [{"id", "revision", "bytes", "seal", "path"}]}
    <path>/store.json, config.json, model.safetensors, …     as in a model store (docs/training-runtime.md)

`python -m models_hub.training store index` writes the index of a store. `seal` is the SHA-256 of the model's
store.json, which in turn holds that of every file. Of several revisions of one id the first is the newest.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from jobs.agent.models import SEAL
from models_hub.specs.fields import SAFE_NAME

INDEX, INDEX_SCHEMA = "index.json", "open-paas/mirror/1"
BLOCK = 1024 * 1024
_MOST_JSON = 16 * 1024 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")


class MirrorAway(OSError):
    """The source does not answer, or not in full: tried again."""


class MirrorWrong(ValueError):
    """What the source holds is not what it says: nothing of it is used."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A model that can be fetched."""

    id: str
    revision: str
    bytes: int
    seal: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.id}@{self.revision}"


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """`place` is a folder's path or an http(s) address; `token` is sent as a bearer token where there is one."""

    place: str
    token: str = ""
    ca_file: str = ""
    timeout: float = 30.0

    def offers(self) -> list[Offer]:
        """Raises MirrorAway, or MirrorWrong at the first row that makes no sense."""
        try:
            raw = json.loads(self._whole(INDEX))
            if raw["schema"] != INDEX_SCHEMA:
                raise ValueError("another schema")
            return [_offer(row) for row in raw["models"]]
        except (KeyError, TypeError, ValueError) as error:
            raise MirrorWrong(f"The index of {self.place} cannot be read: {error}.") from error

    def files_of(self, offer: Offer) -> tuple[bytes, dict[str, str]]:
        """The model's seal as it is, and the digest of each of its files."""
        seal = self._whole(f"{offer.path}/{SEAL}")
        if hashlib.sha256(seal).hexdigest() != offer.seal:
            raise MirrorWrong(f"The seal of {offer.name} is not the one in the index.")
        raw = json.loads(seal)
        files = raw.get("files")
        named = (raw.get("id"), raw.get("revision")) == (offer.id, offer.revision)
        if not named or not isinstance(files, dict) or not all(_safe(path, digest) for path, digest in files.items()):
            raise MirrorWrong(f"The seal of {offer.name} is not that of a model.")
        return seal, files

    def fetch(self, offer: Offer, path: str, target: Path, *, most: int, go_on: Callable[[], bool]) -> None:
        """Appends to `target` what it lacks of the file; what is there is kept. At most `most` bytes in all."""
        target.parent.mkdir(parents=True, exist_ok=True)
        have = target.stat().st_size if target.exists() else 0
        with self._from(f"{offer.path}/{path}", have) as (start, blocks), _open(target, start) as file:
            for block in blocks:
                if not go_on():
                    raise MirrorAway("The agent is stopping.")
                if file.tell() + len(block) > most:
                    raise MirrorWrong(f"{path} of {offer.name} is larger than the index says.")
                file.write(block)
            file.flush()
            os.fsync(file.fileno())

    # ---- the two kinds of places ---------------------------------------------------------------------------------

    @property
    def _is_folder(self) -> bool:
        return not self.place.startswith(("http://", "https://"))

    def _whole(self, path: str) -> bytes:
        found = b""
        with self._from(path, 0) as (_start, blocks):
            for block in blocks:
                found += block
                if len(found) > _MOST_JSON:
                    raise MirrorWrong(f"{path} of {self.place} is too large.")
        return found

    @contextmanager
    def _from(self, path: str, offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Where the answer begins, and its blocks. A server that knows no ranges begins at 0."""
        try:
            if self._is_folder:
                with (Path(self.place) / path).open("rb") as file:
                    file.seek(offset)
                    yield offset, iter(lambda: file.read(BLOCK), b"")
                return
            headers = {"Range": f"bytes={offset}-"} if offset else {}
            if self.token:
                headers["Authorization"] = f"Bearer {self.token}"
            address = f"{self.place.rstrip('/')}/{quote(path)}"
            with httpx.stream(
                "GET", address, headers={**headers, "Accept-Encoding": "identity"}, timeout=self.timeout,
                verify=self.ca_file or True, follow_redirects=False,
            ) as response:  # fmt: skip
                if response.status_code == 416:
                    yield offset, iter(())  # it is all there
                elif response.status_code == 206 and response.headers.get("Content-Range", "").startswith(
                    f"bytes {offset}-"
                ):
                    yield offset, response.iter_raw()
                elif response.status_code == 200:
                    yield 0, response.iter_raw()
                else:
                    raise MirrorAway(f"{address} answers {response.status_code}.")
        except httpx.HTTPError as error:
            raise MirrorAway(f"{self.place}: {error or type(error).__name__}") from error
        except FileNotFoundError as error:
            raise MirrorAway(f"{self.place} has no {path}.") from error


def _open(target: Path, start: int) -> Any:
    file = target.open("r+b" if target.exists() else "w+b")
    file.truncate(start)
    file.seek(start)
    return file


def _offer(row: dict[str, Any]) -> Offer:
    offer = Offer(
        id=str(row["id"]), revision=str(row["revision"]), bytes=int(row["bytes"]), seal=str(row["seal"]),
        path=str(row.get("path") or row["id"]),
    )  # fmt: skip
    names = (offer.id, offer.revision, *offer.path.split("/"))
    plain = all(SAFE_NAME.match(name) for name in (offer.id, offer.revision)) and all(_part(name) for name in names)
    if not plain or offer.bytes < 0 or not _SHA256.fullmatch(offer.seal):
        raise ValueError(f"the row of {offer.id}")
    return offer


def _safe(path: Any, digest: Any) -> bool:
    """A relative path of plain names, and a digest."""
    parts = path.split("/") if isinstance(path, str) else []
    return bool(parts) and all(map(_part, parts)) and isinstance(digest, str) and bool(_SHA256.fullmatch(digest))


def _part(name: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._@-]{0,254}", name))
