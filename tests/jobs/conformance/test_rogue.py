"""A rogue agent at the real portal: refused with the right problem, written down, and nothing changed."""

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import AuditEvent
from catalog.models import Site
from jobs.conformance.attacks import ANY, ATTACKS
from jobs.conformance.cli import main
from jobs.conformance.rogue import Heard, Rogue, set_stage
from jobs.conformance.scenarios import SCENARIOS
from jobs.models import Attempt, SiteMessage, UsageRecord
from jobs.siteapi.services import create_enrolment_code
from tests.factories import make_site
from tests.jobs.conformance.broken import BROKEN
from tests.jobs.conformance.rows import changes, snapshot
from tests.jobs.scene import make_scene, submit

pytestmark = pytest.mark.django_db
HOST = "localhost"
HIDDEN = [attack for attack in ATTACKS if attack.words is not None and not attack.by_other]


def send(method, address, headers, body):
    """Carries a request to the portal in this process, as it came over the wire."""
    parts = urlsplit(address)
    kept = {name: value for name, value in headers.items() if name != "Content-Type"}
    answer = Client(SERVER_NAME=HOST).generic(
        method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body,
        content_type="application/json", headers=kept,
    )  # fmt: skip
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    try:
        found = json.loads(content)
    except ValueError:
        found = {}
    return Heard(answer.status_code, found, answer["Content-Type"])


def code_for(site):
    return create_enrolment_code(site=site, actor=None, at=datetime.now(UTC))


@pytest.fixture
def scene(db):
    scene = make_scene()
    scene.job = submit(scene)
    return scene


@pytest.fixture
def stage(scene):
    elsewhere = make_site(slug="elsewhere", status=Site.Status.CONNECTED)
    honest, other = (Rogue(send, f"http://{HOST}") for _number in range(2))
    stage = set_stage(honest, other, codes=(code_for(scene.site), code_for(elsewhere)))
    assert stage is not None
    assert UsageRecord.objects.count() == 1
    return stage


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.id)
def test_an_attack_is_refused_written_down_and_changes_nothing(stage, attack):
    attack.prepare(stage)
    before, noted = snapshot(), AuditEvent.objects.count()
    heard = attack.act(stage)
    assert attack.met(heard) == ""
    assert changes(before, snapshot()) == {}
    if attack.status == ANY:
        return  # not the protocol's own refusal: it has no problem document to give
    assert heard.status == 200 or heard.type == "application/problem+json"
    events = list(AuditEvent.objects.order_by("pk")[noted:])
    assert bool(events) == attack.recorded, [event.action for event in events]
    for event in events:
        assert set(attack.codes) & {event.data.get("code"), *(row["code"] for row in event.data.get("reports", []))}


def test_an_attack_among_honest_reports_spoils_none_of_them(stage):
    """The portal is the same afterwards as if the honest reports had come alone."""
    honest = stage.honest_words()
    alone, wanted = _tried(stage, honest)
    for attack in HIDDEN:
        mixed = dict(honest)
        for kind, forged in attack.words(stage).items():
            mixed[kind] = [*forged, *honest[kind]] if kind in honest else forged
        heard, found = _tried(stage, mixed)
        assert (attack.id, attack.met(heard)) == (attack.id, "")
        assert (attack.id, changes(wanted, found)) == (attack.id, {})
        acks, honest_acks = heard.body["acks"], alone.body["acks"]
        for kind in ("attempts", "events", "logs"):
            assert (attack.id, acks[kind]) == (attack.id, honest_acks[kind])


def test_all_forgeries_in_one_message_spoil_nothing(stage):
    honest = stage.honest_words()
    _alone, wanted = _tried(stage, honest)
    mixed = {kind: list(words) for kind, words in honest.items()}
    for attack in HIDDEN:
        for kind, forged in attack.words(stage).items():
            if isinstance(forged, list) and kind != "digests":
                mixed[kind] = [*forged, *mixed.get(kind, [])]
    heard, found = _tried(stage, mixed)
    assert changes(wanted, found) == {}
    assert len(heard.body["refused"]) == sum(len(words) - len(honest.get(kind, [])) for kind, words in mixed.items())


def _tried(stage, message):
    """What the portal answers, and all it knows then; nothing of it stays."""
    with transaction.atomic():
        heard = stage.honest.sync(**message)
        found = snapshot()
        transaction.set_rollback(True)
    return heard, found


def test_what_was_refused_stands_on_the_page_of_the_sites_operators(stage, scene):
    SiteMessage.objects.all().delete()
    stage.other.call("GET", f"/attempts/{stage.key}/artefacts", token=stage.token)
    stage.honest.sync(usage=[stage.usage(native_id="78", gpu_seconds=-1)])
    problems = {(message.site.slug, message.problem) for message in SiteMessage.objects.all()}
    assert ("elsewhere", "attempt_unknown") in problems
    said = [message.said for message in SiteMessage.objects.filter(site=scene.site)]
    assert any("usage_negative" in words.get("refused", []) for words in said)


def test_a_job_that_was_closed_takes_nothing_more(stage, scene):
    """Reports and files under a lease that was good until the portal closed the attempt."""
    from jobs.execution.charging import Hint
    from jobs.execution.services.finish import finish

    attempt = Attempt.objects.get(key=stage.key)
    finish(job=scene.job, attempt=attempt, state="failed", hint_code=Hint.SITE_LOST, at=datetime.now(UTC))
    before = snapshot()
    heard = stage.honest.sync(attempts=[{**stage.about, "seq": 99, "state": "done"}])
    assert heard.body["closed"] == [stage.key]
    assert stage.artefact("model/w").code == "attempt_closed"
    path = f"/attempts/{stage.key}/inputs/train.jsonl"
    assert stage.honest.call("GET", path, token=stage.token).code == "attempt_closed"
    assert changes(before, snapshot()) == {}


def test_the_attacks_are_many_and_each_has_a_name_of_its_own():
    assert len({attack.id for attack in ATTACKS}) == len(ATTACKS)
    assert len(ATTACKS) >= 70


# ---- the command -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_running_portal_withstands_all_attacks_in_a_row(live_server, scene, tmp_path, capsys):
    elsewhere = make_site(slug="elsewhere", status=Site.Status.CONNECTED)
    results = tmp_path / "results.json"
    words = ["--url", live_server.url, "--code", code_for(scene.site), "--other-code", code_for(elsewhere)]
    code = main(["portal", *words, "--json", str(results)])
    assert (code, "It conforms." in capsys.readouterr().out) == (0, True)
    assert len(json.loads(results.read_text())["cases"]) == len(ATTACKS)
    assert UsageRecord.objects.count() == 1


def test_a_siege_without_good_codes_says_what_is_missing(live_server, capsys):
    code = main(["portal", "--url", live_server.url, "--code", "A", "--other-code", "B"])
    assert (code, "Make two new codes" in capsys.readouterr().err) == (2, True)


def test_the_documentation_counts_right():
    text = (Path(__file__).parents[3] / "docs" / "conformance.md").read_text()
    cases = sum(len(scenario.cases) for scenario in SCENARIOS)
    for words in (
        f"scripted portal: {cases} cases",
        f"a portal: {len(ATTACKS)} attacks",
        f"{len(BROKEN)} agents with one",
    ):
        assert words in text
