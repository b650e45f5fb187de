"""What every test stands on: PostgreSQL, local files in a temporary folder, and no outside world."""

import pytest

# On two cores, two real trainings at once starve each other: whatever starts real processes keeps to one worker.
HEAVY = (
    "tests/journeys/test_first_model.py",
    "tests/models_hub/training/",
    "tests/jobs/agent/",
    "tests/faults/",
    "tests/embedded/test_faults.py",
    "tests/embedded/test_watching.py",
)


# Real processes and real browsers on a busy machine: what fails is tried once more, and the summary says RERUN.
RETRIED = (*HEAVY, "tests/journeys/")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.nodeid.startswith(RETRIED) or item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=3))


def pytest_xdist_make_scheduler(config, log):
    """Sends a file's tests to one worker, and all heavy files to the same one.

    Not `--dist loadgroup`: it renames tests in a way that pytest 9.2 no longer reads, and silently groups nothing.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.split("::", 1)[0]
            return "heavy" if path.startswith(HEAVY) else path

    return ByFile(config, log)


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
def fast_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """The system's Chromium for every browser test; nothing is downloaded."""
    from tests.browser import ARGUMENTS, CHROMIUM

    return {"executable_path": CHROMIUM, "args": ARGUMENTS}
