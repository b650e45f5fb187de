"""What the agent has written down of each submission, and where: it alone writes there, others may read at any time.

jobs/<key>/slurm.json    {"submissions": [{"number", "at", "native_id", "array"?, "task"?}], "refused"?}
jobs/<key>/order.json    holds the first submission, until there is more to say
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jobs.agent.backends.folders import JobFolders
from jobs.agent.backends.slurm_sweep import HANDED_OVER
from jobs.agent.files import read_json

JOURNAL = "slurm.json"
FIRST = "first_submission"


class Journals(JobFolders):
    def __init__(self, folder: Path, sweeps: Path) -> None:
        self.folder, self.sweeps = folder, sweeps

    def of(self, key: str) -> dict[str, Any]:
        """The job's own words; {} of a key that was never handed over."""
        journal: dict[str, Any] = read_json(self._job(key) / JOURNAL) or {}
        if "submissions" not in journal and (first := self._order_of(key).get(FIRST)):
            journal["submissions"] = [first]
        return journal

    def read(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """With what is said of an array, its id and when Slurm took it, which stands in one place for all its tasks."""
        journals = {key: self.of(key) for key in keys}
        arrays: dict[str, dict[str, Any]] = {}
        for one in (one for journal in journals.values() for one in journal.get("submissions", [])):
            if one.get("array") and not one["native_id"]:
                if one["array"] not in arrays:
                    arrays[one["array"]] = read_json(self.sweeps / one["array"] / HANDED_OVER) or {}
                if said := arrays[one["array"]]:
                    one |= {"native_id": f"{said['native_id']}_{one['task']}", "at": said["at"]}
        return journals
