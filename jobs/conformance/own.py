"""Starts our own agent for the kit: writes its configuration and becomes it. A site's own agent needs nothing like it.

python -m jobs.conformance.own COMMAND    with OPEN_PAAS_URL, _CODE, _WORK, _STORE, _TRAINING … in the environment
"""

import json
import os
import shlex
import sys
from pathlib import Path


def configuration(words: dict[str, str]) -> str:
    tables: dict[str, dict[str, object]] = {
        "portal": {"url": words["URL"], "enrolment_code": words["CODE"], "wait_seconds": 25},
        "agent": {"work": words["WORK"], "store": words["STORE"], "name": words["NAME"], "backend": "local"},
        "allow": {
            "recipes": [words["RECIPES"]],
            "max_gpus": int(words["MAX_GPUS"]),
            "max_minutes": int(words["MAX_MINUTES"]),
            "tenants": [words["TENANT"]],
        },
        "backend.local": {"command": shlex.split(words["TRAINING"]), "gpus": 1},
    }
    lines = [
        line
        for name, table in tables.items()
        for line in (f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items()))
    ]
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    words = {
        name.removeprefix("OPEN_PAAS_"): value for name, value in os.environ.items() if name.startswith("OPEN_PAAS_")
    }
    work = Path(words["WORK"])
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = work / "agent.toml"
    file.write_text(configuration(words))
    command = [sys.executable, "-m", "jobs.agent", *(arguments or ["run"]), "--config", str(file)]
    os.execv(sys.executable, command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
