"""A portal that has seen very many jobs: what is asked several times a second does not walk through all of them."""

import copy
import json
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.execution.services import lease_jobs, sweep
from jobs.models import Attempt, Job
from jobs.siteapi.messages import read_sync
from jobs.siteapi.services import take_reports
from jobs.siteapi.services.sync import take_work
from jobs.states import JobState
from tests.jobs.scene import AT, make_agent, make_scene, submit

PAST = 3000

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent():
    """One job waits, one is leased, and thousands are over."""
    scene = make_scene(gpu_hours=10_000)
    agent = make_agent(scene.site)
    job = submit(scene)
    (attempt,) = lease_jobs(agent=agent, wanted=1, at=AT)
    states = [JobState.DONE, JobState.FAILED, JobState.CANCELLED]
    jobs, attempts = [], []
    for number in range(PAST):
        jobs.append(copy.copy(job))
        jobs[-1].pk, jobs[-1].reference = uuid.uuid4(), f"T-{number}"
        jobs[-1].state, jobs[-1].idempotency_key = states[number % 3], f"past-{number}"
        attempts.append(copy.copy(attempt))
        attempts[-1].pk, attempts[-1].key, attempts[-1].job = uuid.uuid4(), f"ft-past-{number}", jobs[-1]
        attempts[-1].state, attempts[-1].ended_at, attempts[-1].removed_at = jobs[-1].state, AT, AT
    Job.objects.bulk_create(jobs)
    Attempt.objects.bulk_create(attempts)
    submit(scene)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job, jobs_attempt")
    return agent


def rows_looked_at(sql):
    """Rows of jobs and attempts that PostgreSQL reads for a statement, those it then leaves out included."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql.replace("%", "%%"))
        (said,) = cursor.fetchone()
    plans = [(said if isinstance(said, list) else json.loads(said))[0]["Plan"]]
    rows = 0
    while plans:
        plan = plans.pop()
        plans += plan.get("Plans", [])
        if plan.get("Relation Name") in ("jobs_job", "jobs_attempt"):
            rows += (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return rows


def asked(act):
    with CaptureQueriesContext(connection) as captured:
        act()
    return [one["sql"] for one in captured if one["sql"].startswith("SELECT")]


def test_an_exchange_and_the_sweep_look_at_what_goes_on(agent):
    message = read_sync({"epoch": agent.epoch, "wanted": 5})
    statements = asked(lambda: take_reports(agent=agent, message=message, at=AT))
    statements += asked(lambda: take_work(agent=agent, message=message, at=AT))
    assert Attempt.objects.filter(state=JobState.LEASED).count() == 2
    statements += asked(lambda: sweep(at=AT))
    about = [sql for sql in statements if '"jobs_job"' in sql or '"jobs_attempt"' in sql]
    assert len(about) > 5
    assert {sql: rows for sql in about if (rows := rows_looked_at(sql)) > 50} == {}
