"""Stands in for apptainer: holds the words to what `apptainer exec` takes, writes them down, runs what follows."""

import json
import os
import sys
from pathlib import Path

FLAGS = {"--contain", "--no-home", "--nv"}


def main() -> None:
    words = sys.argv[1:]
    assert words.pop(0) == "exec"
    seen: dict[str, list[str]] = {"flags": [], "bind": [], "pwd": []}
    while words[0].startswith("--"):
        word = words.pop(0)
        if word in FLAGS:
            seen["flags"].append(word)
        else:
            seen[word.removeprefix("--")].append(words.pop(0))
    image = Path(words.pop(0))
    assert image.is_file(), f"there is no image {image}"
    for bind in seen["bind"]:
        assert Path(bind.split(":")[0]).is_dir(), f"{bind} cannot be bound"
    (Path(seen["pwd"][0]) / "contained.json").write_text(json.dumps({**seen, "image": str(image), "command": words}))
    os.chdir(seen["pwd"][0])
    os.execvp(words[0], words)  # noqa: S606


if __name__ == "__main__":
    main()
