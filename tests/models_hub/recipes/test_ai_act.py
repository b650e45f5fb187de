"""The compute test of the guidelines of 18 July 2025."""

import pytest

from models_hub.recipes.ai_act import assess_modification


def test_a_fine_tune_of_a_7b_model_is_far_below_a_third_of_its_training():
    """7e9 parameters on 15e12 tokens are 6.3e23 FLOP; 5e7 tokens of fine-tuning are 2.1e18."""
    outcome = assess_modification(flops=2.1e18, base_flops=6.3e23)
    assert outcome.threshold == pytest.approx(2.1e23)
    assert not outcome.becomes_provider


def test_without_the_base_figure_a_third_of_1e23_counts():
    assert not assess_modification(flops=3.3e22).becomes_provider
    assert assess_modification(flops=7.1e22).becomes_provider


def test_with_systemic_risk_a_third_of_1e25_counts():
    outcome = assess_modification(flops=4e24, systemic_risk=True)
    assert outcome.becomes_provider
    assert outcome.presumed_systemic


def test_exactly_the_threshold_is_not_beyond_it():
    assert not assess_modification(flops=1.0, base_flops=3.0).becomes_provider


def test_negative_compute_is_refused():
    with pytest.raises(ValueError, match="FLOP"):
        assess_modification(flops=-1)
