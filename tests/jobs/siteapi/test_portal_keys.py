"""The portal's own key: replaced without a pause, introduced by the one before it, and given up in the end."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent
from jobs.agent.identity import Identity, fingerprint_of, public_key_of
from jobs.agent.pinning import names_of, pinned, statement_text
from jobs.agent.work import WorkRefused, verified
from jobs.models import SiteAgent
from jobs.siteapi import keys, portal_keys
from tests.jobs.scene import submit
from tests.jobs.siteapi.conftest import MODELS

pytestmark = pytest.mark.django_db


def command(*words):
    call_command("rotate_portal_key", *words)


def agent_at(site):
    return Identity("x", site.slug, "", keys.portal_public_key(), "")


def session(scene, identity):
    """A session as our agent holds it: it says which keys it trusts, takes in the answer, and says it again."""
    answer = scene.caller.session(MODELS, features=["keys"], portal_keys=names_of(identity)).json()
    told = pinned(identity, answer)
    if told.pinned != identity.pinned:
        return session(scene, told)
    return told


def work(scene):
    return scene.caller.say(wanted=1)["work"][0]


def test_an_agent_takes_up_the_new_key_and_gets_its_work_signed_with_it(scene):
    old = agent_at(scene.site)
    command()
    new = session(scene, old)
    assert new.pinned == (keys.portal_public_key(), old.portal_public_key)
    message = work(scene)
    assert message["key_id"] == fingerprint_of(keys.portal_public_key())
    assert verified(message, new)["site"] == scene.site.slug
    with pytest.raises(WorkRefused):
        verified(message, old)


@pytest.mark.parametrize("features", [[], ["keys"]])
def test_an_agent_that_has_not_heard_of_it_gets_its_work_signed_with_the_old_key(scene, features):
    identity = agent_at(scene.site)
    command()
    named = {"portal_keys": names_of(identity)} if features else {}
    scene.caller.session(MODELS, features=features, **named)
    assert verified(work(scene), identity)


def test_a_running_agent_hears_that_there_is_a_new_key(scene):
    session(scene, agent_at(scene.site))
    before = scene.caller.say()["portal_key"]
    command()
    after = scene.caller.say()["portal_key"]
    assert (before == after, after) == (False, fingerprint_of(keys.portal_public_key()))


def test_an_agent_that_slept_through_two_rotations_follows_the_chain(scene):
    identity = agent_at(scene.site)
    command()
    command()
    assert session(scene, identity).portal_public_key == keys.portal_public_key()
    assert verified(work(scene), session(scene, identity))


def test_a_key_that_no_trusted_key_has_signed_for_is_not_taken_up(scene):
    identity, thief = agent_at(scene.site), Ed25519PrivateKey.generate()
    public = public_key_of(thief)
    statement = base64.b64encode(thief.sign(statement_text(public))).decode()
    forged = [{"public_key": public, "statement": statement}, {"public_key": public, "statement": "?"}, 7, {}]
    assert pinned(identity, {"portal_keys": forged}).pinned == identity.pinned
    assert pinned(identity, {"portal_keys": "nonsense", "portal_keys_retired": 3}).pinned == identity.pinned


def test_a_key_given_up_is_trusted_no_more_and_one_always_stays(scene):
    old = agent_at(scene.site)
    command()
    told = session(scene, old)
    command("--retire")
    after = session(scene, told)
    assert after.pinned == (keys.portal_public_key(),)
    assert pinned(after, {"portal_keys_retired": list(after.pinned)}).pinned == after.pinned
    assert verified(work(scene), after)


def test_the_old_key_is_not_given_up_while_an_agent_knows_no_other(scene):
    identity = agent_at(scene.site)
    command()
    with pytest.raises(CommandError, match=r"have not taken up[\s\S]*test at"):
        command("--retire")
    assert verified(work(scene), identity)
    session(scene, identity)
    command("--retire")
    assert AuditEvent.objects.filter(action="portal.keys_retired").exists()


def test_in_an_emergency_it_is_given_up_all_the_same(scene, settings):
    command()
    command("--retire", "--force")
    assert not list(Path(settings.PORTAL_SIGNING_KEY_FILE).parent.glob("*.old.pem"))
    assert SiteAgent.objects.exists()


def test_the_files_are_closed_to_others_and_hold_no_private_half_in_the_history(scene, settings):
    command()
    folder = Path(settings.PORTAL_SIGNING_KEY_FILE).parent
    files = [file for file in folder.iterdir() if file.name.startswith("portal-signing-key")]
    assert len(files) == 3
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    (history,) = (file for file in files if file.suffix == ".json")
    assert "PRIVATE" not in history.read_text()
    assert [one["statement"] != "" for one in json.loads(history.read_text())] == [False, True]


@pytest.mark.parametrize("cut_at", ["_write_history", "os.link", "replace"])
def test_a_rotation_that_was_cut_off_goes_on_with_the_same_key(scene, monkeypatch, cut_at):
    identity = agent_at(scene.site)

    def cut(*args, **words):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        target = {"_write_history": (portal_keys, cut_at), "os.link": (portal_keys.os, "link")}
        # creating a key links as well: what is cut is the step after it
        keys.portal_key()
        portal_keys.keys.create(portal_keys._path().with_suffix(".next.pem"))
        patch.setattr(*target.get(cut_at, (Path, "replace")), cut)
        with pytest.raises(KeyboardInterrupt):
            portal_keys.rotate()
    assert verified(work(scene), identity)
    prepared = fingerprint_of(keys.encoded(keys.read(portal_keys._path().with_suffix(".next.pem")).public_key()))
    assert portal_keys.rotate() == prepared
    submit(scene)
    assert verified(work(scene), session(scene, identity))


def test_new_agents_get_the_newest_key(scene):
    command()
    from tests.jobs.siteapi.conftest import enrolled

    enrolled(scene.site)
    assert portal_keys.accepted() >= {keys.portal_public_key()}
    assert len(portal_keys.accepted()) == 2
