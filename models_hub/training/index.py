"""A store's index: with it the folder, or the same behind any HTTP server, is a source for other sites' caches."""

import hashlib
from pathlib import Path
from typing import Any

from models_hub.training.files import read_json, write_json
from models_hub.training.store import SEAL, SEAL_SCHEMA

INDEX, INDEX_SCHEMA = "index.json", "open-paas/mirror/1"


def write_index(root: Path) -> list[dict[str, Any]]:
    """Writes index.json over every sealed folder in `root`; a further revision lies beside the first as ID@REVISION."""
    rows = []
    for folder in sorted(path for path in root.iterdir() if (path / SEAL).is_file() and path.name[0] != "."):
        facts = read_json(folder / SEAL)
        if facts.get("schema") != SEAL_SCHEMA or folder.name.partition("@")[0] != facts["id"]:
            continue
        names = [SEAL, *facts["files"]]
        rows.append(
            {
                "id": facts["id"], "revision": facts["revision"], "path": folder.name,
                "bytes": sum((folder / name).stat().st_size for name in names),
                "seal": hashlib.sha256((folder / SEAL).read_bytes()).hexdigest(),
            }
        )  # fmt: skip
    write_json(root / INDEX, {"schema": INDEX_SCHEMA, "models": rows})
    return rows
