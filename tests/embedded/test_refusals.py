"""Outside the embedded mode nothing starts with a missing or a demonstration secret."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.embedded.layout import ROOT, Layout
from portal.env import read_environment


@pytest.fixture
def outside(monkeypatch):
    """An environment that is not the embedded one."""
    monkeypatch.setenv("OPEN_PAAS_EMBEDDED", "0")
    monkeypatch.delenv("SECRET_KEY", raising=False)
    return monkeypatch


def test_a_missing_secret_names_the_variable(outside):
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is not set"):
        read_environment()


def test_an_embedded_secret_is_refused(outside, tmp_path):
    layout = Layout(tmp_path / "var")
    layout.create()
    outside.setenv("SECRET_KEY", layout.secret_key())
    with pytest.raises(ImproperlyConfigured, match="demonstration secret"):
        read_environment()


def test_a_secret_of_ones_own_is_taken(outside):
    outside.setenv("SECRET_KEY", "x" * 60)
    assert read_environment().embedded is False


def test_the_web_server_does_not_start_with_an_embedded_secret():
    environ = os.environ | {"OPEN_PAAS_EMBEDDED": "0", "SECRET_KEY": "embedded-secret"}
    refused = subprocess.run(
        [sys.executable, "-c", "import portal.wsgi"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert "demonstration secret" in refused.stderr


def test_the_web_server_has_read_the_pages_before_it_forks_and_holds_no_connection():
    """Each worker would read them while its first visitor waits; a connection would be shared by all of them."""
    look = "; ".join(
        [
            "import sys, portal.wsgi",
            "from django.db import connection",
            "assert 'jobs.siteapi.api' in sys.modules and 'accounts.views' in sys.modules, 'not read'",
            "assert connection.connection is None, 'connected'",
        ]
    )
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_host_is_allowed_until_one_is_named(outside):
    outside.setenv("SECRET_KEY", "x" * 60)
    outside.delenv("ALLOWED_HOSTS", raising=False)
    assert read_environment().allowed_hosts == []
