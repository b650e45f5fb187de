"""Lease, heartbeat and report in one message; each report stands for itself."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from tokenizers import Tokenizer, models

from accounts.models import AuditEvent
from catalog.models import Site, StoredModel
from jobs.agent.identity import Identity
from jobs.agent.work import WorkRefused, verified
from jobs.execution.rules import LEASE
from jobs.execution.services import cancel_job, sweep
from jobs.models import Artefact, Attempt, SiteAgent, UsageRecord
from jobs.siteapi import api, keys
from jobs.states import JobState
from tests.jobs.scene import make_scene, submit
from tests.jobs.siteapi.conftest import MODELS, enrolled

pytestmark = pytest.mark.django_db


def running(leased, seq=1, state="running", **words):
    return leased.caller.say(attempts=[{**leased.about, "seq": seq, "state": state, **words}])


def usage_row(leased, **words):
    start = datetime.now(UTC)
    return {
        **leased.about, "id": "1", "cluster": "local", "native_id": leased.key, "started_at": start.isoformat(),
        "ended_at": (start + timedelta(seconds=100)).isoformat(), "gpus": 1, "gpu_seconds": 100, "method": "receipt",
        **words,
    }  # fmt: skip


# ---- work -----------------------------------------------------------------------------------------------------------


def identity(site):
    return Identity("x", site.slug, "", keys.portal_public_key(), "")


def test_work_is_signed_by_the_portal_and_says_all_a_site_needs(leased):
    raw = verified(leased.message, identity(leased.site))
    assert raw == leased.payload
    assert raw["spec_hash"] == leased.job.spec_hash
    assert {one["name"] for one in raw["inputs"]} == {"train.jsonl", "validation.jsonl", "test.jsonl"}


@pytest.mark.parametrize("part", ["payload", "signature"])
def test_changed_work_is_not_touched(leased, part):
    spoiled = bytearray(base64.b64decode(leased.message[part]))
    spoiled[10] ^= 1
    with pytest.raises(WorkRefused):
        verified({**leased.message, part: base64.b64encode(spoiled).decode()}, identity(leased.site))


def test_work_for_another_site_is_not_touched(leased):
    with pytest.raises(WorkRefused):
        verified(leased.message, identity(make_scene(slug="elsewhere").site))


def test_work_whose_message_was_lost_is_handed_out_again(leased):
    (again,) = leased.caller.say(wanted=1)["work"]
    assert json.loads(base64.b64decode(again["payload"]))["token"] == leased.token
    assert Attempt.objects.count() == 1
    assert leased.caller.say(wanted=1, attempts=[{**leased.about, "seq": 1, "state": "leased"}])["work"] == []


def test_a_draining_site_and_a_full_one_get_no_work(scene):
    assert scene.caller.say(wanted=0)["work"] == []
    Site.objects.update(status=Site.Status.DRAINING)
    assert scene.caller.say(wanted=1)["work"] == []


def test_a_wish_to_stop_is_said_until_the_agent_has_taken_note(leased):
    running(leased)
    cancel_job(job=leased.job, actor=leased.owner, at=datetime.now(UTC))
    assert leased.caller.say()["cancel"] == [leased.key]
    assert leased.caller.say(stopping=[leased.key])["cancel"] == []


@pytest.mark.django_db(transaction=True)
def test_waiting_holds_no_database_connection_and_ends_when_work_comes(scene, monkeypatch):
    cancel_job(job=scene.job, actor=scene.owner, at=datetime.now(UTC))
    connected = []

    def nap(seconds):
        connected.append(connection.connection is not None)
        if len(connected) == 2:
            submit(scene)
        assert len(connected) < 5

    monkeypatch.setattr(api.time, "sleep", nap)
    assert len(scene.caller.say(wait=25, wanted=1)["work"]) == 1
    assert connected == [False, False]


def test_an_agent_that_finds_no_seat_is_asked_to_come_back(scene, monkeypatch):
    class Full:
        def acquire(self, blocking):
            return False

    monkeypatch.setattr(api, "WAITING_SEATS", Full())
    assert scene.caller.say(wait=25)["poll_after"] == api.BUSY_POLL_SECONDS


def test_a_waiting_agent_is_fenced_by_a_newer_session(scene, monkeypatch):
    monkeypatch.setattr(api.time, "sleep", lambda seconds: SiteAgent.objects.update(epoch=99))
    assert scene.caller.sync(wait=25).json()["title"] == "stale_epoch"


# ---- whose work -----------------------------------------------------------------------------------------------------


def test_a_foreign_attempt_does_not_exist_for_an_agent(leased):
    stranger = enrolled(make_scene(slug="elsewhere").site)
    answer = stranger.say(
        attempts=[{**leased.about, "seq": 5, "state": "done"}], usage=[usage_row(leased)],
        events=[{**leased.about, "events": [{"seq": 1, "t": 0, "type": "state"}]}],
    )  # fmt: skip
    assert {row["code"] for row in answer["refused"]} == {"attempt_unknown"}
    assert not UsageRecord.objects.exists()
    leased.job.refresh_from_db()
    assert leased.job.state == JobState.LEASED
    for path in ("inputs/train.jsonl", "artefacts"):
        assert stranger.call("GET", f"/attempts/{leased.key}/{path}", token=leased.token).status_code == 404
    assert AuditEvent.objects.get(action="site.reports_refused").data["count"] == 3


def test_a_second_agent_of_the_same_site_does_not_touch_the_firsts_work(leased):
    second = enrolled(leased.site)
    answer = second.say(attempts=[{**leased.about, "seq": 5, "state": "failed"}], wanted=5)
    assert answer["refused"][0]["code"] == "attempt_unknown"
    assert answer["work"] == []
    assert leased.caller.sync().status_code == 200


def test_a_stale_lease_changes_nothing(leased):
    answer = leased.caller.say(attempts=[{"key": leased.key, "token": "old", "seq": 9, "state": "done"}])
    assert answer["refused"][0]["code"] == "stale_lease"
    assert answer["acks"]["attempts"] == {}


def test_a_closed_attempt_is_said_to_be_closed_and_is_not_told_to_go_on(leased):
    sweep(at=datetime.now(UTC) + LEASE + timedelta(seconds=1))
    answer = running(leased, state="submitted")
    assert answer["closed"] == [leased.key]
    assert answer["acks"]["attempts"] == {}


def test_a_new_session_says_what_the_agent_holds(leased):
    held = leased.caller.session(MODELS).json()["attempts"]
    assert held == [{"key": leased.key, "token": leased.token, "state": "leased"}]


# ---- reports --------------------------------------------------------------------------------------------------------


def test_one_bad_report_harms_no_other(leased):
    answer = leased.caller.say(
        attempts=[{**leased.about, "seq": 1, "state": "running"}],
        events=[{**leased.about, "events": [{"seq": "one"}]}],
        logs=[{**leased.about, "offset": 0, "text": "hello"}],
        usage=[usage_row(leased), usage_row(leased, id="2", gpu_seconds=-5)],
    )
    assert answer["acks"] == {
        "attempts": {leased.key: 1}, "events": {}, "logs": {leased.key: 5}, "usage": ["1"], "removed": [],
    }  # fmt: skip
    assert [(row["kind"], row["code"], row["id"]) for row in answer["refused"]] == [
        ("events", "malformed", ""),
        ("usage", "usage_negative", "2"),
    ]


def test_our_own_mistake_with_one_report_does_not_hold_up_the_others(leased, monkeypatch):
    def broken(**words):
        raise RuntimeError("a bug")

    monkeypatch.setattr("jobs.siteapi.services.sync.observe_state", broken)
    answer = leased.caller.say(
        attempts=[{**leased.about, "seq": 1, "state": "running"}], logs=[{**leased.about, "offset": 0, "text": "a"}]
    )
    assert [row["code"] for row in answer["refused"]] == ["internal"]
    assert answer["acks"]["logs"] == {leased.key: 1}


def test_gaps_in_the_events_are_asked_for(leased):
    running(leased)

    def events(*numbers):
        listed = [{"seq": seq, "t": 1_700_000_000, "type": "metrics", "step": seq} for seq in numbers]
        return leased.caller.say(events=[{**leased.about, "events": listed}])

    answer = events(1, 4)
    assert answer["acks"]["events"] == {leased.key: 1}
    assert answer["gaps"]["events"] == {leased.key: [[2, 3]]}
    answer = events(3, 2, 4)
    assert (answer["acks"]["events"], answer["gaps"]["events"]) == ({leased.key: 4}, {})


def test_text_that_no_database_can_keep_is_made_harmless(leased):
    running(leased)
    body = (
        b'{"epoch": %d, "logs": [{"key": "%s", "token": "%s", "offset": 0, "text": "a\\u0000b"}], "events": [{"key": '
        b'"%s", "token": "%s", "events": [{"seq": 1, "t": 1, "type": "x", "bad": "\\ud800", "nan": NaN}]}]}'
        % (leased.caller.epoch, *(part.encode() for part in (leased.key, leased.token) * 2))
    )
    answer = leased.caller.call("POST", "/sync", body).json()
    assert (answer["refused"], answer["acks"]["logs"]) == ([], {leased.key: 3})


def test_heartbeats_keep_a_lease_alive(leased):
    before = Attempt.objects.get().lease_expires_at
    running(leased, state="staging")
    assert Attempt.objects.get().lease_expires_at > before


# ---- files ----------------------------------------------------------------------------------------------------------


def test_an_input_comes_with_its_digest_to_its_holder_only(leased):
    path = f"/attempts/{leased.key}/inputs/train.jsonl"
    answer = leased.caller.call("GET", path, token=leased.token)
    content = b"".join(answer.streaming_content)
    assert hashlib.sha256(content).hexdigest() == leased.payload["spec"]["data"]["train"]["sha256"]
    assert answer["Repr-Digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
    assert leased.caller.call("GET", path, token="other").status_code == 409
    assert leased.caller.call("GET", path.replace("train", "secret"), token=leased.token).status_code == 404


def put(leased, path, content, *, offset=0, total=None, sha256=None, **words):
    total = len(content) if total is None else total
    digest = sha256 or hashlib.sha256(content).hexdigest()
    return leased.caller.call(
        "PUT", f"/attempts/{leased.key}/artefacts/{path}?offset={offset}&bytes={total}&sha256={digest}", content,
        token=leased.token, **words,
    )  # fmt: skip


def test_a_file_arrives_in_pieces_that_may_come_again(leased):
    whole = bytes(range(256)) * 40
    digest = hashlib.sha256(whole).hexdigest()

    def piece(start, end):
        return put(leased, "model/a.safetensors", whole[start:end], offset=start, total=len(whole), sha256=digest)

    assert piece(0, 4000).json() == {"received": 4000, "bytes": 10240, "complete": False}
    assert piece(0, 4000).json()["received"] == 4000
    assert piece(2000, 6000).json()["received"] == 6000
    assert piece(9000, 10240).status_code == 409
    assert piece(6000, 10240).json()["complete"]
    assert piece(6000, 10240).json()["complete"]
    stored = Artefact.objects.get()
    assert stored.file.open().read() == whole
    listed = leased.caller.call("GET", f"/attempts/{leased.key}/artefacts", token=leased.token).json()
    assert listed["artefacts"] == [{"path": "model/a.safetensors", "received": 10240, "bytes": 10240, "complete": True}]


def test_an_empty_file_is_a_file(leased):
    assert put(leased, "empty.txt", b"").json()["complete"]


def test_a_file_with_the_wrong_digest_begins_anew(leased):
    assert put(leased, "a.txt", b"wrong", sha256="a" * 64).status_code == 422
    assert Artefact.objects.get().received == 0
    assert put(leased, "a.txt", b"right").json()["complete"]


@pytest.mark.parametrize(
    "path",
    [
        "../secret", "a/../../b", "/etc/passwd", "a//b", "a\\b", ".hidden", "a/.b", "x" * 400, "a b", "a%00b",
        "%2e%2e/x", "a/b/c/d/e/f/g/h/i",
    ],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(leased, path):
    assert put(leased, path, b"x").status_code in (401, 404, 422)
    assert not Artefact.objects.exists()


def test_files_beyond_what_the_model_can_be_are_refused(leased):
    answer = put(leased, "big", b"x", total=10**12, sha256="a" * 64)
    assert (answer.status_code, answer.json()["title"]) == (413, "artefact_size")


@pytest.mark.parametrize("words", [{"total": -1}, {"offset": -1}, {"offset": 10}, {"sha256": "short"}])
def test_pieces_that_do_not_fit_are_refused(leased, words):
    assert put(leased, "a", b"abc", **words).status_code in (400, 422)


def test_a_closed_attempt_takes_no_files(leased):
    sweep(at=datetime.now(UTC) + LEASE + timedelta(seconds=1))
    assert put(leased, "a", b"abc").status_code == 410


# ---- the store ------------------------------------------------------------------------------------------------------


def test_models_are_reported_with_the_session_and_when_they_change(scene):
    assert scene.caller.say(models=[])["refused"] == []
    assert not StoredModel.objects.exists()
    scene.caller.say(models=[*MODELS, {"id": "unheard-of", "revision": None}])
    assert StoredModel.objects.get().revision == "rev-1"


def test_a_tokenizer_is_kept_when_it_can_be_read(scene):
    assert scene.caller.session(MODELS).json()["tokenizers_wanted"] == ["tiny-encoder"]
    words = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]")).to_str()
    path = "/models/tiny-encoder/tokenizer"
    assert scene.caller.call("PUT", path, {"tokenizer": "{}", "config": {}}).status_code == 422
    assert scene.caller.call("PUT", path, {"tokenizer": words, "config": {"eos_token": "a"}}).status_code == 200
    stored = StoredModel.objects.get()
    assert Tokenizer.from_str(bytes(stored.tokenizer_json).decode()).get_vocab_size() == 2
    assert scene.caller.session(MODELS).json()["tokenizers_wanted"] == []
    assert scene.caller.call("PUT", "/models/unknown/tokenizer", {"tokenizer": words}).status_code == 404
