"""The calls to a Ray cluster: its Jobs REST API, and what its dashboard tells of nodes and actors. No ray package.

Ray's own `start_time` of a job is the moment of its submission: a job that waits for a GPU seems to hold one. What was
really held is the life of the actor that supervises the job, since that actor has been given the GPUs.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

from jobs.agent.backends.ray_options import RayOptions
from jobs.agent.backends.ray_reasons import AWAY, CONFUSED, NOT_RAY, REQUEST_REFUSED, TOKEN_REFUSED, RayTrouble

SUPERVISOR = "_ray_internal_job_actor_"
TERMINAL = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})
_SAID = 1000


@dataclass(frozen=True, kw_only=True)
class RayJob:
    """One submission as Ray has it. Times in milliseconds since 1970."""

    status: str
    end_ms: int | None
    exit_code: int | None
    error_type: str = ""
    message: str = ""

    @property
    def terminal(self) -> bool:
        return self.status in TERMINAL

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the cluster gave to one submission, and for how long; `end_ms` of 0: it still holds it."""

    start_ms: int
    end_ms: int
    gpus: float
    cpus: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class RayNode:
    name: str
    alive: bool
    gpus: int


class Ray:
    def __init__(self, options: RayOptions) -> None:
        token = options.token
        self.http = httpx.Client(
            base_url=options.address.rstrip("/"),
            timeout=options.timeout_seconds,
            verify=options.ca_file or True,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            follow_redirects=False,
            trust_env=False,
        )

    # ---- jobs ----------------------------------------------------------------------------------------------------

    def submit(
        self, *, submission_id: str, entrypoint: str, resources: dict[str, Any], metadata: dict[str, str]
    ) -> None:
        """Hands a job over. One of that id that is there already is this one: the id is the claim."""
        body = {"entrypoint": entrypoint, "submission_id": submission_id, "metadata": metadata, **resources}
        response = self._call("POST", "/api/jobs/", json=body)
        if response.is_success or "already exists" in response.text:
            return
        # Ray answers 500 to what its own checks refuse, too: the last line of its traceback says which.
        last = _last_line(response.text)
        unfit = last.startswith(("TypeError", "ValueError")) or response.status_code in (400, 422)
        raise RayTrouble(REQUEST_REFUSED, last, refused=True) if unfit else RayTrouble(CONFUSED, last)

    def job(self, submission_id: str) -> RayJob | None:
        """None when the cluster has never heard of it, or has forgotten everything with its head."""
        response = self._call("GET", f"/api/jobs/{quote(submission_id)}")
        if response.status_code == 404:
            return None
        raw = self._object(response)
        return RayJob(
            status=str(raw.get("status")),
            end_ms=int(raw["end_time"]) if raw.get("end_time") else None,
            exit_code=raw.get("driver_exit_code"),
            error_type=str(raw.get("error_type") or ""),
            message=str(raw.get("message") or "")[-_SAID:],
        )

    def stop(self, submission_id: str) -> None:
        """Asks Ray to end it: TERM, and KILL some seconds later. One it does not know is fine."""
        response = self._call("POST", f"/api/jobs/{quote(submission_id)}/stop")
        if response.status_code not in (200, 404):
            raise RayTrouble(CONFUSED, _last_line(response.text))

    # ---- the cluster ---------------------------------------------------------------------------------------------

    def version(self) -> dict[str, str]:
        """`ray_version`, and `session_name`, which is another one for each life of the head."""
        found = self._object(self._call("GET", "/api/version"))
        if "ray_version" not in found:
            raise RayTrouble(NOT_RAY)
        return {name: str(found.get(name, "")) for name in ("ray_version", "session_name")}

    def nodes(self) -> list[RayNode]:
        found = self._object(self._call("GET", "/nodes", params={"view": "summary"}))
        nodes = []
        for row in found.get("data", {}).get("summary", []):
            about = row.get("raylet", {})
            gpus = int(about.get("resourcesTotal", {}).get("GPU", 0))
            nodes.append(
                RayNode(name=str(row.get("hostname", "")), alive=about.get("state") == "ALIVE", gpus=gpus)
            )  # fmt: skip
        return nodes

    def actors(self) -> list[dict[str, Any]]:
        found = self._object(self._call("GET", "/logical/actors"))
        actors = found.get("data", {}).get("actors", {})
        return list(actors.values()) if isinstance(actors, dict) else []

    def held(self, submission_ids: list[str]) -> dict[str, Held]:
        """What these submissions were given, of those the cluster still remembers."""
        names = {SUPERVISOR + one: one for one in submission_ids}
        found = {}
        for actor in self.actors() if names else ():
            submission = names.get(str(actor.get("name")))
            if submission and actor.get("startTime"):
                given = actor.get("requiredResources", {})
                found[submission] = Held(
                    start_ms=int(actor["startTime"]), end_ms=int(actor.get("endTime") or 0),
                    gpus=float(given.get("GPU", 0)), cpus=float(given.get("CPU", 0)),
                )  # fmt: skip
        return found

    # ---- the wire ------------------------------------------------------------------------------------------------

    def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self.http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise RayTrouble(AWAY, str(error) or type(error).__name__) from error
        if response.status_code in (401, 403):
            raise RayTrouble(TOKEN_REFUSED, response.text[:200])
        return response

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        if response.status_code >= 500:
            raise RayTrouble(CONFUSED, _last_line(response.text))
        try:
            found = response.json()
        except ValueError as error:
            raise RayTrouble(NOT_RAY, f"HTTP {response.status_code}") from error
        if not response.is_success or not isinstance(found, dict):
            raise RayTrouble(NOT_RAY, f"HTTP {response.status_code}")
        return found


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _last_line(text: str) -> str:
    """The line in which a traceback says what went wrong; Ray nests them and puts dots behind."""
    lines = [line.strip(" .") for line in text.splitlines() if line.strip(" .")]
    return (lines or ["no message"])[-1][:_SAID]
