"""The wrapper sees the end of its child on any kernel."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

WRAPPED = "import sys; from jobs.agent.backends.wrapper import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.parametrize(
    "kernel",
    [
        "",
        "import os; del os.pidfd_open; ",
        "import os, errno\ndef none(pid): raise OSError(errno.ENOSYS, 'no such call')\nos.pidfd_open = none\n",
    ],
)
@pytest.mark.parametrize(("program", "code"), [("raise SystemExit(3)", 3), ("import time; time.sleep(0.3)", 0)])
def test_the_end_of_the_child_is_its_receipt(tmp_path, kernel, program, code):
    order = {
        "command": [sys.executable, "-c", program], "environment": {}, "cwd": str(tmp_path),
        "out": str(tmp_path / "out"), "spec": {}, "seconds_left": 60.0, "memory_bytes": 0,
        "not_after": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    (tmp_path / "order.json").write_text(json.dumps(order))
    subprocess.run([sys.executable, "-c", kernel + WRAPPED, str(tmp_path), "1"], timeout=60, check=False)
    end = json.loads((tmp_path / "runs/1/end.json").read_text())
    assert (end["why"], end["exit_code"], end["signal"]) == ("exited", code, None)
