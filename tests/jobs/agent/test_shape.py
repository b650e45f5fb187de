"""What work may ask for beyond one GPU, and how a sweep's attempts go to the scheduler together."""

from types import SimpleNamespace

import pytest

from jobs.agent.backends.base import BackendError, Budget, Phase, Status
from jobs.agent.backends.slurm_sweep import alike
from jobs.agent.config import Allowed
from jobs.agent.shape import PLAIN, shape_of
from jobs.agent.sweeps import handed_over
from tests.jobs.agent.test_backends import order

DIGEST = "sha256:" + "a" * 64


def test_work_that_asks_for_nothing_more_is_one_node_without_a_budget():
    assert shape_of({"gpus": 1}) == PLAIN
    assert shape_of({"gpus": 1, "nodes": None, "budget": None, "sweep": None, "container": None}) == PLAIN


def test_everything_that_may_be_asked_for_is_read():
    shape = shape_of({
        "gpus": 8, "nodes": 2, "budget": {"allocation": "AL-2026-1", "gpu_minutes": 60}, "sweep": {"id": "S-1"},
        "container": {"digest": DIGEST},
    })  # fmt: skip
    assert (shape.nodes, shape.budget) == (2, Budget(allocation="AL-2026-1", gpu_minutes=60))
    assert (shape.sweep, shape.image) == ("S-1", DIGEST)


@pytest.mark.parametrize(
    "words",
    [
        {"gpus": 3, "nodes": 2},
        {"gpus": 1, "nodes": -1},
        {"gpus": 1, "budget": {"allocation": "a b; rm", "gpu_minutes": 1}},
        {"gpus": 1, "budget": {"allocation": "a", "gpu_minutes": -1}},
        {"gpus": 1, "sweep": {"id": "../x"}},
        {"gpus": 1, "container": {"digest": "training:latest"}},
    ],
)
def test_a_shape_that_cannot_be_is_refused(words):
    with pytest.raises(ValueError, match=r"\.$"):
        shape_of(words)


def test_the_site_gives_only_the_nodes_and_images_on_its_list():
    site = Allowed(recipes=frozenset(), max_gpus=8, max_seconds=60, max_nodes=2, images=frozenset({DIGEST}))
    assert not site.objection_to_shape(nodes=2, image=DIGEST)
    assert not site.objection_to_shape(nodes=1, image="")
    assert site.objection_to_shape(nodes=3, image="")
    assert site.objection_to_shape(nodes=1, image="sha256:" + "b" * 64)


class Scheduler:
    """Takes arrays, and remembers which."""

    def __init__(self, trouble=None, wants=100):
        self.taken, self.trouble, self.wants = [], trouble, wants

    def submit_together(self, orders):
        if self.trouble:
            raise self.trouble
        self.taken.append(list(orders))
        return list(orders)[: self.wants]

    def poll(self, keys):
        return {key: Status(key=key, phase=Phase.PENDING) for key in keys}


def attempt(key, sweep="s", **words):
    about = {"committed": True, "cancel": False, "dropped": False, "closed": False, **words}
    return SimpleNamespace(key=key, payload={"sweep": {"id": sweep}} if sweep else {}, **about)


def going(attempts, backend, **phases):
    seen = {one.key: Status(key=one.key, phase=phases.get(one.key, Phase.UNKNOWN)) for one in attempts}
    return handed_over(attempts, seen, backend=backend, order_of=lambda one: one.key)


def test_attempts_of_one_sweep_go_together_and_everything_else_by_itself():
    scheduler = Scheduler()
    attempts = [
        attempt("a"), attempt("b"), attempt("other", "t"), attempt("alone", ""), attempt("early", committed=False),
        attempt("stopped", cancel=True), attempt("runs"),
    ]  # fmt: skip
    found = going(attempts, scheduler, runs=Phase.RUNNING)
    assert scheduler.taken == [["a", "b"]]
    assert {key: status.phase for key, status in found.items()} == {"a": Phase.PENDING, "b": Phase.PENDING}


def test_what_belongs_to_no_sweep_is_offered_together_too():
    scheduler = Scheduler()
    found = going([attempt("a", ""), attempt("b", ""), attempt("c", "s")], scheduler)
    assert scheduler.taken == [["a", "b"]]
    assert found.keys() == {"a", "b"}


def test_what_the_back_end_leaves_is_submitted_singly():
    """Only of what it took is said where it stands now; the rest is as unknown as before."""
    scheduler = Scheduler(wants=1)
    assert going([attempt("a", ""), attempt("b", "")], scheduler).keys() == {"a"}


@pytest.mark.parametrize(
    ("count", "sweep", "least", "arrays"),
    [(7, "", 8, []), (8, "", 8, [8]), (1, "", 1, []), (2, "", 1, [2]), (2, "S-1", 8, [2]), (205, "", 8, [200])],
)
def test_a_burst_is_an_array_from_as_many_on_as_the_site_says(count, sweep, least, arrays):
    orders = [order(key=f"ft-{number}-1", sweep=sweep) for number in range(count)]
    found = alike(orders, {one.key: 1 for one in orders}, least=least)
    assert [len(batch) for batch in found] == arrays


def test_a_sweep_that_is_not_taken_together_is_left_to_go_one_by_one():
    assert going([attempt("a"), attempt("b")], Scheduler(BackendError("no arrays today"))) == {}


def test_a_scheduler_without_arrays_is_not_asked():
    assert going([attempt("a"), attempt("b")], SimpleNamespace()) == {}
