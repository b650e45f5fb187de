"""The rules of matching: every exclusion has its reason, every rank its points, and the order is always the same."""

from dataclasses import replace
from decimal import Decimal

import pytest

from jobs.matching.facts import Able, Need, Offer, outlook
from jobs.matching.health import Health, health_of
from jobs.matching.rules import rank
from jobs.matching.sectors import works_for
from jobs.matching.span import span
from jobs.matching.weights import CRITERIA, USUAL
from models_hub.estimate import EstimateRequest, Hardware, Shape, estimate
from tests.jobs.scene import AT

A100 = Hardware(
    gpu_type="A100", memory_gb=80, bf16_tflops=312, share_low=0.28, share_high=0.42, board_watts=400, max_gpus=4
)
SHAPE = Shape.from_record(
    {
        "layers": 32, "hidden": 4096, "intermediate": 11008, "heads": 32, "kv_heads": 8, "head_dim": 128,
        "vocab": 32000, "tied_embeddings": False, "mlp_matrices": 3, "context": 4096, "task": "text-generation",
    }
)  # fmt: skip
RUN = EstimateRequest(shape=SHAPE, hardware=A100, method="lora", rows=2000, mean_tokens=300, longest_tokens=900)


def offer(key="1", **fields):
    given = {
        "key": key, "site": f"Site {key}", "place": "A100 80 GB", "country": "FI", "hardware": A100,
        "agents": (Able(silent_seconds=3),), "eur_per_gpu_hour": Decimal("2.20"), "max_seconds": 86400,
        "languages": ("en",), "wait_seconds": 0, "nodes": 4, **fields,
    }  # fmt: skip
    return Offer(**given)


def against(need, **fields):
    """The codes of what stands against a place that differs from a good one in these fields."""
    found = rank(need, [offer(**fields)])
    return [reason.code for one in found.excluded for reason in one.reasons]


@pytest.mark.parametrize(
    ("need", "fields", "code"),
    [
        (Need(), {"known": False}, "connection"),
        (Need(), {"taking": False}, "connection"),
        (Need(), {"agents": ()}, "connection"),
        (Need(), {"agents": (Able(silent_seconds=3, draining=True),)}, "connection"),
        (Need(), {"agents": (Able(silent_seconds=601),)}, "connection"),
        (Need(residency=frozenset({"DE"})), {}, "residency"),
        (Need(residency=frozenset({"FI"})), {"agents": (Able(silent_seconds=3, country="US"),)}, "residency"),
        (Need(eligible=False), {}, "eligibility"),
        (Need(), {"eur_per_gpu_hour": None}, "eligibility"),
        (Need(), {"may_grant": False}, "eligibility"),
        (Need(mode="playground"), {"modes": frozenset()}, "mode"),
        (Need(recipe="chat"), {"agents": (Able(silent_seconds=3, recipes=frozenset({"classify"})),)}, "recipe"),
        (Need(model="m"), {"models": {}}, "model"),
        (Need(model="m", revision="2"), {"models": {"m": "1"}}, "model"),
        (Need(run=RUN), {"hardware": replace(A100, memory_gb=8)}, "memory"),
        (Need(memory_gb=100), {}, "memory"),
        (Need(gpus=17), {}, "size"),
        (Need(nodes=5), {}, "size"),
        (Need(gpus=2), {"agents": (Able(silent_seconds=3, gpus=1),)}, "size"),
        (Need(max_seconds=90000), {}, "time"),
        (Need(run=RUN), {"agents": (Able(silent_seconds=3, seconds=60),)}, "time"),
        (Need(pace=312 * 0.3), {}, "time"),
        (Need(needs_hours=True), {}, "hours"),
        (Need(needs_hours=True, gpu_seconds=7200), {"hours_left": 3600}, "hours"),
        (Need(needs_hours=True, run=RUN), {"hours_left": 60}, "hours"),
    ],
)
def test_each_hard_rule_excludes_by_its_own_name(need, fields, code):
    assert against(Need()) == []
    assert against(need, **fields) == [code]


def test_a_place_that_meets_every_rule_is_ranked():
    need = Need(
        recipe="chat", model="m", revision="1", run=RUN, residency=frozenset({"FI"}), mode="playground",
        needs_hours=True,
    )  # fmt: skip
    agents = (Able(silent_seconds=3, recipes=frozenset({"chat"}), gpus=1, seconds=86400, country="FI"),)
    (one,) = rank(
        need, [offer(models={"m": "1"}, agents=agents, modes=frozenset({"playground"}), hours_left=10**6)]
    ).ranked
    assert one.outlook.fits and one.outlook.gpu_hours > 0


@pytest.mark.parametrize("hardware", [A100, replace(A100, grid_g_per_kwh=40, pue=1.1), replace(A100, bf16_tflops=900)])
def test_what_a_run_takes_is_what_the_estimator_says(hardware):
    said = estimate(replace(RUN, hardware=hardware))
    found = outlook(Need(run=RUN, runs=3), offer(hardware=hardware))
    assert (found.seconds, found.most_seconds) == (said.seconds.likely, said.seconds.high)
    assert (found.gpu_hours, found.energy_kwh, found.co2e_kg) == tuple(
        3 * figure.likely for figure in (said.gpu_hours, said.energy_kwh, said.co2e_kg)
    )
    assert (found.need_gb, found.have_gb) == (said.memory.total.value, said.memory.capacity_gb)


def test_one_able_agent_of_several_is_enough():
    agents = (Able(silent_seconds=9999, gpus=1), Able(silent_seconds=3, gpus=4))
    assert against(Need(gpus=4), agents=agents) == []


def test_everything_that_stands_against_a_place_is_said():
    codes = against(Need(model="m", gpus=99, residency=frozenset({"DE"})), taking=False, models={})
    assert codes == ["connection", "residency", "model", "size"]


def test_the_reason_is_a_whole_sentence_with_its_figures():
    found = rank(Need(residency=frozenset({"DE", "AT"})), [offer()]).excluded[0].reasons[0]
    assert str(found.words) == "Your data may only go to AT, DE; the site is in FI."
    small = rank(Need(run=RUN), [offer(hardware=replace(A100, memory_gb=8))]).excluded[0].reasons[0]
    assert "GB on one GPU, and there are 8 GB" in str(small.words)


def order(*offers, need=None, weights=USUAL):
    return [one.offer.key for one in rank(need or Need(run=RUN), offers, weights).ranked]


def only(code):
    return {criterion.code: int(criterion.code == code) for criterion in CRITERIA}


@pytest.mark.parametrize(
    ("code", "better", "worse"),
    [
        ("start", {"wait_seconds": 60}, {"wait_seconds": 3600}),
        ("start", {"wait_seconds": 3600}, {"wait_seconds": None}),
        ("start", {"wait_seconds": 0}, {"wait_seconds": 0, "closed_seconds": 7200}),
        ("start", {"wait_seconds": None}, {"agents": (Able(silent_seconds=90),)}),
        ("carbon", {"hardware": replace(A100, grid_g_per_kwh=40)}, {"hardware": replace(A100, grid_g_per_kwh=400)}),
        ("carbon", {"hardware": replace(A100, pue=1.1)}, {"hardware": replace(A100, pue=1.8)}),
        ("price", {"eur_per_gpu_hour": Decimal(1)}, {"eur_per_gpu_hour": Decimal(3)}),
        ("language", {"languages": ("fi",)}, {"languages": ("en",)}),
        ("language", {"languages": ("en",)}, {"languages": ("sl",)}),
        ("sector", {"sectors": ("manufacturing",)}, {"sectors": ()}),
        ("sector", {"sectors": ()}, {"sectors": ("health",)}),
    ],
)
@pytest.mark.parametrize("run", [RUN, None])
def test_each_criterion_alone_orders_as_it_says(code, better, worse, run):
    need = Need(run=run, language="fi", sector="25.10")
    assert order(offer("1", **worse), offer("2", **better), need=need, weights=only(code)) == ["2", "1"]


def test_points_follow_the_published_formula():
    (one,) = rank(Need(), [offer(wait_seconds=3600)], only("start")).ranked
    assert (one.scores[0].points, one.total) == (50.0, 50.0)
    found = rank(Need(), [offer("1", eur_per_gpu_hour=Decimal(4)), offer("2", eur_per_gpu_hour=Decimal(2))])
    price = {one.offer.key: next(s for s in one.scores if s.code == "price") for one in found.ranked}
    assert (price["2"].points, price["1"].points) == (100.0, 50.0)
    assert str(price["2"].words) == "2.00 EUR a GPU-hour, the least of all."
    assert str(price["1"].words) == "4.00 EUR a GPU-hour, 2 times the least."


def test_the_total_is_the_weighted_mean_of_the_points():
    (one,) = rank(Need(), [offer(wait_seconds=3600, languages=("sl",))], {"start": 3, "language": 1}).ranked
    assert {score.code: (score.points, score.weight) for score in one.scores} == {
        "start": (50.0, 3),
        "language": (0.0, 1),
    }
    assert one.total == 37.5


def test_what_cannot_be_chosen_does_not_set_the_mark_for_the_others():
    cheap = offer("1", taking=False, eur_per_gpu_hour=Decimal("0.01"))
    (one,) = rank(Need(), [cheap, offer("2")], only("price")).ranked
    assert one.total == 100.0


def test_equal_places_stand_in_the_order_of_their_names_however_they_came():
    places = [offer("3"), offer("1"), offer("2")]
    assert order(*places) == order(*reversed(places)) == ["1", "2", "3"]


def test_without_any_weight_everything_possible_is_still_listed():
    assert order(offer("1"), offer("2"), weights=dict.fromkeys(USUAL, 0)) == ["1", "2"]


def test_the_usual_weights_add_up_to_a_hundred():
    assert sum(USUAL.values()) == 100


@pytest.mark.parametrize(
    ("sectors", "nace", "fits"),
    [
        (("Manufacturing",), "25.10", True),
        (("health", "energy"), "86.10", True),
        (("62",), "62.10", True),
        (("health",), "62.10", False),
        ((), "62.10", None),
        (("health",), "", None),
        (("something we do not know",), "62.10", None),
    ],
)
def test_a_focus_is_held_against_the_activity_of_the_company(sectors, nace, fits):
    assert works_for(sectors, nace) is fits


def test_health_turns_late_after_a_minute_and_unreachable_after_ten():
    from datetime import timedelta

    ages = {59: Health.HEALTHY, 61: Health.LATE, 600: Health.LATE, 601: Health.UNREACHABLE}
    assert {age: health_of(AT - timedelta(seconds=age), at=AT) for age in ages} == ages
    assert health_of(None, at=AT) == Health.UNREACHABLE


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(40, "40 seconds"), (90, "2 minutes"), (7200, "2 hours"), (9000, "2.5 hours"), (400_000, "5 days")],
)
def test_a_span_is_said_in_the_largest_unit_that_fits(seconds, words):
    assert str(span(seconds)) == words
