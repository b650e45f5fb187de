"""Many jobs leased at once, and their first steps in one message: the same rows as one by one, in few statements."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from jobs.execution.services import give_back, lease_jobs
from jobs.execution.services.sweep import sweep
from jobs.models import Attempt, Job, SiteAgent
from jobs.siteapi.messages import read_sync
from jobs.siteapi.services import take_reports
from jobs.siteapi.services.sync import take_work
from jobs.states import JobState
from portal.kernel.errors import DomainError
from tests.jobs.scene import AT, make_agent, make_scene, submit

pytestmark = pytest.mark.django_db
SOON = AT + timedelta(seconds=5)


@pytest.fixture
def scene():
    scene = make_scene(gpu_hours=1000)
    scene.agent = make_agent(scene.site)
    for _ in range(24):
        submit(scene)
    return scene


def said(attempt, state, seq, **words):
    return {"key": attempt.key, "token": attempt.lease_token, "seq": seq, "state": state, **words}


def say(agent, *rows, at=SOON):
    message = read_sync({"epoch": agent.epoch, "attempts": list(rows)})
    return take_reports(agent=SiteAgent.objects.get(pk=agent.pk), message=message, at=at)


def rows(attempts):
    """Everything the reports may change, of each attempt and its job."""
    found = Attempt.objects.filter(pk__in=[attempt.pk for attempt in attempts]).order_by("key")
    return list(
        found.values_list(
            "state", "state_seq", "last_heard_at", "lease_expires_at", "native_id", "started_at", "job__state",
            "job__state_since", "job__started_at",
        )
    )  # fmt: skip


def test_work_for_many_costs_hardly_more_statements_than_for_few(scene):
    def ask(wanted):
        message = read_sync({"epoch": scene.agent.epoch, "wanted": wanted})
        with CaptureQueriesContext(connection) as asked:
            answer = take_work(agent=scene.agent, message=message, at=AT)
        return len(answer["work"]), len(asked)

    few = ask(4)
    say(scene.agent, *(said(attempt, "staging", 1) for attempt in Attempt.objects.all()))
    many = ask(20)
    assert (few[0], many[0]) == (4, 20)
    assert many[1] <= few[1] + 2
    assert Job.objects.filter(state=JobState.LEASED).count() == 20


def test_each_job_gets_an_attempt_of_its_own_and_the_oldest_go_first(scene):
    oldest = list(Job.objects.order_by("created_at").values_list("pk", flat=True)[:5])
    attempts = lease_jobs(agent=scene.agent, wanted=5, at=AT)
    assert [attempt.job_id for attempt in attempts] == oldest
    assert len({attempt.lease_token for attempt in attempts}) == len({attempt.key for attempt in attempts}) == 5
    for attempt in attempts:
        give_back(attempt=attempt, at=AT)
    again = lease_jobs(agent=scene.agent, wanted=5, at=AT)
    assert [(attempt.job_id, attempt.number) for attempt in again] == [(pk, 2) for pk in oldest]


def test_together_is_what_it_is_one_by_one(scene):
    attempts = lease_jobs(agent=scene.agent, wanted=12, at=AT)
    one_by_one, together = attempts[:6], attempts[6:]
    for state, seq in (("staging", 1), ("submitted", 3)):
        for attempt in one_by_one:
            say(scene.agent, said(attempt, state, seq))
        answer = say(scene.agent, *(said(attempt, state, seq) for attempt in together))
        assert answer["acks"]["attempts"] == {attempt.key: seq for attempt in together}
        assert rows(together) == rows(one_by_one)
        assert {row[0] for row in rows(together)} == {state}


def test_a_step_that_was_skipped_is_walked(scene):
    attempts = lease_jobs(agent=scene.agent, wanted=6, at=AT)
    say(scene.agent, *(said(attempt, "submitted", 2) for attempt in attempts))
    assert {(row[0], row[6], row[7]) for row in rows(attempts)} == {("submitted", "submitted", SOON)}


def test_what_is_said_again_or_late_changes_nothing(scene):
    attempts = lease_jobs(agent=scene.agent, wanted=6, at=AT)
    say(scene.agent, *(said(attempt, "submitted", 2) for attempt in attempts))
    before = rows(attempts)
    for state, seq in (("submitted", 2), ("staging", 1)):
        answer = say(scene.agent, *(said(attempt, state, seq) for attempt in attempts))
        assert len(answer["acks"]["attempts"]) == 6 and not answer["refused"]
        assert rows(attempts) == before


def test_an_odd_one_among_them_harms_no_other(scene):
    attempts = lease_jobs(agent=scene.agent, wanted=9, at=AT)
    say(scene.agent, *(said(attempt, "submitted", 2) for attempt in attempts[:1]))
    closed, stolen, running, *plain = attempts[1:]
    Attempt.objects.filter(pk=closed.pk).update(state=JobState.FAILED)
    answer = say(
        scene.agent,
        said(attempts[0], "staging", 9),
        said(closed, "submitted", 1),
        {**said(stolen, "submitted", 1), "token": "of another lease"},
        said(running, "running", 4, native_id="77", started_at=SOON.isoformat()),
        *(said(attempt, "submitted", 2) for attempt in plain),
    )
    assert {(row["key"], row["code"]) for row in answer["refused"]} == {
        (attempts[0].key, "state_backwards"), (stolen.key, "stale_lease"),
    }  # fmt: skip
    assert answer["closed"] == [closed.key]
    assert set(answer["acks"]["attempts"]) == {attempt.key for attempt in (running, *plain)}
    assert {row[0] for row in rows(plain)} == {"submitted"}
    assert rows([running])[0][4:6] == ("77", SOON)
    assert AuditEvent.objects.filter(action="site.reports_refused").count() == 1


def test_two_words_about_one_attempt_are_read_one_after_the_other(scene):
    attempts = lease_jobs(agent=scene.agent, wanted=6, at=AT)
    twice = attempts[0]
    answer = say(
        scene.agent, *(said(attempt, "submitted", 2) for attempt in attempts), said(twice, "staging", 3),
    )  # fmt: skip
    assert [(row["key"], row["code"]) for row in answer["refused"]] == [(twice.key, "state_backwards")]
    assert {(row[0], row[1], row[6]) for row in rows(attempts)} == {("submitted", 2, "submitted")}


def test_a_job_that_cannot_move_leaves_the_others_to_be_read_by_themselves(scene):
    attempts = lease_jobs(agent=scene.agent, wanted=6, at=AT)
    stuck, *others = attempts
    Job.objects.filter(pk=stuck.job_id).update(state=JobState.DONE)
    answer = say(scene.agent, *(said(attempt, "staging", 1) for attempt in attempts))
    assert [(row["key"], row["code"]) for row in answer["refused"]] == [(stuck.key, "illegal_move")]
    assert {(row[0], row[6]) for row in rows(others)} == {("staging", "staging")}
    assert rows([stuck])[0][:2] == (JobState.LEASED, 0)


def test_what_nobody_knew_of_is_known_again_by_its_first_steps(scene):
    attempts = lease_jobs(agent=scene.agent, wanted=6, at=AT)
    say(scene.agent, *(said(attempt, "submitted", 2) for attempt in attempts))
    sweep(at=AT + timedelta(hours=1))
    assert {row[6] for row in rows(attempts)} == {JobState.UNKNOWN}
    say(scene.agent, *(said(attempt, "submitted", 3) for attempt in attempts), at=AT + timedelta(hours=2))
    assert {(row[0], row[6]) for row in rows(attempts)} == {("submitted", "submitted")}


def test_rows_move_together_or_not_at_all(scene):
    jobs = list(Job.objects.order_by("pk")[:4])
    Job.objects.filter(pk=jobs[2].pk).update(state=JobState.CANCELLED)
    with pytest.raises(DomainError) as refused:
        Job.move_together(jobs, JobState.LEASED)
    assert refused.value.code == "state_changed"
    assert Job.objects.filter(state=JobState.LEASED).count() == 0
    with pytest.raises(DomainError) as refused:
        Job.move_together(jobs[:1], JobState.DONE)
    assert refused.value.code == "illegal_move"
    Job.move_together([], JobState.LEASED)
