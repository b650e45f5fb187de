"""The loss curve from a metrics file."""

from models_hub.tuned.curve import loss_chart, read_points
from tests.models_hub.tuned.conftest import CURVE


def points():
    return list(read_points(CURVE.encode().splitlines(keepends=True)))


def test_training_loss_is_averaged_between_two_checks():
    chart = loss_chart(points())
    assert list(chart.labels) == ["10", "20", "30"]
    learned, checked = chart.series
    assert [round(value, 2) for value in learned.values] == [1.2, 0.6, 0.3]
    assert checked.values == [1.1, 0.7, 0.8]


def test_the_best_step_is_marked():
    chart = loss_chart(points())
    assert chart.limit == 0.7
    assert "20" in chart.limit_label


def test_the_runs_own_best_step_counts():
    assert loss_chart(points(), best_step=30).limit == 0.8


def test_broken_lines_are_skipped():
    assert list(read_points([b'{"step": 1, "loss": 2}\n', b'{"step": 2, "lo', b"[1]\n"])) == [{"step": 1, "loss": 2}]


def test_reading_stops_at_the_limit():
    assert len(list(read_points([b'{"step": 1}\n'] * 100, limit=50))) == 4


def test_one_point_is_no_curve():
    assert loss_chart([{"step": 1, "loss": 2.0}]) is None


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    chart = loss_chart([{"step": step, "validation_loss": 1 / step} for step in range(1, 1001)])
    assert len(chart.labels) <= 62
    assert (chart.labels[0], chart.labels[-1]) == ("1", "1000")
