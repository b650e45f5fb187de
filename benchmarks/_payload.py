"""What the jobs of benchmarks/dispatch run: nothing for a while, then the smallest result that the portal takes.

Started by the agent as a training runtime is, and by bare Slurm with the same words.
"""

import hashlib
import json
import sys
import time
from pathlib import Path


def main() -> int:
    words = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    spec, out = json.loads(Path(words["--spec"]).read_bytes()), Path(words["--out"])
    time.sleep(float(spec["name"].partition(" ")[0]))
    from models_hub.specs import JobSpec

    content = b"weights"
    (out / "artefacts/model").mkdir(parents=True, exist_ok=True)
    result = json.dumps({"state": "succeeded", "steps": {"done": 1}, "base_model": {"revision": "rev-1"}}).encode()
    files = {"model/classifier.safetensors": content, "result.json": result}
    for path, raw in files.items():
        (out / "artefacts" / path).write_bytes(raw)
    manifest = {
        "schema": "open-paas/manifest/1", "spec_hash": JobSpec.from_json(spec).spec_hash,
        "base_model": spec["base_model"]["id"], "base_digest": "b" * 64,
        "files": [
            {"path": path, "sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)} for path, raw in files.items()
        ],
    }  # fmt: skip
    (out / "artefacts/manifest.json").write_text(json.dumps(manifest))
    (out / ".result.json").write_bytes(result)
    (out / ".result.json").replace(out / "result.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
