"""`doctor`: what could go wrong, looked at before it does. Changes nothing at the portal."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime

import httpx

from jobs.agent.config import Config
from jobs.agent.identity import Keeper
from jobs.agent.mirror import Mirror
from jobs.agent.models import stored_models

Finding = tuple[bool, str]
_LEAST_FREE = 5 * 10**9
_MOST_SKEW = 120
_KEY_GRACE_DAYS = 7


def examine(config: Config) -> list[Finding]:
    """Every check with its outcome; a check that breaks counts as failed."""
    checks: tuple[Callable[[Config], Iterator[Finding]], ...] = (
        _identity,
        _portal,
        _store,
        _disk,
        _runtime,
        _scheduler,
    )
    found: list[Finding] = []
    for check in checks:
        try:
            found += check(config)
        except Exception as error:
            found.append((False, f"{check.__name__.strip('_')}: {error}"))
    return found


def _identity(config: Config) -> Iterator[Finding]:
    keeper = Keeper(config.work)
    identity = keeper.identity()
    if identity is None:
        yield (
            bool(config.enrolment_code),
            "not enrolled yet" + ("" if config.enrolment_code else ", and there is no code"),
        )
    else:
        yield True, f"enrolled at {identity.site} as {identity.agent_id}"
    yield keeper.key_is_private(), f"the private key in {keeper.key_file} is readable for its owner only"
    if identity is not None and config.rotate_key_days:
        age = (time.time() - keeper.key_file.stat().st_mtime) / 86400
        yield (
            age < config.rotate_key_days + _KEY_GRACE_DAYS,
            f"the key is {age:.0f} days old; it is replaced after {config.rotate_key_days:g}",
        )


def _portal(config: Config) -> Iterator[Finding]:
    try:
        verify = config.ca_file or True
        response = httpx.get(f"{config.portal_url}/healthz", timeout=10, verify=verify)
    except httpx.HTTPError as error:
        yield False, f"{config.portal_url} does not answer: {error}"
        return
    yield response.is_success, f"{config.portal_url} answers {response.status_code}"
    if "Date" in response.headers:
        skew = abs(parsedate_to_datetime(response.headers["Date"]).timestamp() - time.time())
        yield skew < _MOST_SKEW, f"our clock and the portal's are {skew:.0f} s apart (300 s are tolerated)"


def _store(config: Config) -> Iterator[Finding]:
    models = stored_models(config.store)
    from_source = bool(config.cache.source)
    yield bool(models) or from_source, f"the store {config.store} holds {len(models)} sealed models"
    if from_source:
        cache = config.cache
        offers = Mirror(place=cache.source, token=cache.token, ca_file=cache.ca_file).offers()
        largest = max((offer.bytes for offer in offers), default=0)
        yield bool(offers), f"{cache.source} offers {len(offers)} models, the largest of {largest / 1e9:.1f} GB"
        yield not cache.limit or largest <= cache.limit, f"each of them fits within cache.limit_gb ({cache.limit_gb:g})"


def _disk(config: Config) -> Iterator[Finding]:
    config.work.mkdir(parents=True, exist_ok=True, mode=0o700)
    free = shutil.disk_usage(config.work).free
    yield free > _LEAST_FREE, f"{free / 1e9:.0f} GB are free in {config.work}"
    yield config.work.stat().st_mode & 0o077 == 0, f"{config.work} is closed to other users"


def _scheduler(config: Config) -> Iterator[Finding]:
    from jobs.agent.backends import ray_doctor, slurm_doctor

    checks = {"slurm": slurm_doctor.findings, "ray": ray_doctor.findings}
    if config.backend in checks:
        yield from checks[config.backend](config)


def _runtime(config: Config) -> Iterator[Finding]:
    command = list(config.options.get("command", [config.options["python"], "-m", "models_hub.training"]))
    from jobs.agent.backends.local import CODE

    done = subprocess.run(
        [*command, "describe"],
        capture_output=True,
        timeout=180,
        env={**os.environ, "PYTHONPATH": str(CODE)},
        check=False,
    )
    yield done.returncode == 0, "the training runtime " + ("answers" if done.returncode == 0 else "does not start")
