"""When training is ended from inside: no number, no reason, no progress."""

import pytest

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def judged_once():
    return {}


@pytest.fixture
def judged(probe, judged_once):
    if not judged_once:
        judged_once.update(probe("reporter"))
    return judged_once


@pytest.mark.parametrize("what", ["nan", "inf", "gradient", "far"])
def test_a_loss_beyond_reason_is_divergence(judged, what):
    assert judged[what] == "diverged"


@pytest.mark.parametrize("what", ["worse", "low_start"])
def test_a_loss_that_is_only_worse_goes_on(judged, what):
    assert judged[what] == "fine"


def test_the_trainers_own_epoch_does_not_collide_with_ours(judged):
    assert judged["epoch_once"] == 0.5


def test_patience_counts_evaluations_without_progress_over_the_whole_history(judged):
    assert judged["patience"] == [None, 4, 6, None, 3]


def test_steps_are_counted_as_the_trainer_counts_them(judged):
    assert judged["steps"] == [6, 9, 1, 5]
