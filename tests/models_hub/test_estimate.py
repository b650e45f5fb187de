"""The estimator against published measurements, against the catalogue's shapes, and against common sense."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_hub.estimate import (
    MEMORY_BOUNDS,
    Corrections,
    EstimateRequest,
    Hardware,
    Shape,
    correction_from,
    cpu_slot,
    estimate,
    value_of,
)

A100 = Hardware("A100 80 GB", 80, 312, 0.28, 0.42, 400, max_gpus=8)
H100 = Hardware("H100 80 GB", 80, 989, 0.22, 0.38, 700, max_gpus=4)
LLAMA_2_7B = Shape(32, 4096, 11008, 32, 32, 32000)
EUROLLM_9B = Shape(42, 4096, 12288, 32, 8, 128000, context=4096)
MINILM = Shape(6, 384, 1536, 12, 12, 30522, tied=True, mlp_matrices=2, head=False)
TINY_LLAMA = Shape(4, 256, 688, 4, 4, 4096)

# layers, hidden, intermediate, heads, kv heads, vocabulary, head size, tied, MLP matrices, parameters in millions:
# shapes read at the source (config.json, GGUF metadata or model card) of models that small firms choose.
VERIFIED = {
    "EuroLLM-9B": (42, 4096, 12288, 32, 8, 128000, 128, False, 3, 9150),
    "EuroLLM-1.7B": (24, 2048, 5632, 16, 8, 128000, 128, False, 3, 1660),
    "Apertus-8B": (32, 4096, 21504, 32, 8, 131072, 128, False, 2, 8050),
    "Velvet-14B": (50, 5120, 12544, 40, 8, 126976, 128, False, 3, 14080),
    "Mistral-7B-v0.3": (32, 4096, 14336, 32, 8, 32768, 128, False, 3, 7250),
    "Mistral-Small-24B": (40, 5120, 32768, 32, 8, 131072, 128, False, 3, 23570),
    "SmolLM3-3B": (36, 2048, 11008, 16, 4, 128256, 128, True, 3, 3080),
    "OLMo-2-7B": (32, 4096, 11008, 32, 32, 100352, 128, False, 3, 7300),
    "Qwen3-0.6B": (28, 1024, 3072, 16, 8, 151936, 128, True, 3, 596),
    "Qwen3-4B": (36, 2560, 9728, 32, 8, 151936, 128, True, 3, 4020),
    "Llama-3.1-8B": (32, 4096, 14336, 32, 8, 128256, 128, False, 3, 8030),
    "Llama-3.2-3B": (28, 3072, 8192, 24, 8, 128256, 128, True, 3, 3210),
    "Gemma-3-4B": (34, 2560, 10240, 8, 4, 262144, 256, True, 3, 3880),
    "Phi-4-mini": (32, 3072, 8192, 24, 8, 200064, 128, True, 3, 3840),
    "phi-4": (40, 5120, 17920, 40, 10, 100352, 128, False, 3, 14660),
}

# Memory that LLaMA-Factory published for Llama-2-7B on one A100 40 GB (rank 8, all linear maps, checkpointing).
PUBLISHED = [
    ("lora", 1024, 4, 17),
    ("qlora", 1024, 1, 6),
    ("qlora", 2048, 1, 7),
    ("qlora", 4096, 1, 9),
    ("qlora", 8192, 1, 12),
    ("qlora", 16384, 1, 19),
    ("qlora", 32768, 1, 32),
]


def make_request(**changes):
    defaults = {"shape": EUROLLM_9B, "hardware": A100, "method": "lora", "rows": 2000, "mean_tokens": 400.0}
    return EstimateRequest(**{**defaults, "epochs": 3, "max_length": 2048, **changes})


@pytest.mark.parametrize(("method", "length", "batch", "measured_gb"), PUBLISHED)
def test_memory_is_between_the_published_measurement_and_twelve_percent_above(method, length, batch, measured_gb):
    request = make_request(shape=LLAMA_2_7B, method=method, max_length=length, micro_batch=batch, lora_rank=8)
    ratio = estimate(request).memory.total.value / measured_gb
    assert 0.995 <= ratio <= 1.125


@pytest.mark.parametrize("name", VERIFIED)
def test_parameters_from_the_shape_agree_with_the_published_count_within_two_percent(name):
    layers, hidden, mlp, heads, kv, vocabulary, head_size, tied, matrices, millions = VERIFIED[name]
    shape = Shape(layers, hidden, mlp, heads, kv, vocabulary, head_size, tied, matrices)
    assert shape.parameters == pytest.approx(millions * 1e6, rel=0.02)


def test_worked_example_of_a_nine_billion_model_on_one_a100():
    lora = estimate(make_request())
    assert lora.memory.total.value == pytest.approx(25.0, abs=0.1)
    assert (round(lora.gpu_hours.low, 2), round(lora.gpu_hours.high, 2)) == (0.32, 0.45)
    assert 0.15 <= lora.energy_kwh.low <= lora.energy_kwh.high <= 0.3
    assert estimate(make_request(method="qlora")).memory.total.value == pytest.approx(12.4, abs=0.1)
    assert estimate(make_request(method="full")).memory.total.value == pytest.approx(178, abs=1)


def test_worked_example_on_an_h100_takes_about_half_as_long():
    run = estimate(make_request(hardware=H100))
    assert 0.14 <= run.gpu_hours.low < run.gpu_hours.likely < run.gpu_hours.high <= 0.23


def test_memory_components_add_up_to_the_total_and_every_one_explains_itself():
    memory = estimate(make_request(method="qlora")).memory
    assert sum(part.value for part in memory.components) == pytest.approx(memory.total.value)
    assert sum(memory.groups.values()) == pytest.approx(memory.total.value)
    for part in memory.components:
        assert str(part.label) and str(part.formula) and str(part.source)
        assert "%(" not in f"{part.label}{part.formula}{part.source}"


@pytest.mark.parametrize("method", ["lora", "qlora", "full", "encoder", "baseline"])
def test_an_estimate_survives_json_and_no_sentence_keeps_a_placeholder(method):
    run = estimate(make_request(method=method, shape=MINILM if method in ("encoder", "baseline") else EUROLLM_9B))
    data = json.loads(json.dumps(run.as_dict()))
    assert data["schema"] == "open-paas/estimate/1"
    assert data["memory"]["components"][0]["label"]["message"]
    for figure in (run.tokens, run.flops, run.seconds, run.gpu_hours, run.energy_kwh, run.co2e_kg, run.parameters):
        assert "%(" not in f"{figure.label} {figure.formula} {figure.source}"
    assert "%(" not in str(run.verdict)


def test_full_training_that_does_not_fit_suggests_a_smaller_method_that_does():
    run = estimate(make_request(method="full"))
    assert not run.fits
    assert run.suggestion.changes == {"method": "lora"}
    assert estimate(make_request(**run.suggestion.changes)).fits


def test_a_large_step_that_does_not_fit_suggests_fewer_rows_at_a_time_with_the_same_result():
    request = make_request(micro_batch=32, accumulation=1)
    suggestion = estimate(request).suggestion
    changed = replace(request, **suggestion.changes)
    assert changed.micro_batch * changed.accumulation == 32
    assert estimate(changed).fits


def test_a_long_row_that_does_not_fit_suggests_a_shorter_one():
    small_gpu = replace(A100, memory_gb=10, max_gpus=1)
    request = make_request(shape=LLAMA_2_7B, hardware=small_gpu, method="qlora", max_length=16384)
    suggestion = estimate(request).suggestion
    assert suggestion.changes["max_length"] < 16384
    assert estimate(replace(request, **suggestion.changes)).fits


def test_no_suggestion_is_made_when_nothing_would_fit():
    assert estimate(make_request(hardware=replace(A100, memory_gb=2, max_gpus=1))).suggestion is None


def test_several_gpus_finish_sooner_and_use_slightly_more_gpu_hours():
    one, four = estimate(make_request()), estimate(make_request(gpus=4))
    assert four.seconds.likely < one.seconds.likely
    assert four.gpu_hours.likely > one.gpu_hours.likely


def test_sharing_the_model_lowers_memory_per_gpu_and_says_that_it_is_not_measured():
    run = estimate(make_request(method="full", gpus=4, sharded=True))
    assert run.memory.total.value < estimate(make_request(method="full", gpus=4)).memory.total.value / 3
    assert any("not yet measured" in str(note) for note in run.notes)


def test_a_tiny_model_on_a_cpu_slot_gets_minutes_and_a_gigabyte():
    run = estimate(
        EstimateRequest(
            TINY_LLAMA, cpu_slot(), "lora", rows=208, mean_tokens=80, epochs=6, max_length=256, micro_batch=4
        )
    )
    assert run.fits
    assert 0.5 < run.memory.total.value < 2
    assert 30 < run.seconds.low < run.seconds.high < 600
    assert run.energy_kwh.high < 0.05


def test_a_small_encoder_on_a_cpu_slot_costs_more_than_its_baseline():
    base = {
        "shape": MINILM,
        "hardware": cpu_slot(),
        "rows": 400,
        "mean_tokens": 20,
        "max_length": 128,
        "micro_batch": 16,
    }
    encoder, baseline = (estimate(EstimateRequest(method=name, **base)) for name in ("encoder", "baseline"))
    assert baseline.gpu_hours.high < encoder.gpu_hours.high
    assert baseline.memory.total.value < encoder.memory.total.value < 2


def test_the_longest_row_of_the_data_limits_memory_below_the_set_length():
    long, short = estimate(make_request()), estimate(make_request(longest_tokens=500))
    assert short.memory.total.value < long.memory.total.value


def test_filling_up_short_rows_costs_tokens_only_when_rows_are_taken_together():
    alone = estimate(make_request(p95_tokens=1500))
    together = estimate(make_request(p95_tokens=1500, micro_batch=8))
    assert alone.tokens.value == 2000 * 3 * 400
    assert together.tokens.value > alone.tokens.value


def test_correction_needs_three_runs_and_takes_their_median():
    assert correction_from([]).factor == 1.0
    assert correction_from([2.0, 2.0]).factor == 1.0
    assert correction_from([1.2, 1.4, 9.0]).factor == 1.4


def test_correction_is_clamped_and_says_so():
    correction = correction_from([9.0, 9.0, 9.0])
    assert correction.factor == 3.0
    assert correction.clamped
    assert "at most" in str(correction.explain())


def test_corrections_scale_time_and_memory_and_are_told():
    corrections = Corrections(
        time=correction_from([1.5, 1.5, 1.5]), memory=correction_from([1.2, 1.2, 1.2], bounds=MEMORY_BOUNDS)
    )
    plain, corrected = estimate(make_request()), estimate(make_request(corrections=corrections))
    assert corrected.seconds.likely == pytest.approx(1.5 * plain.seconds.likely)
    assert corrected.memory.total.value == pytest.approx(
        1.2 * (plain.memory.total.value - A100.runtime_gb) + A100.runtime_gb
    )
    assert "3 finished runs" in str(corrected.seconds.formula)


def test_value_is_exact_decimal_arithmetic():
    assert value_of(5.8, Decimal("2.61")) == Decimal("15.138")


def test_hardware_record_ignores_other_fields_and_keeps_defaults_for_missing_ones():
    record = {"gpu_type": "L40S", "memory_gb": Decimal("48"), "bf16_tflops": 362, "share_low": 0.22, "share_high": 0.36}
    hardware = Hardware.from_record({**record, "board_watts": 350, "pue": None, "count": 4})
    assert (hardware.pue, hardware.memory_gb) == (1.3, 48.0)


def test_shape_of_an_encoder_record_has_no_output_layer():
    record = {"task": "embedding", "layers": 6, "hidden": 384, "intermediate": 1536, "heads": 12, "vocab": 30522}
    shape = Shape.from_record({**record, "kv_heads": 12, "head_dim": 32, "tied_embeddings": True, "mlp_matrices": 2})
    assert not shape.head
    assert shape.parameters == pytest.approx(22.7e6, rel=0.02)


@pytest.mark.parametrize("wrong", [{"method": "magic"}, {"rows": 0}, {"mean_tokens": 0}, {"epochs": 0}, {"gpus": 0}])
def test_impossible_requests_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        make_request(**wrong)


SIZES = {
    "rows": st.integers(1, 100_000),
    "epochs": st.floats(0.1, 10),
    "max_length": st.integers(64, 16384),
    "micro_batch": st.integers(1, 32),
    "lora_rank": st.integers(1, 256),
}


@given(method=st.sampled_from(["lora", "qlora", "full"]), sizes=st.fixed_dictionaries(SIZES), data=st.data())
def test_more_of_anything_never_needs_less(method, sizes, data):
    request = make_request(method=method, **sizes)
    name = data.draw(st.sampled_from(list(SIZES)))
    more = replace(request, **{name: sizes[name] * 2})
    before, after = estimate(request), estimate(more)
    assert after.memory.total.value >= before.memory.total.value
    if name in ("rows", "epochs"):
        assert after.gpu_hours.low >= before.gpu_hours.low
        assert after.steps >= before.steps


@given(st.integers(0, 5), st.floats(1.01, 4))
def test_more_parameters_never_need_less(field, factor):
    sizes = [24, 2048, 5632, 16, 8, 64000]
    larger = sizes.copy()
    larger[field] = round(sizes[field] * factor) + 1
    small, large = (make_request(shape=Shape(*shape, head_size=128), method="qlora") for shape in (sizes, larger))
    assert estimate(large).memory.total.value >= estimate(small).memory.total.value
    assert estimate(large).flops.value >= estimate(small).flops.value


@given(
    sizes=st.fixed_dictionaries(SIZES), memory_gb=st.floats(4, 200), method=st.sampled_from(["lora", "qlora", "full"])
)
def test_a_suggestion_always_fits(sizes, memory_gb, method):
    request = make_request(method=method, hardware=replace(A100, memory_gb=memory_gb), **sizes)
    run = estimate(request)
    if run.suggestion:
        assert estimate(replace(request, **run.suggestion.changes)).fits
        assert "%(" not in str(run.suggestion.sentence)
