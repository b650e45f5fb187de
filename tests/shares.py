"""How the tests are shared out among the processes of `make test`: three of them, on two cores.

Whatever computes for minutes keeps to one process, so that two trainings never starve each other. Whatever starts real
processes and then mostly waits for them keeps to a second one. All else goes file by file to whoever is free, the
longest first, so that no long file is left for the end.
"""

import zlib

# Real trainings, and journeys that wait for one.
HEAVY = (
    "tests/journeys/test_first_model.py",
    "tests/models_hub/training/",
    "tests/jobs/agent/test_training.py",
    "tests/jobs/test_two_slurm_sites.py",
)
# Real agents, schedulers and installations; their tests sleep more than they compute.
WAITING = (
    "tests/jobs/agent/",
    "tests/faults/",
    "tests/embedded/test_faults.py",
    "tests/embedded/test_watching.py",
)
# Files of many browser pages go in this many parts.
PARTS = {"tests/journeys/test_every_page.py": 5}
LONG = (
    "tests/jobs/conformance/",
    "tests/journeys/",
    "tests/accounts/test_browser.py",
    "tests/ui/",
    "tests/jobs/execution/test_looks.py",
    "tests/models_hub/datasets/test_browser.py",
    "tests/accounts/size/test_browser.py",
    "tests/jobs/wizard/test_browser.py",
    "tests/catalog/test_browser.py",
    "tests/jobs/allocations/test_two_hundred_decisions.py",
    "tests/jobs/dashboard/test_browser.py",
)


def share_of(nodeid: str) -> str:
    """The tests of one share run in one process, one after the other."""
    path = nodeid.split("::", 1)[0]
    if path.startswith(HEAVY):
        return "heavy"
    if path.startswith(WAITING):
        return "waiting"
    part = zlib.crc32(nodeid.encode()) % PARTS[path] if path in PARTS else 0
    return f"{path} {part}"


def turn_of(nodeid: str) -> int:
    """The smaller, the earlier a share is begun."""
    if nodeid.startswith(HEAVY):
        return 0
    if nodeid.startswith(WAITING):
        return 1
    return 2 if nodeid.startswith(LONG) else 3
