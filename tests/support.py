"""What a test needs from the machine: without it the test is skipped here, and fails where CI=true."""

import os

import pytest


def require(condition: object, reason: str) -> None:
    """Skips the test with that reason unless the condition holds; under CI=true a missing part is a failure."""
    if condition:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"needed in CI: {reason}", pytrace=False)
    pytest.skip(reason)
