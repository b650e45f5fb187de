"""What tests of requests share."""

import pytest
import time_machine

from tests.jobs.applications.test_starter import AT


@pytest.fixture
def the_day_of_the_scene():
    """Pages ask for today; the law that is in force today is another one some day."""
    with time_machine.travel(AT):
        yield
