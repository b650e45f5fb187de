"""kill -9 of every part before and after every step of the protocol, on a real Slurm site: always one result, one bill.

The short selection below is part of `make test`; `make faults` runs every step, moment and victim.
"""

import itertools

import pytest

from tests.faults.line import Weather
from tests.faults.world import PORTAL, SITE, whole_world
from tests.jobs.agent.workshop import eventually

pytestmark = [pytest.mark.faults, pytest.mark.slurm]

STEPS = (
    "enrol", "session", "lease", "stage", "commit", "sbatch", "start", "event", "log", "collecting", "piece",
    "manifest", "usage", "final", "wipe",
)  # fmt: skip
MOMENTS = ("before", "after")
# Answers that only the portal can begin: there is no message before them but the one that brings them.
ANSWERS = (("work", "after"), ("closed", "after"))
ALL = [
    (step, moment, victim)
    for (step, moment), victim in itertools.product([*itertools.product(STEPS, MOMENTS), *ANSWERS], (*PORTAL, *SITE))
]
# One of each victim, at the steps where most is at stake: between lease, hand-over, and the end.
SHORT = [
    ("commit", "after", "agent"),
    ("sbatch", "after", "agent"),
    ("work", "after", "web"),
    ("manifest", "before", "postgres"),
    ("usage", "after", "slurmctld"),
    ("event", "before", "slurmd"),
    ("final", "after", "worker"),
]


@pytest.fixture(scope="module")
def whole(slurm_here, tmp_path_factory):
    with whole_world(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def world(whole):
    """The world as one test finds it: the line is quiet, and the agent is there, whatever the test before has done."""
    whole.line.armed = whole.line.weather = None
    if whole.shop.process.poll() is not None:
        whole.shop.start()
    return whole


@pytest.fixture
def eager(world):
    """A site that takes more than it has GPUs for, and hands over as one array what is ready together."""
    plain = dict(world.options)
    world.options |= {"queue_ahead": 20, "arrays_from": 3}
    world.shop.write()
    yield world
    world.options.clear()
    world.options |= plain
    world.shop.write()
    world.shop.kill()


def assert_one_result_and_one_bill(book, jobs=1):
    """That the portal's GPU-seconds are sacct's, the maker of the book has waited for."""
    assert len(book) == jobs
    for job in book:
        assert (job["state"], job["results"], job["delivered"], job["charges"]) == ("done", 1, 1, 1)
        assert job["charged"] == sum(row["gpu_seconds"] for row in job["usage"]) > 0


@pytest.mark.parametrize(("step", "moment", "victim"), SHORT)
def test_a_kill_at_a_step_that_matters(world, step, moment, victim):
    assert_one_result_and_one_bill(world.broken_at(step, moment, victim))


@pytest.mark.parametrize(
    ("moment", "victim"),
    [
        ("after", "agent"),
        *(pytest.param(*case, marks=pytest.mark.long) for case in itertools.product(MOMENTS, ("slurmctld", "web"))),
        pytest.param("before", "agent", marks=pytest.mark.long),
    ],
)
def test_a_kill_while_a_burst_goes_in_as_one_array(eager, moment, victim):
    book = eager.broken_at("array", moment, victim, count=10)
    assert_one_result_and_one_bill(book, jobs=10)
    assert any("_" in row["id"] for job in book for row in job["usage"])


def test_a_line_that_loses_repeats_and_overtakes(world):
    """A fifth of all messages is lost, a fifth comes twice, and many are overtaken by later ones."""
    world.line.weather = Weather(lost=0.2, twice=0.2, held=0.3, longest=0.5)
    jobs = world.portal.ask("submit", "brief", 4)
    assert_one_result_and_one_bill(world.all_well(jobs), jobs=4)
    world.line.weather = None


def test_every_message_that_comes_again_after_the_end_is_refused(world):
    jobs = world.portal.ask("submit", "ok", 1)
    world.all_well(jobs)
    eventually(lambda: not list(world.shop.work.glob("jobs/*")))
    before = world.portal.ask("snapshot")
    for message in world.line.kept[-40:]:
        assert b" 401 " in world.line.again(message)[:15]
    assert world.portal.ask("snapshot") == before


def test_a_site_that_is_cut_off_for_days_changes_nothing_and_its_use_is_booked(world):
    """The portal gives the job up when its time is over, charges nothing, and still books what the site had held."""
    jobs = world.portal.ask("submit", "slow", 1)
    eventually(lambda: world.portal.ask("states", jobs) == ["running"], note=world.shop.log)
    world.shop.kill()
    world.portal.ask("sweep", 0.05)
    assert world.portal.ask("states", jobs) == ["unknown"]
    world.portal.ask("sweep", 4)
    (job,) = world.portal.ask("book", jobs)
    assert (job["state"], job["results"], job["charged"]) == ("failed", 0, 0)
    assert job["sentence"].startswith("site_lost")
    eventually(lambda: world.shop.receipts("end"))
    world.shop.start()
    eventually(lambda: world.portal.ask("book", jobs)[0]["usage"] and world.equal(jobs), note=world.shop.log)
    (job,) = world.portal.ask("book", jobs)
    assert (job["state"], job["results"], job["charged"]) == ("failed", 0, 0)


@pytest.mark.long
@pytest.mark.parametrize(("step", "moment", "victim"), ALL)
def test_a_kill_at_every_step(world, step, moment, victim):
    assert_one_result_and_one_bill(world.broken_at(step, moment, victim))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_bad_weather_while_parts_are_killed(world, seed):
    """Everything at once: a bad line, and every half second something dies."""
    weather = Weather(lost=0.2, twice=0.2, held=0.3, longest=1.0, seed=seed)
    world.line.weather = weather
    jobs = world.portal.ask("submit", "slow", 8)
    for _ in range(8):
        victim = weather.dice.choice((*PORTAL, "agent", "slurmd"))
        world.kill(victim)
        for thread in world.restarting:
            thread.join()
    world.line.weather = None
    assert_one_result_and_one_bill(world.all_well(jobs, seconds=400), jobs=8)
