"""The demonstration store: a real small encoder and a tiny Llama made on the spot, for machines without the internet.

Both are labelled as demonstration models. They show that the whole way works; they are not meant for work.
"""

from __future__ import annotations

import sys

from models_hub.training.demo.encoder import ENCODER_ID, copy_encoder
from models_hub.training.demo.tiny_llama import FULL, LLAMA_ID, QUICK, build_llama
from models_hub.training.store import Store, seal

DEMO_REVISION = "demo-1"
ENCODER_REPO = "sentence-transformers/all-MiniLM-L6-v2"


def fill(store: Store, *, quick: bool = False) -> list[str]:
    """Put in what is missing; a model that is there is left alone. Returns the ids that were added."""
    added = []
    if not (store.root / ENCODER_ID).exists():
        with store.new_model(ENCODER_ID) as folder:
            copy_encoder(folder)
            seal(folder, model_id=ENCODER_ID, repo=ENCODER_REPO, revision=DEMO_REVISION, demonstration=True)
        added.append(ENCODER_ID)
    if not (store.root / LLAMA_ID).exists():
        with store.new_model(LLAMA_ID) as folder:
            build_llama(folder, QUICK if quick else FULL, report=lambda line: print(line, file=sys.stderr, flush=True))
            seal(folder, model_id=LLAMA_ID, repo=None, revision=DEMO_REVISION, demonstration=True)
        added.append(LLAMA_ID)
    return added
