"""What the supervisor is told to run."""

from configparser import RawConfigParser
from pathlib import Path

import pytest

from portal.embedded.layout import EmbeddedError, Layout
from portal.embedded.programs import Address, Program, data_programs, portal_programs, render, site_programs

ADDRESS = Address(port=8123)


def read(text: str) -> RawConfigParser:
    """As the supervisor reads it."""
    parser = RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    parser.read_string(text)
    return parser


def all_programs(layout: Layout) -> list[Program]:
    servers = data_programs(layout, postgres=["/bin/postgres", "-D", "x"], postgres_user="postgres", broker=True)
    return [*servers, *portal_programs(layout, address=ADDRESS), *site_programs(layout)]


def test_every_program_is_supervised_and_has_a_log_of_its_own(tmp_path):
    layout = Layout(tmp_path)
    config = read(render(all_programs(layout), layout))
    found = [name.partition(":")[2] for name in config.sections() if name.startswith("program:")]
    assert found == ["postgres", "valkey", "web", "worker", "beat", "store", "agent"]
    assert len({config[f"program:{name}"]["stdout_logfile"] for name in found}) == len(found)


def test_what_falls_is_started_again_however_often(tmp_path):
    config = read(render(all_programs(Layout(tmp_path)), Layout(tmp_path)))
    for name in ("postgres", "valkey", "web", "worker", "beat", "agent"):
        assert config[f"program:{name}"]["autorestart"] == "true"
        assert int(config[f"program:{name}"]["startretries"]) > 1000


def test_the_store_is_filled_once_and_not_again_after_success(tmp_path):
    section = read(render(site_programs(Layout(tmp_path)), Layout(tmp_path)))["program:store"]
    assert section["autorestart"] == "unexpected"


def test_servers_start_before_and_stop_after_what_uses_them(tmp_path):
    order = {program.name: program.order for program in all_programs(Layout(tmp_path))}
    assert max(order["postgres"], order["valkey"]) < order["web"] < order["agent"]
    assert order["web"] <= order["worker"]


def test_only_the_servers_start_by_themselves_since_the_database_is_prepared_before_the_rest(tmp_path):
    assert {program.name for program in all_programs(Layout(tmp_path)) if program.at_start} == {"postgres", "valkey"}


def test_a_named_server_is_not_started_here(tmp_path):
    found = data_programs(Layout(tmp_path), postgres=None, postgres_user=None, broker=False)
    assert found == []


def test_programs_at_the_site_never_see_the_portals_secrets(tmp_path):
    for program in site_programs(Layout(tmp_path)):
        hidden = {program.command[i + 1] for i, part in enumerate(program.command) if part == "-u"}
        assert {"SECRET_KEY", "DATABASE_URL", "BROKER_URL", "PORTAL_SIGNING_KEY_FILE"} <= hidden


def test_torch_is_reached_through_the_sites_environment_only(tmp_path):
    commands = {program.name: " ".join(program.command) for program in all_programs(Layout(tmp_path))}
    assert {name for name, command in commands.items() if ".venv-site/" in command} == {"store", "agent"}


def test_a_folder_with_a_space_is_one_argument(tmp_path):
    layout = Layout(Path("/srv/my data"))
    assert "'/srv/my data/store'" in read(render(site_programs(layout), layout))["program:store"]["command"]


@pytest.mark.parametrize("name", ["50%", "a ;b", "a #b", "a\nb"])
def test_a_path_that_the_supervisor_would_misread_is_refused_in_words(name):
    layout = Layout(Path("/srv") / name)
    with pytest.raises(EmbeddedError, match="plainer folder"):
        render(site_programs(layout), layout)


def test_the_printed_address_is_one_that_passkeys_accept():
    assert Address(bind="127.0.0.1", port=8000).url == "http://localhost:8000"


def test_the_portal_listens_on_loopback_unless_told_otherwise(tmp_path):
    web = portal_programs(Layout(tmp_path), address=Address())[0]
    assert web.command[web.command.index("--bind") + 1] == "127.0.0.1:8000"


def test_an_address_of_the_new_kind_is_bracketed():
    assert Address(bind="::1", port=1).socket == "[::1]:1"


def test_gunicorn_opens_no_control_socket_in_the_home_folder(tmp_path):
    assert "--no-control-socket" in portal_programs(Layout(tmp_path), address=ADDRESS)[0].command
