"""Data bound to countries is neither leased nor taken elsewhere, whoever of catalogue, portal and agent is wrong."""

import base64
import json

import pytest

from jobs.agent.config import Allowed, ConfigError, read_config
from jobs.agent.work import WorkRefused, understood
from jobs.execution.services import lease_jobs
from jobs.siteapi.services.work import all_signed
from models_hub.models import Dataset
from tests.jobs.execution.failover import later
from tests.jobs.scene import make_agent, make_scene, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    scene = make_scene(country="LU")
    scene.job = submit(scene)
    return scene


def lease(scene, **described):
    agent = make_agent(scene.site, description=described, last_seen_at=later())
    return lease_jobs(agent=agent, wanted=1, at=later())


def bind(*countries):
    Dataset.objects.update(residency=list(countries))


def test_bound_data_is_leased_to_a_site_inside(scene):
    bind("LU")
    assert lease(scene, country="lu")


def test_bound_data_is_not_leased_to_a_site_outside_even_if_it_was_submitted_before(scene):
    bind("FI")
    assert lease(scene) == []


def test_an_agent_that_says_it_stands_elsewhere_than_the_catalogue_gets_no_bound_data(scene):
    bind("LU")
    assert lease(scene, country="US") == []
    assert lease(scene, country="LU")


def work(scene):
    (attempt,) = lease(scene)
    return json.loads(base64.b64decode(all_signed([attempt], at=later())[0]["payload"]))


def take(raw, country):
    allowed = Allowed(recipes=frozenset({"classify"}), max_gpus=1, max_seconds=86400, country=country)
    return understood(raw, allowed)


def test_the_agent_holds_the_signed_countries_against_its_own(scene):
    bind("LU", "FI")
    raw = work(scene)
    assert raw["residency"] == ["LU", "FI"]
    assert take(raw, "FI").key == raw["key"]
    with pytest.raises(WorkRefused, match="only lie in FI, LU; this site is in DE"):
        take(raw, "DE")
    with pytest.raises(WorkRefused, match=r"set agent\.country"):
        take(raw, "")


def test_data_that_is_not_bound_goes_to_a_site_that_never_said_where_it_is(scene):
    assert take(work(scene), "").key


@pytest.mark.parametrize(("said", "country"), [('"fi"', "FI"), ('""', "")])
def test_the_agents_file_names_its_country(tmp_path, said, country):
    assert read_config(config(tmp_path, said)).allowed.country == country


def test_a_country_that_is_none_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match=r"agent\.country"):
        read_config(config(tmp_path, '"Finland"'))


def config(folder, country):
    path = folder / "agent.toml"
    path.write_text(
        f'[portal]\nurl = "https://portal.example"\n[agent]\nwork = "w"\nstore = "s"\ncountry = {country}\n'
    )
    return path
