"""The quick classifier: the optimum of a convex problem, the same each time."""

import pytest

pytestmark = pytest.mark.training


def test_the_fit_is_the_optimum_and_repeats_itself(probe):
    found = probe("logistic")
    assert found["right"] == 90
    assert found["gradient"] < 1e-4
    assert found["same"]
    assert found["of_equals"] == 0.1
