"""The agent replaces its key while it works; killed at any line of that, it goes on with a key the portal accepts."""

import contextlib
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from jobs.agent.client import Portal, Refused
from jobs.agent.identity import Keeper, fingerprint_of, public_key_of
from jobs.agent.rotation import Rotation, proof_of
from jobs.agent.state import State
from jobs.models import AgentKey, SiteAgent
from jobs.siteapi import portal_keys
from jobs.states import JobState
from tests.jobs.agent.workshop import ROOT, eventually
from tests.jobs.scene import submit

pytestmark = pytest.mark.django_db(transaction=True)


def fingerprint(shop):
    return fingerprint_of(public_key_of(Keeper(shop.work).key()))


def enrolled(shop):
    """The shop's agent, enrolled and with a session behind it, and not running."""
    with shop.agent() as agent:
        eventually(lambda: agent.state.noted("session"))
    return fingerprint(shop)


@contextlib.contextmanager
def portal_of(shop):
    keeper = Keeper(shop.work)
    portal = Portal(shop.config, keeper.identity(), keeper)
    portal.name_keys(True)
    try:
        yield portal
    finally:
        portal.close()


def speaks(portal):
    """Whether the portal takes what this agent signs with the key that lies on its disk."""
    portal.sign_with(portal.keeper.key())
    with pytest.raises(Refused) as refused:
        portal.artefacts(key="unheard-of", token="none")
    return refused.value.code == "attempt_unknown"


def accepts(shop):
    with portal_of(shop) as portal:
        return speaks(portal)


def rotation_of(shop):
    return Rotation(config=shop.config, keeper=Keeper(shop.work), state=State(shop.work / "agent.sqlite3"))


# ---- while it works -------------------------------------------------------------------------------------------------


def test_the_command_replaces_the_key_of_a_running_agent_and_its_job_goes_on(scene):
    job = submit(scene, name="endless")
    process = scene.shop.start()
    scene.wait_for(job, JobState.RUNNING)
    before = fingerprint(scene.shop)
    done = scene.shop.command_line("rotate-key")
    assert (done.returncode, fingerprint(scene.shop) in done.stdout) == (0, True), done.stderr
    assert fingerprint(scene.shop) != before
    seen = SiteAgent.objects.get().last_seen_at
    eventually(lambda: SiteAgent.objects.get().last_seen_at > seen)
    assert process.poll() is None
    job.refresh_from_db()
    assert job.state == JobState.RUNNING
    old, new = AgentKey.objects.order_by("pk")
    eventually(lambda: AgentKey.objects.get(pk=new.pk).last_used_at)
    assert (old.fingerprint, new.fingerprint) == (before, fingerprint(scene.shop))
    old.refresh_from_db()
    assert old.not_after < datetime.now(UTC) + timedelta(minutes=11)
    assert json.loads(scene.shop.command_line("status").stdout)["key"]["fingerprint"] == new.fingerprint


def test_the_command_replaces_the_key_where_no_agent_runs(scene):
    before = enrolled(scene.shop)
    assert scene.shop.command_line("rotate-key").returncode == 0
    assert fingerprint(scene.shop) != before
    assert accepts(scene.shop)


def test_the_command_says_what_to_do_before_the_first_session(scene):
    done = scene.shop.command_line("rotate-key")
    assert (done.returncode, "Start the agent once" in done.stdout) == (1, True)


def test_a_key_that_has_grown_old_is_replaced_by_itself(scene):
    before = enrolled(scene.shop)
    long_ago = time.time() - 91 * 86400
    os.utime(scene.shop.work / "agent-key.pem", (long_ago, long_ago))
    with scene.shop.agent():
        eventually(lambda: fingerprint(scene.shop) != before)
    assert accepts(scene.shop)


def test_a_site_may_forbid_that(scene):
    scene.shop.agent_table["rotate_key_days"] = 0
    scene.shop.write()
    enrolled(scene.shop)
    long_ago = time.time() - 9000 * 86400
    os.utime(scene.shop.work / "agent-key.pem", (long_ago, long_ago))
    assert rotation_of(scene.shop).reason() == ""


def test_a_day_set_at_the_portal_is_kept(scene):
    before = enrolled(scene.shop)
    AgentKey.objects.update(not_after=datetime.now(UTC) + timedelta(days=3))
    with scene.shop.agent():
        eventually(lambda: fingerprint(scene.shop) != before)


def test_a_portal_that_does_not_know_how_is_not_asked(scene):
    enrolled(scene.shop)
    with portal_of(scene.shop) as portal:
        rotation_of(scene.shop).step(portal, can=False, replace_by="2000-01-01T00:00:00+00:00")
    assert AgentKey.objects.count() == 1


def test_an_agent_that_runs_takes_up_the_portals_new_key_and_the_work_signed_with_it(scene):
    with scene.shop.agent() as agent:
        eventually(lambda: agent.state.noted("portal"))
        portal_keys.rotate()
        newest = portal_keys.newest_name()
        eventually(lambda: newest in SiteAgent.objects.get().description.get("portal_keys", []))
        portal_keys.retire_old()
        scene.wait_for(submit(scene, name="ok"), JobState.DONE)


# ---- killed at any line ---------------------------------------------------------------------------------------------

# One process that knows everything and has a child for each line: the child rotates, counts the lines it goes through
# in the agent's own files, and kills itself -9 at the one it was told.
ZYGOTE = """
import os, signal, sys
from pathlib import Path
from jobs.agent.client import Portal
from jobs.agent.config import read_config
from jobs.agent.identity import Keeper
from jobs.agent.rotation import Rotation
from jobs.agent.state import State

# Within client.py and httpx a kill is one before the request or one after it, as far as disk and portal can tell.
WATCHED = ("rotation.py", "identity.py", "files.py")

config = read_config(Path(sys.argv[1]))
keeper = Keeper(config.work)
portal = Portal(config, keeper.identity(), keeper)
portal.name_keys(True)

def rotate(line):
    seen = 0
    def trace(frame, event, argument):
        nonlocal seen
        if not frame.f_code.co_filename.endswith(WATCHED):
            return None
        if event == "line":
            seen += 1
            if seen == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace
    portal.sign_with(keeper.key())
    rotation = Rotation(config=config, keeper=keeper, state=State(config.work / "agent.sqlite3"))
    sys.settrace(trace)
    rotation.rotate(portal)
    sys.settrace(None)
    os._exit(0)

for word in sys.stdin:
    child = os.fork()
    if child == 0:
        rotate(int(word))
    status = os.waitpid(child, 0)[1]
    print("killed" if os.WIFSIGNALED(status) else "done", flush=True)
"""


def test_killed_at_every_line_of_a_rotation_the_agent_goes_on(scene, monkeypatch):
    monkeypatch.setattr("jobs.siteapi.services.keys.MOST_KEYS_A_DAY", 10_000)
    enrolled(scene.shop)
    zygote = subprocess.Popen(
        [sys.executable, "-c", ZYGOTE, str(scene.shop.file)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    lines, left_behind = 0, 0
    with portal_of(scene.shop) as portal, zygote:
        while True:
            lines += 1
            zygote.stdin.write(f"{lines}\n")
            zygote.stdin.flush()
            ended = zygote.stdout.readline().strip()
            assert speaks(portal), f"killed at line {lines}"
            left_behind += Keeper(scene.shop.work).next_file.exists()
            if ended == "done":
                break
            assert ended == "killed"
    assert lines > 60 and left_behind > 3, (lines, left_behind)
    assert not Keeper(scene.shop.work).next_file.exists()
    assert {file.name for file in scene.shop.work.iterdir() if "key" in file.name} == {"agent-key.pem"}


def test_a_rotation_that_was_cut_off_is_ended_by_the_next_start(scene):
    before = enrolled(scene.shop)
    prepared = fingerprint_of(public_key_of(Keeper(scene.shop.work).next_key()))
    with scene.shop.agent():
        eventually(lambda: fingerprint(scene.shop) == prepared)
    assert prepared != before


def test_an_agent_that_was_away_for_longer_than_its_old_key_goes_on_with_the_next(scene):
    """The portal has taken the new key in, the answer was lost, and the agent slept for a day."""
    enrolled(scene.shop)
    key = Keeper(scene.shop.work).next_key()
    with portal_of(scene.shop) as portal:
        portal.introduce_key(public_key=public_key_of(key), proof=proof_of(key, portal.agent_id))
    AgentKey.objects.exclude(public_key=public_key_of(key)).update(not_after=datetime.now(UTC))
    assert not accepts(scene.shop)
    with scene.shop.agent():
        eventually(lambda: AgentKey.objects.filter(public_key=public_key_of(key), last_used_at__isnull=False).exists())
    assert accepts(scene.shop)


def test_a_new_enrolment_forgets_a_key_that_was_prepared_for_the_old_one(scene):
    enrolled(scene.shop)
    keeper = Keeper(scene.shop.work)
    keeper.next_key()
    keeper.new_key()
    assert not keeper.next_file.exists()
