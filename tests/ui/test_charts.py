"""Charts: the drawing agrees with the numbers, and odd numbers do not break it."""

import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.ui import geography
from portal.ui.charts import BASE, TOP, Chart, Series, bars, lines, nice_step, scale_for
from portal.ui.steps import Step, StepChart, steps


def chart(*rows: list[float | None], **options) -> Chart:
    labels = [str(at) for at in range(len(rows[0]))]
    return Chart("Test", labels, [Series(f"row {at}", row) for at, row in enumerate(rows)], **options)


@given(st.floats(0.001, 1e9))
def test_a_scale_has_round_steps_that_cover_the_span(span):
    step = nice_step(span)
    assert step * 5 >= span * (1 - 1e-6)
    assert step / 10 ** math.floor(math.log10(step) + 1e-9) == pytest.approx(1, rel=1e-6) or step * 4 <= span * 5


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_every_column_stays_inside_the_drawing(values):
    for column in bars(chart(values)).columns:
        for block in column.blocks:
            assert TOP - 0.1 <= block.y <= BASE
            assert block.y + block.height <= BASE + 0.6


def test_stacked_columns_reach_the_height_of_their_sum():
    drawing = bars(chart([10.0], [20.0]))
    assert drawing.columns[0].blocks[-1].y == drawing.scale.y(30)


def test_the_first_two_series_have_colours_that_differ_in_a_stack():
    assert [block.css for block in bars(chart([1.0], [1.0])).columns[0].blocks] == ["op-c1", "op-c3"]


def test_a_missing_value_breaks_a_line_unless_it_is_joined():
    values = [1.0, None, 2.0, 3.0]
    broken = Chart("t", list("abcd"), [Series("x", values)])
    joined = Chart("t", list("abcd"), [Series("x", values, join=True)])
    assert len(lines(broken).lines[0].runs) == 2
    assert len(lines(joined).lines[0].runs) == 1


def test_a_chart_without_data_is_still_a_chart():
    assert bars(Chart("t", [], [])).columns == []
    assert lines(chart([None, math.nan])).lines[0].runs == []


def test_a_line_of_equal_values_has_a_scale():
    assert scale_for(3.0, 3.0).high > scale_for(3.0, 3.0).low


def test_few_labels_are_written_on_small_screens():
    columns = bars(chart([float(at) for at in range(30)])).columns
    assert 0 < sum(column.label_css == "" for column in columns) <= 4
    assert sum(column.label_css is not None for column in columns) <= 12


def test_the_table_says_every_number():
    assert chart([1.25, None], [2.0, 3.0]).rows == [("0", ["1.2", "2.0"]), ("1", ["–", "3.0"])]


def test_a_chart_refuses_more_series_than_can_be_told_apart():
    with pytest.raises(ValueError, match="at most 4"):
        chart([1.0], [1.0], [1.0], [1.0], [1.0])


def test_a_chart_refuses_rows_of_another_length():
    with pytest.raises(ValueError, match="2 values for 1 labels"):
        Chart("t", ["a"], [Series("x", [1, 2])])


@pytest.mark.parametrize(
    ("latitude", "longitude", "x", "y"),
    [(64.23, 27.72, 696, 171), (41.39, 2.17, 367, 738), (44.49, 11.34, 534, 670)],
)
def test_a_site_lies_where_the_map_has_it(latitude, longitude, x, y):
    assert geography.place(latitude, longitude) == pytest.approx((x, y), abs=1)


def step_chart(*pairs: tuple[int, float], days: int = 1000, **options) -> StepChart:
    start = date(2026, 11, 21)
    return StepChart(
        "Test", start, start + timedelta(days=days), [Step(start + timedelta(days=at), value) for at, value in pairs],
        **options,
    )  # fmt: skip


def test_steps_lie_on_a_true_time_axis():
    first, second = steps(step_chart((0, 100.0), (250, 50.0))).treads
    assert (first.x, first.end) == (6.0, second.x)
    assert first.width == pytest.approx((100 - 6) / 4, abs=0.01)
    assert second.next_y is None and first.next_y == second.y


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=40), st.floats(1, 1e6))
def test_every_step_and_the_ceiling_stay_inside_the_drawing(values, limit):
    drawing = steps(step_chart(*enumerate(values), limit=limit))
    assert all(TOP - 0.1 <= tread.y <= BASE and 0 <= tread.width <= 94 for tread in drawing.treads)
    assert TOP - 0.1 <= drawing.limit_y <= BASE


def test_a_step_beyond_the_axis_is_drawn_at_its_end():
    assert steps(step_chart((0, 1.0), (5000, 0.0), days=100)).treads[-1].width == 0


def test_an_axis_in_thousands_has_the_same_heights_and_shorter_numbers():
    plain, short = (steps(step_chart((0, 120000.0), thousands=wanted)).scale.ticks for wanted in (False, True))
    assert [one.y for one in plain] == [one.y for one in short]
    assert (plain[-1].label, short[-1].label) == ("125,000", "125")


def test_three_years_have_few_labels_that_stay_on_narrow_screens():
    labels = steps(step_chart((0, 1.0), days=1096)).labels
    assert len(labels) <= 8 and len([one for one in labels if one[2] == ""]) <= 4
