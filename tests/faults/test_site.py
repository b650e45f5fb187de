"""kill -9 of whatever runs at a site, and a portal that is away: the job ends well, one result, one charge."""

import os
import signal
import time

import pytest

from jobs.execution.rules import SILENCE
from jobs.execution.services import sweep
from jobs.models import UsageRecord
from jobs.states import JobState
from portal.kernel.clock import now
from tests.jobs.agent.workshop import eventually
from tests.jobs.scene import submit

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


def test_the_agent_is_killed_in_mid_run_and_finds_its_job_again(scene):
    job = submit(scene, name="slow")
    scene.shop.start()
    scene.some_steps(job)
    scene.shop.kill()
    (training,) = scene.shop.trainings()
    time.sleep(0.5)
    scene.shop.start()
    eventually(lambda: scene.shop.log().count("Session") == 2)
    assert scene.shop.trainings() in ([training], [])
    scene.ended_well(job)
    assert UsageRecord.objects.count() == 1


def test_the_agent_is_killed_and_comes_back_after_the_run_has_ended(scene):
    job = submit(scene, name="slow")
    scene.shop.start()
    scene.some_steps(job)
    scene.shop.kill()
    eventually(lambda: scene.shop.receipts("end"))
    scene.shop.start()
    scene.ended_well(job)


def test_the_agent_is_killed_again_and_again(scene):
    job = submit(scene, name="slow")
    for pause in (0.3, 0.8, 1.5, 2.0, 1.0, 2.5):
        scene.shop.start()
        time.sleep(pause)
        scene.shop.kill()
    scene.shop.start()
    scene.ended_well(job)


def test_the_training_is_killed_and_goes_on_from_its_checkpoint(scene):
    job = submit(scene, name="slow")
    scene.shop.start()
    scene.some_steps(job)
    os.kill(scene.shop.trainings()[0], signal.SIGKILL)
    scene.ended_well(job)
    assert UsageRecord.objects.count() == 2
    resumed = job.attempts.get().events.filter(type="progress").order_by("-seq").first()
    assert resumed.data["resumed_from"] >= 3


def test_the_wrapper_is_killed_and_takes_the_training_with_it(scene):
    job = submit(scene, name="slow")
    scene.shop.start()
    scene.some_steps(job)
    (training,) = scene.shop.trainings()
    os.kill(scene.shop.wrappers()[0], signal.SIGKILL)
    eventually(lambda: training not in scene.shop.trainings())
    scene.ended_well(job)
    assert UsageRecord.objects.count() == 2


def test_a_training_that_is_killed_each_time_is_given_up_and_free(scene):
    job = submit(scene, name="slow")
    scene.shop.start()

    def kill_and_see():
        for pid in scene.shop.trainings():
            os.kill(pid, signal.SIGKILL)
        job.refresh_from_db()
        return job.is_final

    eventually(kill_and_see, seconds=120, note=scene.shop.log)
    assert (job.state, job.hint_code) == (JobState.FAILED, "interrupted")
    assert UsageRecord.objects.count() == 4


def test_the_agent_ends_politely_leaves_no_process_and_goes_on_next_time(scene):
    job = submit(scene, name="slow")
    scene.shop.start()
    scene.some_steps(job)
    scene.shop.process.terminate()
    assert scene.shop.process.wait(timeout=40) == 0
    assert scene.shop.trainings() == scene.shop.wrappers() == []
    job.refresh_from_db()
    assert job.state == JobState.RUNNING
    scene.shop.start()
    scene.ended_well(job)


def test_agent_and_training_are_killed_together(scene):
    """As when the machine loses its power."""
    job = submit(scene, name="slow")
    scene.shop.start()
    scene.some_steps(job)
    scene.shop.kill()
    for pid in [*scene.shop.wrappers(), *scene.shop.trainings()]:
        os.kill(pid, signal.SIGKILL)
    scene.shop.start()
    scene.ended_well(job)


@pytest.mark.parametrize("moment", ["before", "during", "until after"])
def test_the_portal_is_away_for_a_while_and_nothing_is_lost(scene, moment):
    job = submit(scene, name="slow")
    scene.shop.start()
    if moment == "before":
        eventually(lambda: "Session" in scene.shop.log())
    else:
        scene.some_steps(job)
    scene.line.cut_now()
    if moment == "until after":
        eventually(lambda: scene.shop.receipts("end"))
    time.sleep(1.5)
    scene.line.mend()
    scene.ended_well(job)


def test_a_site_that_was_silent_too_long_takes_its_work_up_again(scene):
    job = submit(scene, name="slow")
    scene.shop.start()
    scene.some_steps(job)
    scene.line.cut_now()

    def nobody_knows() -> bool:
        # What was on its way when the line was cut may still arrive between a sweep and this look.
        sweep(at=now() + SILENCE * 2)
        job.refresh_from_db()
        return job.state == JobState.UNKNOWN

    eventually(nobody_knows)
    scene.line.mend()
    scene.ended_well(job)


def test_a_line_that_breaks_all_the_time_delays_and_changes_nothing(scene):
    job = submit(scene, name="slow")
    scene.shop.start()
    for _ in range(12):
        time.sleep(0.7)
        scene.line.cut_now()
        scene.line.mend()
    scene.ended_well(job)


def test_a_second_agent_in_the_same_folder_leaves_at_once(scene):
    first = scene.shop.start()
    eventually(lambda: "Session" in scene.shop.log())
    second = scene.shop.start()
    assert second.wait(timeout=30) == 4
    assert first.poll() is None
    scene.shop.process = first
