"""The site's book and ours, day by day: any difference is found, and what can be repaired is repaired."""

import hashlib
import tempfile
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.agent.reconcile import digest_of as agent_digest
from jobs.metering.reconciliation import own_digest
from jobs.models import LedgerEntry, Reconciliation, UsageDiscrepancy
from tests.jobs.metering.scene import START, charged, end, metered_scene, questions, use
from tests.jobs.metering.wire import NOW, Wire, book, row

pytestmark = pytest.mark.django_db
DAY = START.date().isoformat()


@pytest.fixture
def scene():
    return metered_scene()


@pytest.fixture
def wire(scene, tmp_path):
    return Wire(scene, tmp_path)


def test_both_sides_make_the_same_digest_of_the_same_rows(scene, wire):
    wire.meter(row(scene, begin=0), row(scene, begin=700))
    wire.until_quiet()
    ours, theirs = own_digest(scene.agent, START.date()), agent_digest(DAY, wire.state.usage_of(DAY))
    assert theirs == {"day": DAY, "rows": ours.rows, "gpu_seconds": ours.gpu_seconds, "digest": ours.digest}
    assert (ours.rows, ours.gpu_seconds) == (2, 1200)


def test_the_digest_is_the_one_of_the_protocol():
    fact = {
        "key": "ft-1", "cluster": "a", "native_id": "7", "started_at": "2026-11-20T23:30:00+02:00",
        "ended_at": "2026-11-20T21:40:00.5+00:00", "method": "accounting", "gpus": 2, "gpu_seconds": 1200,
    }  # fmt: skip
    line = "ft-1|a|7|2026-11-20T21:30:00.000000Z|2026-11-20T21:40:00.500000Z|accounting|2|1200\n"
    assert agent_digest(DAY, [fact])["digest"] == hashlib.sha256(line.encode()).hexdigest()


def test_a_row_belongs_to_the_utc_day_of_its_end(scene, wire):
    later = timezone(timedelta(hours=5))
    first = row(scene, begin=0)
    wire.meter(row(scene, begin=0, ended_at=first.ended_at.astimezone(later)))
    assert len(wire.state.usage_of(DAY)) == 1
    assert wire.state.usage_of("2026-11-19") == []


def test_equal_books_are_written_down_and_ask_for_nothing(scene, wire):
    wire.meter(row(scene, begin=0))
    wire.due(DAY)
    wire.until_quiet()
    day = Reconciliation.objects.get()
    assert (day.equal, day.agent_rows, day.portal_rows, day.repaired) == (True, 1, 1, 0)


def test_rows_the_portal_has_lost_come_back(scene, wire):
    """As after a backup was brought back: the agent believes that we know them."""
    wire.meter(row(scene, begin=0), row(scene, begin=700), row(scene, begin=1400))
    wire.say()
    wire.state.usage_acknowledged([3])
    wire.due(DAY)
    wire.until_quiet()
    assert len(book()) == 3
    day = Reconciliation.objects.get()
    assert (day.equal, day.repaired, questions()) == (True, 1, [])


def test_a_row_the_site_does_not_know_asks_a_person(scene, wire):
    wire.meter(row(scene, begin=0))
    use(scene.attempt, begin=700, seconds=300, native_id="9999")
    wire.due(DAY)
    wire.until_quiet()
    assert questions() == [("digest", 300, None)]
    assert UsageDiscrepancy.objects.get().detail["why"] == "unknown_at_site"
    assert not Reconciliation.objects.get().equal


def test_two_books_with_other_numbers_ask_a_person_and_neither_row_changes(scene, wire):
    use(scene.attempt, begin=0, seconds=600, native_id="4000", gpu_seconds=500)
    wire.meter(row(scene, begin=0))
    wire.due(DAY)
    wire.until_quiet()
    assert questions() == [("digest", 500, 600)]
    assert UsageDiscrepancy.objects.get().detail["why"] == "conflict"
    assert book() == [("4000", 500, "accounting")]


def test_a_row_we_could_not_believe_asks_a_person(scene, wire):
    wire.meter(row(scene, begin=0, gpus=8, gpu_seconds=4800))
    wire.due(DAY)
    wire.until_quiet()
    assert questions() == [("digest", None, 4800)]
    assert UsageDiscrepancy.objects.get().detail["code"] == "usage_too_many_gpus"


def test_the_same_question_is_asked_once_however_often_the_day_is_compared(scene, wire):
    use(scene.attempt, begin=700, seconds=300, native_id="9999")
    for _hour in range(4):
        wire.due(DAY)
        wire.until_quiet()
    assert len(questions()) == 1


def test_a_question_closes_by_itself_when_the_books_agree_again(scene, wire):
    use(scene.attempt, begin=700, seconds=300, native_id="9999")
    wire.due(DAY)
    wire.until_quiet()
    wire.meter(row(scene, begin=700, seconds=300, native_id="9999"))
    wire.due(DAY)
    wire.until_quiet()
    assert questions() == []
    assert UsageDiscrepancy.objects.get().resolved_by is None


def test_a_digest_that_fits_no_rows_is_asked_for_a_few_times_and_then_a_person_looks(scene, wire):
    wire.meter(row(scene, begin=0))
    wire.until_quiet()
    forged = {"day": DAY, "rows": 10**6, "gpu_seconds": 1, "digest": "0" * 64}
    asked = [
        wire._portal({"epoch": scene.agent.epoch, "digests": [forged]}, NOW)["usage_wanted"] for _again in range(8)
    ]
    assert asked == [[DAY]] * 5 + [[]] * 3
    assert questions() == [("digest", 600, 1)]


def test_days_nobody_compared_are_asked_for(scene, wire):
    """The agent was away for a week: it says its last three days, and is asked for the older one."""
    use(scene.attempt, begin=0, seconds=600, native_id="4000")
    later = NOW + timedelta(days=7)
    wire.due((START + timedelta(days=7)).date().isoformat())
    wire.say(at=later)
    assert wire.books._due == {DAY}
    wire.meter(row(scene, begin=0), row(scene, begin=700))
    wire.until_quiet(at=later)
    assert Reconciliation.objects.get(day=DAY).equal
    assert len(book()) == 2


def test_an_agent_that_did_not_agree_to_it_is_asked_for_nothing(scene, wire):
    scene.agent.description = {}
    wire.due(DAY)
    use(scene.attempt, begin=0, seconds=600)
    wire.say()
    assert not Reconciliation.objects.exists()
    assert not wire.books._due


@pytest.mark.parametrize("spoiled", [{"rows": -1}, {"day": "yesterday"}, {"digest": "x"}, {"gpu_seconds": "many"}])
def test_a_digest_that_is_none_is_refused_and_harms_nothing_else(scene, wire, spoiled):
    wire.meter(row(scene, begin=0))
    message = wire._message()
    message["digests"] = [{"day": DAY, "rows": 1, "gpu_seconds": 1, "digest": "0" * 64, **spoiled}]
    answer = wire._portal(message, NOW)
    assert [one["kind"] for one in answer["refused"]] == ["digests"]
    assert len(book()) == 1
    assert not Reconciliation.objects.exists()


# ---- any order, any loss --------------------------------------------------------------------------------------------

FATES = ("arrives", "lost", "answer lost", "twice", "late", "after the late ones")


class _Undo(Exception):
    """Takes an example's rows back."""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seconds=st.lists(st.integers(1, 900), min_size=1, max_size=5),
    fates=st.lists(st.sampled_from(FATES), max_size=12),
    forgotten=st.sets(st.integers(1, 5)),
    says_digest=st.sets(st.integers(0, 11)),
    settled_after=st.integers(0, 12),
)
def test_any_order_duplication_and_loss_gives_the_same_book(
    scene, seconds, fates, forgotten, says_digest, settled_after
):
    """`forgotten`: rows the agent believes to be known although they never arrived. The job ends at any moment."""
    rows = [row(scene, begin=1000 * place, seconds=held) for place, held in enumerate(seconds)]
    with pytest.raises(_Undo), transaction.atomic(), tempfile.TemporaryDirectory() as folder:
        wire = Wire(scene, Path(folder))
        wire.meter(*rows)
        wire.state.usage_acknowledged([one for one in forgotten if one <= len(rows)])
        settled = False
        for turn, fate in enumerate(fates):
            if turn in says_digest:
                wire.due(DAY)
            if turn == settled_after:
                end(scene.attempt, after=6000)
                settled = True
            wire.say(fate)
        wire.due(DAY)
        wire.until_quiet()
        wire.due(DAY)
        wire.until_quiet()
        if not settled:
            end(scene.attempt, after=6000)
        assert book() == sorted((one.native_id, one.gpu_seconds, "accounting") for one in rows)
        assert Reconciliation.objects.get().equal
        late = [accounting for kind, accounting, _other in questions() if kind == "late"]
        assert charged(scene.job) + sum(late) == sum(seconds)
        assert {kind for kind, _accounting, _other in questions()} <= {"late"}
        assert LedgerEntry.objects.filter(job=scene.job, kind="charge").count() == 1
        raise _Undo
