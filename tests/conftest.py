"""What every test stands on: PostgreSQL, local files in a temporary folder, and no outside world."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.shares import HEAVY, WAITING, share_of, turn_of

# Real processes and real browsers on a busy machine: what fails is tried once more, and the summary says RERUN.
RETRIED = (*HEAVY, *WAITING, "tests/journeys/")
# Their processes, or their browser, have the machine's own clock.
OWN_CLOCK = (*HEAVY, *WAITING, "tests/jobs/conformance/", "tests/journeys/", "tests/embedded/")
OWN_CLOCK_MARKS = ("browser", "training", "slurm", "ray", "faults")


def pytest_addoption(parser):
    parser.addoption("--days", type=float, default=0, help="run what lives in one process this many days from now")


def pytest_configure(config):
    """Every message of the site protocol passes a reader that knows docs/site-api.yaml.

    No test may pass or fail for the day on which it runs: `--days 400` finds those that do.
    """
    from django.conf import settings

    if config.option.days:
        journey = time_machine.travel(datetime.now(UTC) + timedelta(days=config.option.days))
        journey.start()
        config.add_cleanup(journey.stop)
    settings.MIDDLEWARE = ["tests.jobs.siteapi.wire.Checked", *settings.MIDDLEWARE]


def pytest_collection_modifyitems(config, items):
    if config.option.days:
        config.hook.pytest_deselected(items=[item for item in items if has_own_clock(item)])
        items[:] = [item for item in items if not has_own_clock(item)]
    for item in items:
        if item.nodeid.startswith(RETRIED) or item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=3))
    items.sort(key=lambda item: turn_of(item.nodeid))


def has_own_clock(item):
    return item.nodeid.startswith(OWN_CLOCK) or any(item.get_closest_marker(name) for name in OWN_CLOCK_MARKS)


def pytest_xdist_make_scheduler(config, log):
    """Shares the tests out as tests.shares says, in that order.

    Not `--dist loadgroup`: it renames tests in a way that pytest 9.2 no longer reads, and silently groups nothing.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByShare(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return share_of(nodeid)

    config.option.loadscopereorder = False
    return ByShare(config, log)


@pytest.fixture(autouse=True, scope="session")
def quick_teardown():
    from tests.emptied import quick_teardown

    quick_teardown()


@pytest.fixture(autouse=True)
def private_files(settings, tmp_path):
    """Each test has its own media folder and plain static files."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PORTAL_SIGNING_KEY_FILE = str(tmp_path / "portal-signing-key.pem")


@pytest.fixture(autouse=True)
def documented_messages():
    """No message went over the wire that docs/site-api.yaml does not describe."""
    from tests.jobs.siteapi.wire import FAULTS

    FAULTS.clear()
    yield
    found = list(dict.fromkeys(FAULTS))
    assert not found, "\n".join(["docs/site-api.yaml does not describe this:", *found[:10]])


@pytest.fixture
def odd_messages(documented_messages):
    """For a test that sends, on purpose, what no document describes and the portal bears with."""
    from tests.jobs.siteapi.wire import FAULTS

    yield
    FAULTS.clear()


@pytest.fixture(autouse=True)
def fast_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """The system's Chromium for every browser test; nothing is downloaded."""
    from tests.browser import ARGUMENTS, CHROMIUM

    return {"executable_path": CHROMIUM, "args": ARGUMENTS}
