"""The agent's small parts: configuration, signatures, state, streams, outcomes."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import ED25519

from jobs.agent.backends.base import Ended, Phase, Status, UsageRow
from jobs.agent.backends.processes import ProcessId
from jobs.agent.client import PortalAway
from jobs.agent.config import Allowed, ConfigError, read_config
from jobs.agent.models import stored_models, tokenizer_of
from jobs.agent.outcome import outcome
from jobs.agent.signing import TAG, sign
from jobs.agent.state import State
from jobs.agent.streams import EventTail, log_text
from jobs.agent.talk import pause_after
from models_hub.specs import Failure
from tests.jobs.agent.workshop import ROOT, Workshop

# ---- configuration --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "url is missing"),
        ("nonsense", "cannot be read"),
        ('[portal]\nurl = "portal.example"\n[agent]\nwork="/w"\nstore="/s"', "https://"),
        ('[portal]\nurl = "https://p"\n[agent]\nstore="/s"', "work is missing"),
        ('[portal]\nurl = "https://p"\n[agent]\nwork="/w"\nstore="/s"\non_stop="perhaps"', "on_stop"),
        ('[portal]\nurl = "https://p"\n[agent]\nwork="/w"\nstore="/s"\n[allow]\nmax_gpus="two"', "max_gpus"),
    ],
)
def test_a_wrong_configuration_is_one_sentence_that_names_the_key(tmp_path, content, words):
    path = tmp_path / "agent.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=re.escape(words)):
        read_config(path)


def test_a_missing_configuration_says_where_it_should_be(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "jobs.agent", "status", "--config", str(tmp_path / "none.toml")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "none.toml" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_allow_list_says_what_it_objects_to():
    allowed = Allowed(recipes=frozenset({"chat"}), max_gpus=1, max_seconds=60, tenants=frozenset({"a"}))
    fine = {"recipe": "chat", "gpus": 1, "seconds": 60, "tenant": "a"}
    assert allowed.objection(**fine) == ""
    for change in ({"recipe": "classify"}, {"gpus": 2}, {"seconds": 61}, {"tenant": "b"}):
        assert allowed.objection(**{**fine, **change})


def test_the_agent_needs_no_portal():
    """It runs where no Django is installed."""
    script = (
        "import sys, jobs.agent.cli; forbidden = {'django', 'rest_framework', 'celery', 'portal'}; "
        "print([name for name in sys.modules if name.split('.')[0] in forbidden])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8000/site/v1/sync", "https://Portal.Example/site/v1/x?offset=0&bytes=9", "http://[::1]:8/a",
     "https://portal.example:443/a/b%20c?x=%2F"],
)  # fmt: skip
def test_an_independent_implementation_reads_our_signatures(url):
    key = Ed25519PrivateKey.generate()
    request = httpx.Request("PUT", url, content=b"body", headers={"Lease-Token": "t"})
    sign(request, key=key, key_id="me", created=int(datetime.now(UTC).timestamp()), nonce="n")

    class Known(HTTPSignatureKeyResolver):
        def resolve_public_key(self, key_id):
            return key.public_key() if key_id == "me" else None

    verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=Known())
    message = SimpleNamespace(method="PUT", url=str(request.url), headers=dict(request.headers))
    (checked,) = verifier.verify(message, expect_tag=TAG)
    assert '"lease-token"' in checked.covered_components
    assert checked.nonce == "n"


# ---- state ----------------------------------------------------------------------------------------------------------


def test_work_is_taken_once_and_its_end_stays(tmp_path):
    state = State(tmp_path / "agent.sqlite3")
    assert state.take(key="k", token="t", payload={"a": 1}, lease_seconds=60)
    assert not state.take(key="k", token="other", payload={}, lease_seconds=60)
    state.move("k", "failed", hint_code="internal")
    state.move("k", "running")
    attempt = State(tmp_path / "agent.sqlite3").attempt("k")
    assert (attempt.state, attempt.token, attempt.seq, attempt.facts) == ("failed", "t", 2, {"hint_code": "internal"})


def test_work_is_committed_only_when_the_portal_has_said_so(tmp_path):
    state = State(tmp_path / "agent.sqlite3")
    state.take(key="k", token="t", payload={}, lease_seconds=60)
    state.move("k", "submitted")
    state.acknowledge("k", 1)
    assert not state.attempt("k").committed
    state.acknowledge("k", 2)
    assert state.attempt("k").committed


def test_usage_is_owed_until_it_is_acknowledged_or_refused(tmp_path):
    state = State(tmp_path / "agent.sqlite3")
    moment = datetime.now(UTC)
    row = UsageRow(
        key="k", cluster="c", native_id="n", started_at=moment, ended_at=moment, gpus=1, gpu_seconds=0,
        cpu_seconds=0, energy_joules=None, method="receipt",
    )  # fmt: skip
    state.meter([row])
    state.meter([row])
    ((number, words),) = state.usage_to_report()
    assert words["started_at"] == moment.isoformat()
    assert state.owes_usage("k")
    state.usage_refused(number, "usage_conflict")
    assert not state.owes_usage("k")


def test_the_state_survives_a_kill_at_any_line(tmp_path):
    """A process that is killed in mid-write leaves the last whole transaction."""
    script = (
        "import os, signal, sys; from pathlib import Path; from jobs.agent.state import State\n"
        "state = State(Path(sys.argv[1]))\n"
        "state.take(key='k', token='t', payload={}, lease_seconds=1)\n"
        "state._db.execute('BEGIN IMMEDIATE'); state._db.execute(\"UPDATE attempt SET state = 'done'\")\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "db")], cwd=ROOT, check=False)
    assert State(tmp_path / "db").attempt("k").state == "leased"


# ---- streams --------------------------------------------------------------------------------------------------------


def lines(*numbers):
    return "".join(json.dumps({"seq": number, "t": 1, "type": "x"}) + "\n" for number in numbers)


def test_events_are_followed_and_a_half_line_waits(tmp_path):
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    assert tail.after(0) == []
    path.write_text(lines(1, 2) + '{"seq": 3, "t"')
    assert [event["seq"] for event in tail.after(0)] == [1, 2]
    assert tail.after(2) == []
    path.write_text(lines(1, 2, 3, 4))
    assert [event["seq"] for event in tail.after(2)] == [3, 4]
    assert [event["seq"] for event in tail.after(1)] == [2, 3, 4]


@pytest.mark.parametrize(
    "raw",
    [
        b"plain",
        "größer €".encode(),
        b"caf\xe9 au lait",
        b"\xff\xfe\x00\x01",
        b"\xe2\x82",
        b"\xe2\x28\xa1",
        "😀".encode()[:3],
    ],
)
def test_log_text_is_as_long_as_its_bytes(raw):
    assert len(log_text(raw, whole=True).encode()) == len(raw)
    assert "\0" not in log_text(raw, whole=True)


def test_a_character_cut_at_the_end_waits_for_its_rest():
    assert log_text("a€".encode()[:-1], whole=False) == "a"


# ---- outcomes -------------------------------------------------------------------------------------------------------


def ended(why, **fields):
    return Status(key="k", phase=Phase.ENDED, ended=why, **fields)


@pytest.mark.parametrize(
    ("status", "result", "cancelled", "expected"),
    [
        (ended(Ended.EXITED, exit_code=0), {"state": "succeeded"}, False, ("done", None)),
        (ended(Ended.EXITED, exit_code=0), {"state": "stopped"}, True, ("cancelled", None)),
        (ended(Ended.EXITED, exit_code=0), {"state": "stopped"}, False, ("failed", "interrupted")),
        (
            ended(Ended.EXITED, exit_code=14),
            {"state": "failed", "hint_code": "diverged"},
            False,
            ("failed", "diverged"),
        ),
        (ended(Ended.EXITED, exit_code=14), None, False, ("failed", "out_of_memory")),
        (ended(Ended.EXITED, exit_code=99), None, False, ("failed", "internal")),
        (ended(Ended.EXITED, exit_code=0), None, False, ("failed", "internal")),
        (ended(Ended.TIME_LIMIT, signal=9), None, False, ("failed", "time_limit")),
        (ended(Ended.OUT_OF_MEMORY, signal=9), None, False, ("failed", "out_of_memory")),
        (ended(Ended.NOT_AFTER), None, False, ("failed", "not_started_in_time")),
        (ended(Ended.CANNOT_START, detail="no such file"), None, False, ("failed", "internal")),
        (ended(Ended.KILLED, signal=9), None, False, ("failed", "interrupted")),
        (ended(Ended.CANCELLED, signal=9), None, True, ("cancelled", None)),
        (ended(Ended.KILLED, signal=9), {"state": "succeeded"}, False, ("done", None)),
    ],
)
def test_what_an_end_means(tmp_path, status, result, cancelled, expected):
    if result:
        (tmp_path / "result.json").write_text(json.dumps(result))
    state, facts = outcome(status, tmp_path, cancelled=cancelled)
    assert (state, facts.get("hint_code")) == expected


def test_every_exit_code_of_the_runtime_keeps_its_name(tmp_path):
    for failure in Failure:
        state, facts = outcome(ended(Ended.EXITED, exit_code=failure.exit_code), tmp_path, cancelled=False)
        assert (state, facts["hint_code"], bool(facts["sentence"])) == ("failed", failure, True)


# ---- the rest -------------------------------------------------------------------------------------------------------


def test_only_sealed_models_are_in_the_store_and_their_templates_are_found(tmp_path):
    for name in ("sealed", "open", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "sealed" / "store.json").write_text('{"id": "sealed", "revision": "r1"}')
    (tmp_path / "sealed" / "tokenizer.json").write_text("{}")
    (tmp_path / "sealed" / "tokenizer_config.json").write_text('{"eos_token": {"content": "</s>"}, "secret": 1}')
    (tmp_path / "sealed" / "chat_template.jinja").write_text("{{ messages }}")
    assert stored_models(tmp_path) == [{"id": "sealed", "revision": "r1"}]
    assert stored_models(tmp_path / "nowhere") == []
    assert tokenizer_of(tmp_path, "sealed") == ("{}", {"eos_token": "</s>", "chat_template": "{{ messages }}"})
    assert tokenizer_of(tmp_path, "../sealed") is None


def test_waiting_grows_and_stays_bounded():
    pauses = [pause_after(PortalAway("away"), failures) for failures in range(1, 40)]
    assert pauses[0] <= 1.0
    assert max(pauses) <= 30.0
    assert pause_after(PortalAway("later", 45.0), 1) == 45.0


def test_a_process_is_more_than_its_number():
    with subprocess.Popen(["sleep", "30"]) as process:
        named = ProcessId.of(process.pid)
        assert named.alive
        assert not ProcessId(pid=named.pid, ticks=named.ticks + 1, boot=named.boot).alive
        assert not ProcessId(pid=named.pid, ticks=named.ticks, boot="another boot").alive
        process.kill()
    assert not named.alive


def test_status_and_doctor_speak_without_a_portal(tmp_path):
    shop = Workshop(tmp_path / "site", url="http://localhost:1")
    said = json.loads(shop.command_line("status").stdout)
    assert (said["site"], said["attempts"], said["draining"]) == (None, [], False)
    assert shop.command_line("drain").returncode == 0
    assert json.loads(shop.command_line("status").stdout)["draining"] is True
    doctor = shop.command_line("doctor")
    assert doctor.returncode == 1
    assert "WRONG http://localhost:1 does not answer" in doctor.stdout
    assert shop.command_line("enrol").returncode == 2
