"""What a site reports comes twice, late, and in any order."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.execution.reports import Event, LogPiece, ReportRefused
from jobs.execution.selectors import curves, log_since, log_tail_start
from jobs.execution.services import (
    observe_events,
    observe_log,
    used_gpu_seconds,
)
from jobs.execution.services.observe import event_position, log_position
from jobs.states import JobState
from tests.jobs.execution.telling import AT, lease, make_told, say, state_of, use

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return make_told()


# ---- states, events, logs -------------------------------------------------------------------------------------------


def test_older_and_repeated_states_change_nothing(scene):
    attempt = lease(scene)
    say(attempt, 5, "running")
    say(attempt, 4, "staging")
    say(attempt, 5, "collecting")
    assert state_of(scene) == JobState.RUNNING


def test_a_job_walks_through_states_the_site_skipped(scene):
    say(lease(scene), 1, "collecting")
    assert state_of(scene) == JobState.COLLECTING


def test_going_backwards_is_refused(scene):
    attempt = lease(scene)
    say(attempt, 1, "running")
    with pytest.raises(ReportRefused):
        say(attempt, 2, "staging")


def event(seq, kind="metrics", **data):
    return Event(seq=seq, at=datetime.now(UTC), type=kind, data=data)


def test_events_in_any_order_and_twice_end_in_the_same_curve(scene):
    attempt = lease(scene)
    say(attempt, 1, "running")
    observe_events(attempt=attempt, events=[event(3, step=2, steps=4, loss=1.0)], at=AT)
    assert event_position(attempt) == (0, [[1, 2]])
    observe_events(attempt=attempt, events=[event(2, step=1, steps=4, loss=2.0), event(1, "state")], at=AT)
    observe_events(attempt=attempt, events=[event(3, step=9, steps=9, loss=9.0)], at=AT)
    assert event_position(attempt) == (3, [])
    assert curves(attempt, ["loss"])["loss"] == [(1, 2.0), (2, 1.0)]
    state_of(scene)
    assert scene.job.progress == 50


def test_a_log_is_put_together_by_its_offsets(scene):
    attempt = lease(scene)
    observe_log(attempt=attempt, piece=LogPiece(offset=7, text="wörld"))
    assert log_position(attempt) == 0
    observe_log(attempt=attempt, piece=LogPiece(offset=0, text="héllo "))
    observe_log(attempt=attempt, piece=LogPiece(offset=0, text="another text"))
    assert log_position(attempt) == 13
    assert log_since(attempt, 0) == ("héllo wörld", 13)
    assert log_since(attempt, 7) == ("wörld", 13)
    assert log_tail_start(attempt, most=3) == 7


# ---- usage ----------------------------------------------------------------------------------------------------------


def test_usage_counts_once_however_often_it_is_reported(scene):
    attempt = lease(scene)
    assert use(attempt) == use(attempt)
    assert used_gpu_seconds(attempt) == 100


def test_a_second_start_is_a_second_row(scene):
    attempt = lease(scene)
    use(attempt)
    use(attempt, seconds=50, started=attempt.created_at + timedelta(seconds=200))
    assert used_gpu_seconds(attempt) == 150


def test_accounting_counts_before_the_receipt_of_the_same_start(scene):
    attempt = lease(scene)
    use(attempt, seconds=100)
    use(attempt, seconds=90, method="accounting")
    assert used_gpu_seconds(attempt) == 90


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("usage_negative", {"gpu_seconds": -1}),
        ("usage_negative", {"seconds": -10, "gpu_seconds": 0}),
        ("usage_in_the_future", {"seconds": 86400}),
        ("usage_before_lease", {"started": AT - timedelta(days=1)}),
        ("usage_too_many_gpus", {"gpus": 2}),
        ("usage_beyond_wall_time", {"gpu_seconds": 101}),
        ("usage_method", {"method": "correction"}),
        ("usage_unnamed", {"native_id": ""}),
    ],
)
def test_usage_that_cannot_be_true_is_refused(scene, code, fields):
    attempt = lease(scene)
    with pytest.raises(ReportRefused) as caught:
        use(attempt, **fields)
    assert caught.value.code == code
    assert not attempt.usage_records.exists()


def test_usage_that_overlaps_or_contradicts_is_refused(scene):
    attempt = lease(scene)
    use(attempt)
    with pytest.raises(ReportRefused, match="usage_conflict"):
        use(attempt, gpu_seconds=99)
    with pytest.raises(ReportRefused, match="usage_overlaps"):
        use(attempt, started=attempt.created_at + timedelta(seconds=50))
    assert used_gpu_seconds(attempt) == 100
