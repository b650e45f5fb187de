"""Slurm by slurmrestd, in place of its commands: the same questions, asked over HTTP with a token of the agent's user.

For sites where the agent's machine has no Slurm commands but reaches slurmrestd inside the site. The token is read from
a file before each request, so that whoever makes tokens may renew it there. It never leaves the site.
"""

import getpass
import logging
import re
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from jobs.agent.backends import slurm_rest_shapes as shapes
from jobs.agent.backends.slurm_commands import Slurm
from jobs.agent.backends.slurm_options import SlurmOptions
from jobs.agent.backends.slurm_reasons import REST_DOWN, TOKEN_REFUSED, SlurmTrouble, trouble_from
from jobs.agent.backends.slurm_rows import Node, Reservation, SlurmJob

logger = logging.getLogger(__name__)

# The shapes we know: v0.0.38 by itself, and the data_parser's since.
_OLDEST_PARSER = 40
# What 22.05 says, with 200 or 500, to a token that it does not take; some of it also of a controller that is away.
_OF_TOKENS = ("authentication", "failed while looking for", "zero bytes were transmitted", "unspecified error")
_KNOWN = (38, *range(_OLDEST_PARSER, 46))


def slurm_of(options: SlurmOptions) -> Slurm:
    """The way in that the configuration names."""
    return SlurmRest(options) if options.rest_url else Slurm(options)


class SlurmRest(Slurm):
    """Reads and writes by HTTP; what slurmrestd has no word for (sacctmgr) is asked by command where there is one."""

    def __init__(self, options: SlurmOptions) -> None:
        super().__init__(options)
        self.user = options.rest_user or getpass.getuser()
        self._http = httpx.Client(base_url=options.rest_url, timeout=options.timeout_seconds)
        self._version = 0
        self._versions = threading.Lock()

    @property
    def warns(self) -> bool:  # type: ignore[override]
        return not self.old

    @property
    def old(self) -> bool:
        return self.version < _OLDEST_PARSER

    @property
    def version(self) -> int:
        """The newest version of the API that both sides know, asked for once."""
        with self._versions:
            if not self._version:
                said = self._request("GET", "/openapi/v3")
                offered = {int(one) for path in said.get("paths", {}) for one in re.findall(r"/v0\.0\.(\d+)/", path)}
                self._version = max(offered.intersection(_KNOWN), default=0)
                if not self._version:
                    raise SlurmTrouble(REST_DOWN, f"it offers none of {', '.join(f'v0.0.{one}' for one in _KNOWN)}")
            return self._version

    # ---- reading -------------------------------------------------------------------------------------------------

    def queue(self) -> dict[str, list[SlurmJob]]:
        with self._lock:
            if self._due("queue"):
                jobs = self._get("slurm", "jobs")["jobs"]
                found: dict[str, list[SlurmJob]] = {}
                for row in shapes.queue_rows([job for job in jobs if job.get("user_name") == self.user]):
                    if row.name.startswith(self.options.prefix):
                        found.setdefault(row.name, []).append(row)
                waiting = [job["partition"] for job in jobs if shapes.word(job["job_state"]) == "PENDING"]
                self._pending = {}
                for name in (name for names in waiting for name in str(names).split(",")):
                    self._pending[name] = self._pending.get(name, 0) + 1
                self._queue = found
                self._done("queue")
            return self._queue

    def pending(self) -> dict[str, int]:
        self.queue()
        return self._pending

    def accounting(self, names: Iterable[str], since: datetime) -> dict[str, list[SlurmJob]]:
        # A whole day earlier: slurmrestd reads it in its own time zone.
        start = (since - timedelta(days=1)).astimezone(UTC)
        found: dict[str, list[SlurmJob]] = {}
        wanted = list(names)
        for first in range(0, len(wanted), 50):
            asked = {"job_name": ",".join(wanted[first : first + 50]), "start_time": f"{start:%Y-%m-%d}"}
            for row in shapes.accounting_rows(self._get("slurmdb", "jobs", **asked).get("jobs") or []):
                found.setdefault(row.name, []).append(row)
        return {name: [self._with_exit(row) for row in rows] for name, rows in found.items()}

    def _with_exit(self, row: SlurmJob) -> SlurmJob:
        """v0.0.38 says 0 of every job; the controller's record is right, and after it is gone the wrapper's receipt."""
        if not self.old:
            return row
        alike = (one for one in self.queue().get(row.name, []) if (one.native_id, one.final) == (row.native_id, True))
        known = next(alike, None)
        codes = {"exit_code": known.exit_code, "signal": known.signal} if known else {}
        return SlurmJob(**{**row.__dict__, **codes})

    def nodes(self) -> list[Node]:
        with self._lock:
            if self._due("nodes"):
                partitions = self._get("slurm", "partitions")["partitions"]
                nodes = self._get("slurm", "nodes")["nodes"]
                rows = shapes.node_rows(nodes, partitions, self.options.gpu_type)
                only = self.options.partition
                self._nodes = [row for row in rows if only in ("", row.partition)]
                self._done("nodes")
            return self._nodes

    def reservations(self) -> list[Reservation]:
        return shapes.reservation_rows(self._get("slurm", "reservations")["reservations"])

    def config(self) -> dict[str, str]:
        """slurmrestd does not tell the cluster's settings; the command does where it is here."""
        return super().config() if self.options.tool("scontrol") else {}

    # ---- doing ---------------------------------------------------------------------------------------------------

    def sbatch(self, words: list[str], script: str) -> str:
        job = shapes.job_of(words, old=self.old, now=datetime.now(UTC))
        try:
            said = self._request("POST", self._path("slurm", "job/submit"), {"job": job, "script": script})
        finally:
            self.forget()
        return str(said["job_id"])

    def scancel(self, *words: str) -> None:
        waiting_only = "--state=PENDING" in words
        rows = {row.native_id: row for rows in self.queue().values() for row in rows} if waiting_only else {}
        try:
            for native in (word for word in words if not word.startswith("--")):
                if waiting_only and not (native in rows and rows[native].waiting):
                    continue
                self._end(native)
        finally:
            self.forget()

    @property
    def takes_out_tasks(self) -> bool:
        return not self.old

    def take_out(self, *natives: str) -> None:
        """Ends what still waits; what has just started is left alone."""
        self.scancel("--state=PENDING", *natives)

    def _end(self, native: str) -> None:
        if "_" in native:
            own = self._number_of(native)
            if own is None and self.old:
                # There it would end the whole array. The task's wrapper finds the wish as soon as it starts.
                return
            native = own or native
        try:
            self._request("DELETE", self._path("slurm", f"job/{native}"))
        except SlurmTrouble as trouble:
            if "invalid job id" not in trouble.said.lower() and "already" not in trouble.said.lower():
                raise

    def _number_of(self, native: str) -> str | None:
        """The number of the job that a task is once it has been taken out of its array's record; None before."""
        array, _, task = native.partition("_")
        for job in self._get("slurm", "jobs")["jobs"]:
            said = (shapes.number(job.get("array_job_id")), shapes.number(job.get("array_task_id")))
            if said == (int(array), int(task)):
                return str(shapes.number(job["job_id"]))
        return None

    def test(self, words: list[str], script: str) -> str:
        """slurmrestd has no --test-only: nothing is known of the start."""
        return ""

    # ---- HTTP ----------------------------------------------------------------------------------------------------

    def _path(self, part: str, what: str) -> str:
        return f"/{part}/v0.0.{self.version}/{what}"

    def _get(self, part: str, what: str, **query: str) -> dict[str, Any]:
        return self._request("GET", self._path(part, what), query=query)

    def _request(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, query: dict[str, str] | None = None
    ) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, json=body, params=query, headers=self._headers())
        except httpx.HTTPError as error:
            raise SlurmTrouble(REST_DOWN, f"{type(error).__name__}: {error}") from error
        try:
            said = answer.json()
        except ValueError:
            said = {}
        if answer.status_code in (401, 403):
            raise SlurmTrouble(TOKEN_REFUSED, answer.text[:300])
        # A job that waits on hold has a line in `errors` and an id all the same: it was taken.
        if not isinstance(said, dict) or (not answer.is_success and not said.get("job_id")):
            raise self._trouble(said if isinstance(said, dict) else {}, answer)
        if method == "POST" and not said.get("job_id"):
            raise self._trouble(said, answer)
        # 22.05 answers a question about the accounting with 200 and an empty list when it does not take the token.
        if method == "GET" and _errors(said):
            raise self._trouble(said, answer)
        return said

    def _trouble(self, said: dict[str, Any], answer: httpx.Response) -> SlurmTrouble:
        words = "; ".join(_errors(said))
        if any(one in words.lower() for one in _OF_TOKENS) and not self._controller_is_down():
            return SlurmTrouble(TOKEN_REFUSED, words[:300])
        return trouble_from(words or f"HTTP {answer.status_code}: {answer.text[:300]}")

    def _controller_is_down(self) -> bool:
        """Whether slurmrestd itself says so. With a token that is not taken a ping fails, or says that all is well."""
        if not self._version:
            return False
        try:
            answer = self._http.get(self._path("slurm", "ping"), headers=self._headers())
            pings = answer.json().get("pings") or []
        except (httpx.HTTPError, ValueError, AttributeError):
            return False
        return answer.is_success and not any("UP" in (one.get("ping"), one.get("pinged")) for one in pings)

    def _headers(self) -> dict[str, str]:
        return {"X-SLURM-USER-NAME": self.user, "X-SLURM-USER-TOKEN": self._token()}

    def _token(self) -> str:
        try:
            return Path(self.options.token_file).read_text().strip().removeprefix("SLURM_JWT=")
        except OSError as error:
            raise SlurmTrouble(TOKEN_REFUSED, f"{self.options.token_file}: {error.strerror}") from error


def _errors(said: dict[str, Any]) -> list[str]:
    """The words of `errors`; that nothing was found is none."""
    errors = (one for one in said.get("errors") or [] if isinstance(one, dict))
    found = [str(one[name]) for one in errors for name in ("error", "description") if one.get(name)]
    return [] if any(one.lower().startswith("nothing found") for one in found) else found
