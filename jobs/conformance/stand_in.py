"""Stands in for the training runtime: same command, same files, a moment's work. Standard library only.

    stand_in.py run --spec FILE --data FOLDER --store FOLDER --out FOLDER

The first word of the job's name says what to play:

    ok      three steps, then delivers two small files
    big     the same with one file of 5 MB
    noisy   writes bytes that are no text, then as ok
    wait    trains until the file `go` appears beside this script, or until it is asked to stop; delivers then
    fail    ends with a failure that has a name
    crash   ends with exit code 3 and leaves no result

Each start leaves a note in `trace/` beside this script: by these the kit sees what ran, when, and with what.
"""

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LONGEST = 120.0
STEP = 0.05
# What the log holds after `noisy`, byte for byte, is this with every byte that is no text replaced by "?".
NOISE = b"caf\xe9 \xe2\x82\xac \x00 end\n"


class Run:
    def __init__(self, spec: dict, data: Path, out: Path) -> None:
        self.spec, self.data, self.out = spec, data, out
        self.play, _blank, self.key = spec["name"].partition(" ")
        self.stopped = False
        self.events = out / "events.jsonl"
        self.seq = self._cut_torn_line()
        signal.signal(signal.SIGTERM, self._on_term)

    def _on_term(self, number, frame) -> None:
        self.stopped = True

    def _cut_torn_line(self) -> int:
        if not self.events.exists():
            return 0
        whole = self.events.read_bytes().rpartition(b"\n")
        self.events.write_bytes(whole[0] + whole[1])
        return len(whole[0].splitlines())

    def event(self, kind: str, **data: object) -> None:
        self.seq += 1
        with self.events.open("a") as file:
            file.write(json.dumps({"seq": self.seq, "t": time.time(), "type": kind, **data}) + "\n")

    def trace(self, **facts: object) -> None:
        folder = HERE / "trace"
        folder.mkdir(exist_ok=True)
        self.note = {
            **getattr(self, "note", {"pid": os.getpid(), "started": time.time(), "key": self.key}), **facts,
        }  # fmt: skip
        name = f"{self.key}.{os.getpid()}.json"
        (folder / f".{name}").write_text(json.dumps(self.note))
        (folder / f".{name}").replace(folder / name)

    def go(self) -> int:
        wrong = [
            part["name"]
            for part in (self.spec["data"][split] for split in ("train", "validation", "test"))
            if not (self.data / part["name"]).is_file()
            or hashlib.sha256((self.data / part["name"]).read_bytes()).hexdigest() != part["sha256"]
        ]
        self.trace(data=str(self.data.resolve()), out=str(self.out.resolve()), wrong=wrong)
        code = self.act()
        self.trace(ended=time.time(), stopped=self.stopped, events=self.events.read_text().splitlines())
        return code

    def act(self) -> int:
        if (self.out / "result.json").exists():
            return 0
        (self.out / "work").mkdir(parents=True, exist_ok=True)
        self.event("state", state="preparing", pid=os.getpid())
        if self.play == "fail":
            self.event("failure", hint_code="diverged")
            self.write("result.json", {"state": "failed", "hint_code": "diverged", "sentence": "It did not learn."})
            return 19
        if self.play == "crash":
            return 3
        if self.play == "noisy":
            sys.stdout.buffer.write(NOISE)
            sys.stdout.flush()
        return self.train()

    def train(self) -> int:
        checkpoint = self.out / "work" / "step"
        step = int(checkpoint.read_text()) if checkpoint.exists() else 0
        give_up = time.monotonic() + LONGEST
        while step < 3 or (self.play == "wait" and not (HERE / "go").exists() and time.monotonic() < give_up):
            step += 1
            print(f"step {step}", flush=True)
            self.event("metrics", step=step, steps=max(3, step), loss=1 / step)
            self.write("work/step", step)
            if self.stopped or (self.out / "STOP").exists():
                self.stopped = True
                return self.deliver("stopped", step)
            if self.play == "wait":
                time.sleep(STEP)
        return self.deliver("succeeded", step)

    def deliver(self, state: str, steps: int) -> int:
        result = {"state": state, "steps": {"done": steps}, "base_model": {"revision": "kit-1"}}
        folder = self.out / "artefacts"
        (folder / "model").mkdir(parents=True, exist_ok=True)
        weights = (self.key.encode() * (5_000_000 // len(self.key) + 1))[: 5_000_000 if self.play == "big" else 20_000]
        (folder / "model" / "weights.bin").write_bytes(weights)
        (folder / "result.json").write_text(json.dumps(result))
        files = [
            {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for path in ("result.json", "model/weights.bin")
            for content in [(folder / path).read_bytes()]
        ]
        spec = json.dumps(self.spec, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        manifest = {
            "schema": "open-paas/manifest/1", "spec_hash": hashlib.sha256(spec.encode()).hexdigest(),
            "base_model": self.spec["base_model"]["id"], "base_digest": "b" * 64, "files": files,
        }  # fmt: skip
        (folder / "manifest.json").write_text(json.dumps(manifest))
        self.event("state", state=state)
        self.write("result.json", result)
        return 0

    def write(self, name: str, value: object) -> None:
        draft = self.out / f"{name}.new"
        draft.write_text(json.dumps(value))
        draft.replace(self.out / name)


def main() -> int:
    arguments = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    out = Path(arguments["--out"])
    out.mkdir(parents=True, exist_ok=True)
    return Run(json.loads(Path(arguments["--spec"]).read_bytes()), Path(arguments["--data"]), out).go()


if __name__ == "__main__":
    sys.exit(main())
