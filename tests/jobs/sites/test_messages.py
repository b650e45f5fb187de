"""What was said lately: numbers and codes, no contents, and never more rows than are kept."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.models import SiteAgent, SiteMessage
from jobs.siteapi.services.messages import JOINED, KEPT, note_message, note_refusal, prune_messages
from tests.jobs.siteapi.caller import Caller

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def quiet(leased):
    """A leased job, and no message noted yet."""
    SiteMessage.objects.all().delete()
    return leased


def events(quiet, *numbers):
    return [{**quiet.about, "events": [{"seq": one, "t": 1.0, "type": "progress", "step": 1} for one in numbers]}]


def test_a_heartbeat_leaves_no_row(quiet):
    about = {**quiet.about, "seq": 1, "state": "running"}
    quiet.caller.say(attempts=[about])
    assert SiteMessage.objects.get().said == {"states": 1}
    for _again in range(3):
        quiet.caller.say(attempts=[about], capacity={"gpus_total": 1})
    assert SiteMessage.objects.count() == 1


def test_work_handed_out_is_noted(scene):
    scene.caller.say(wanted=1)
    assert SiteMessage.objects.filter(call="sync").get().said == {"work": 1}


def test_streams_are_counted_on_in_one_row(quiet):
    for number in range(1, 5):
        quiet.caller.say(events=events(quiet, number))
    row = SiteMessage.objects.get()
    assert row.said == {"events": 4, "times": 4}


def test_contents_are_not_kept(quiet):
    quiet.caller.say(
        attempts=[{**quiet.about, "seq": 1, "state": "failed", "sentence": "Row 7 says: my private letter"}],
        logs=[{**quiet.about, "offset": 0, "text": "my private letter"}],
    )
    assert "private" not in str(list(SiteMessage.objects.values()))


def test_a_refused_report_names_its_code(quiet):
    quiet.caller.say(attempts=[{**quiet.about, "token": "stolen", "seq": 1, "state": "running"}])
    assert SiteMessage.objects.get().said == {"refused": ["stale_lease"]}


def test_a_refused_call_is_noted_under_its_agent(scene):
    SiteMessage.objects.all().delete()
    for _again in range(3):
        scene.caller.sync(epoch=1)
    row = SiteMessage.objects.get()
    assert (row.problem, row.said, row.agent) == ("stale_epoch", {"times": 3}, SiteAgent.objects.get())


def test_a_wrong_signature_in_an_agents_name_is_noted_for_its_site_but_not_as_the_agents_word(scene):
    SiteMessage.objects.all().delete()
    impostor = Caller(key_id=scene.caller.key_id)
    assert impostor.sync().status_code == 401
    row = SiteMessage.objects.get()
    assert (row.problem, row.agent, row.site) == ("signature_invalid", None, scene.site)


def test_a_stranger_leaves_no_row(scene):
    SiteMessage.objects.all().delete()
    assert Caller(key_id="00000000-0000-0000-0000-000000000000").sync().status_code == 401
    assert not SiteMessage.objects.exists()


def test_the_same_refusal_is_counted_on_and_a_later_one_stands_for_itself(scene):
    agent = SiteAgent.objects.get()
    SiteMessage.objects.all().delete()
    for second in range(20):
        note_refusal(agent=agent, call="sync", problem="replayed", proven=True, at=AT + timedelta(seconds=second))
    note_refusal(agent=agent, call="sync", problem="replayed", proven=True, at=AT + 2 * JOINED)
    assert sorted(row.said.get("times", 1) for row in SiteMessage.objects.all()) == [1, 20]


def test_only_the_newest_rows_of_a_site_are_kept(scene):
    agent = SiteAgent.objects.get()
    for minute in range(KEPT + 20):
        note_message(agent=agent, call="sync", said={"usage": 1}, at=AT + timedelta(minutes=minute))
    prune_messages()
    rows = SiteMessage.objects.order_by("at")
    assert rows.count() == KEPT
    assert prune_messages() == 0
