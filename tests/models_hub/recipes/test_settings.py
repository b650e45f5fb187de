"""The defaults, and why they are what they are."""

import pytest

from models_hub.recipes.classification import passes_for
from models_hub.recipes.settings import (
    epochs_for,
    learning_rate_for,
    max_length_for,
    patience_for,
    rows_per_step_for,
)


@pytest.mark.parametrize(
    ("rows", "passes"), [(50, 5), (299, 5), (300, 3), (2000, 3), (2001, 2), (20_000, 2), (20_001, 1)]
)
def test_fewer_passes_over_more_rows(rows, passes):
    assert epochs_for(rows, "standard") == passes


def test_a_trial_sees_about_three_hundred_rows():
    assert epochs_for(3000, "quick") * 3000 == pytest.approx(300)


def test_a_trial_of_little_data_is_one_pass():
    assert epochs_for(80, "quick") == 1.0


def test_a_trial_of_much_data_is_a_tenth_at_least():
    assert epochs_for(1_000_000, "quick") == 0.1


def test_thorough_is_twice_standard_and_stops_early():
    assert epochs_for(500, "thorough") == 2 * epochs_for(500, "standard")
    assert patience_for("thorough") == 2


def test_adapters_learn_ten_times_faster_than_full_weights():
    assert learning_rate_for("lora", 7_000_000_000) == pytest.approx(10 * learning_rate_for("full", 7_000_000_000))


def test_small_models_take_larger_steps():
    assert learning_rate_for("lora", 4_000_000) > learning_rate_for("lora", 7_000_000_000)
    assert learning_rate_for("encoder", 22_000_000) > learning_rate_for("encoder", 278_000_000)


@pytest.mark.parametrize(
    ("longest", "context", "length"), [(10, 512, 64), (65, 512, 128), (700, 512, 512), (9000, None, 4096)]
)
def test_rows_are_as_long_as_the_data_needs_and_the_model_allows(longest, context, length):
    assert max_length_for(longest, context) == length


def test_more_rows_are_learned_from_in_larger_steps():
    assert [rows_per_step_for(rows) for rows in (200, 5000, 100_000)] == [8, 16, 32]


def test_an_encoder_passes_more_often_over_little_data():
    assert [passes_for(rows) for rows in (450, 3000, 50_000)] == [6, 3, 2]
