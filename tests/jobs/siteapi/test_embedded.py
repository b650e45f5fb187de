"""The embedded site's configuration: private, written once, renewed when the portal no longer knows its agent."""

import pytest
from django.core.management import CommandError, call_command

from jobs.agent.config import read_config
from jobs.agent.identity import Identity, Keeper, code_digest, public_key_of
from jobs.models import EnrolmentCode, SiteAgent
from jobs.siteapi import keys
from jobs.siteapi.services.keys import add_key
from tests.factories import make_site

pytestmark = pytest.mark.django_db


def write(tmp_path, **words):
    out = tmp_path / "agent" / "agent.toml"
    call_command("embedded_agent_config", out=out, store=tmp_path / 'sto"re', **words)
    return out, read_config(out)


def test_the_configuration_holds_a_fresh_code_and_is_private(tmp_path):
    make_site(slug="local")
    out, config = write(tmp_path, url="http://localhost:9", python="/site/bin/python")
    assert out.stat().st_mode & 0o777 == 0o600
    assert EnrolmentCode.objects.get().code_sha256 == code_digest(config.enrolment_code)
    assert (config.portal_url, config.options["python"]) == ("http://localhost:9", "/site/bin/python")
    assert config.store == tmp_path / 'sto"re'
    assert config.work == out.parent


def test_an_agent_that_is_enrolled_is_left_alone_until_the_portal_forgets_it(tmp_path):
    site = make_site(slug="local")
    out, config = write(tmp_path)
    keeper = Keeper(config.work)
    public = public_key_of(keeper.key())
    agent = SiteAgent.objects.create(site=site, name="embedded", public_key=public)
    add_key(agent=agent, public_key=public)
    keeper.keep(Identity(str(agent.pk), "local", public, keys.portal_public_key(), code_digest(config.enrolment_code)))
    before = out.read_bytes()
    write(tmp_path)
    assert out.read_bytes() == before
    _out, moved = write(tmp_path, url="http://localhost:8099")
    assert (moved.portal_url, moved.enrolment_code) == ("http://localhost:8099", config.enrolment_code)
    agent.delete()
    _out, renewed = write(tmp_path)
    assert renewed.enrolment_code != config.enrolment_code


def test_without_a_seed_it_says_what_to_do(tmp_path):
    with pytest.raises(CommandError, match="seed"):
        write(tmp_path)
