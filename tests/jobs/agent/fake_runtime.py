"""Stands in for the training runtime: same command, same files, no torch. The job's name says what to play.

ok            trains a few steps and delivers
slow          many steps of a tenth of a second, with a checkpoint after each
brief         a few such steps
endless       the same, and never ends by itself
stubborn      endless, and ignores STOP and SIGTERM
memory        endless, and takes more and more of it
fail:CODE     ends with that failure
crash         ends with exit code 3 and no result
noisy         writes bytes that are no text
"""

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

SLOW_STEPS, BRIEF_STEPS = 60, 12
# Longer than any test waits: what must be ended from outside never ends by itself, however slow the machine.
ENDLESS_STEPS = 6000
ENDLESS = ("endless", "stubborn", "memory")


def main() -> int:
    arguments = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    spec = json.loads(Path(arguments["--spec"]).read_bytes())
    data, out = Path(arguments["--data"]), Path(arguments["--out"])
    play = spec["name"].split(" ")[0]
    for split in ("train", "validation", "test"):
        named = spec["data"][split]
        assert hashlib.sha256((data / named["name"]).read_bytes()).hexdigest() == named["sha256"]
    (out / "work").mkdir(parents=True, exist_ok=True)
    return Run(spec, out, play).go()


class Run:
    def __init__(self, spec: dict, out: Path, play: str) -> None:
        self.spec, self.out, self.play = spec, out, play
        self.stopped = False
        self.events = out / "events.jsonl"
        self.seq = self._cut_torn_line()
        if play != "stubborn":
            signal.signal(signal.SIGTERM, self._on_term)
        else:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def _on_term(self, number, frame) -> None:
        self.stopped = True

    def _cut_torn_line(self) -> int:
        if not self.events.exists():
            return 0
        whole = self.events.read_bytes().rpartition(b"\n")
        self.events.write_bytes(whole[0] + whole[1])
        return len(whole[0].splitlines())

    def event(self, kind: str, **data) -> None:
        self.seq += 1
        with self.events.open("a") as file:
            file.write(json.dumps({"seq": self.seq, "t": time.time(), "type": kind, **data}) + "\n")

    def go(self) -> int:
        if (self.out / "result.json").exists():
            return 0
        self.event("state", state="preparing", pid=os.getpid())
        if self.play.startswith("fail:"):
            return self.fail(self.play.removeprefix("fail:"))
        if self.play == "crash":
            return 3
        if self.play == "noisy":
            sys.stdout.buffer.write(b"caf\xe9 \xe2\x82\xac \x00 end\n")
            sys.stdout.flush()
        checkpoint = self.out / "work" / "step"
        first = int(checkpoint.read_text()) if checkpoint.exists() else 0
        steps = ENDLESS_STEPS if self.play in ENDLESS else {"slow": SLOW_STEPS, "brief": BRIEF_STEPS}.get(self.play, 3)
        self.event("progress", step=first, steps=steps, resumed_from=first or None)
        hoard = []
        for step in range(first + 1, steps + 1):
            print(f"step {step} of {steps}", flush=True)
            self.event("metrics", step=step, steps=steps, loss=1 / step, eta_seconds=steps - step)
            if steps > 3:
                time.sleep(0.1)
            if self.play == "memory" and len(hoard) < 40:
                hoard.append(b"x" * 30_000_000)
            draft = checkpoint.with_suffix(".new")
            draft.write_text(str(step))
            draft.replace(checkpoint)
            if self.play != "stubborn" and (self.stopped or (self.out / "STOP").exists()):
                return self.end("stopped", step)
        return self.end("succeeded", steps)

    def fail(self, code: str) -> int:
        self.event("failure", hint_code=code)
        self.write("result.json", {"state": "failed", "hint_code": code, "sentence": f"It failed: {code}."})
        return 19

    def end(self, state: str, steps: int) -> int:
        result = {"state": state, "steps": {"done": steps}, "base_model": {"revision": "rev-1"}}
        artefacts = self.out / "artefacts"
        (artefacts / "model").mkdir(parents=True, exist_ok=True)
        (artefacts / "model" / "classifier.safetensors").write_bytes(b"w" * 3_000_000 + str(steps).encode())
        (artefacts / "result.json").write_text(json.dumps(result))
        files = [
            {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for path in ("model/classifier.safetensors", "result.json")
            for content in [(artefacts / path).read_bytes()]
        ]
        manifest = {
            "schema": "open-paas/manifest/1", "spec_hash": spec_hash(self.spec),
            "base_model": self.spec["base_model"]["id"], "base_digest": "b" * 64, "files": files,
        }  # fmt: skip
        (artefacts / "manifest.json").write_text(json.dumps(manifest))
        self.event("state", state=state)
        self.write("result.json", result)
        return 0

    def write(self, name: str, value: object) -> None:
        (self.out / f".{name}").write_text(json.dumps(value))
        (self.out / f".{name}").replace(self.out / name)


def spec_hash(spec: dict) -> str:
    from models_hub.specs import JobSpec

    return JobSpec.from_json(spec).spec_hash


if __name__ == "__main__":
    sys.exit(main())
