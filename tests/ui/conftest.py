"""A server for the design system alone: no database, so that a query on a public frame would fail the test."""

from collections.abc import Iterator

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread

from portal.ui import landing, visitors


@pytest.fixture(autouse=True)
def only_the_design(settings, monkeypatch) -> None:
    monkeypatch.setattr(visitors, "_reader", None)
    monkeypatch.setattr(landing, "_sites", None)
    settings.ROOT_URLCONF = "tests.ui.urls"
    settings.EMBEDDED = True
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def design_server() -> Iterator[str]:
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    yield f"http://127.0.0.1:{thread.port}"
    thread.terminate()
