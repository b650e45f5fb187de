"""The kit held against agents: ours and the small one keep to every case, and each case finds who breaks it."""

import json
import re
import shlex
import sys
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest

from jobs.conformance import small_agent
from jobs.conformance.case import Result, Scenario, Status
from jobs.conformance.cli import OWN, main
from jobs.conformance.lab import Lab, Settings
from jobs.conformance.report import table
from jobs.conformance.runner import run
from jobs.conformance.scenarios import SCENARIOS
from tests.jobs.conformance.broken import BROKEN

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
CASES = [case for scenario in SCENARIOS for case in scenario.cases]
PYTHON = shlex.quote(sys.executable)
SMALL = f"{PYTHON} {shlex.quote(small_agent.__file__)}"
# Our agent speaks once a second, the small one at once: what one watches for takes as long.
OURS = Settings(command=OWN, rotate=f"{OWN} rotate-key", patience=60, quiet=2.0)
QUICK = {"patience": 6.0, "quiet": 0.6}


def told(scenarios: Iterable[Scenario], settings: Settings, folder: Path, *, at_once: int) -> dict[str, Result]:
    """What each case came to. A scenario that failed on a busy machine is played once more, and says so."""
    found = {one.case.id: one for one in run(scenarios, settings, folder=folder, at_once=at_once)}
    again = [one for one in scenarios if not all(found[case.id].kept for case in one.cases)]
    for scenario in again:
        warnings.warn(f"{scenario.name} is played again: {table([found[c.id] for c in scenario.cases])}", stacklevel=1)
    return found | {one.case.id: one for one in run(again, settings, folder=folder / "again", at_once=3)}


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return told(SCENARIOS, OURS, tmp_path_factory.mktemp("ours"), at_once=10)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    settings = Settings(command=SMALL, rotate=f"{SMALL} rotate", patience=30, quiet=0.6)
    return told(SCENARIOS, settings, tmp_path_factory.mktemp("small"), at_once=8)


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    """Every broken agent in the scenario in which its fault shows, several at a time."""
    folder = tmp_path_factory.mktemp("broken")

    def play(name: str, where: Path = folder) -> tuple[str, list[Result]]:
        command = f"{PYTHON} -m tests.jobs.conformance.broken {name}"
        settings = Settings(command=command, rotate=f"{command} rotate", **QUICK)
        return name, Lab(BY_NAME[BROKEN[name].scenario], settings, where / name).play()

    with ThreadPoolExecutor(max_workers=10) as pool:
        found = dict(pool.map(play, BROKEN))
    for name in [name for name in BROKEN if fails(found[name]) != (BROKEN[name].breaks, BROKEN[name].cuts_off)]:
        warnings.warn(f"{name} is played again: {table(found[name])}", stacklevel=1)
        found |= [play(name, folder / "again")]
    return found


def fails(results: list[Result]) -> tuple[set[str], set[str]]:
    """The cases that failed, and those that could not be reached."""
    failed, unreached = (
        {one.case.id for one in results if one.status == status} for status in (Status.FAIL, Status.NOT_REACHED)
    )
    return failed, unreached


def test_there_are_more_cases_than_sixty_and_each_has_a_name_of_its_own():
    assert len(CASES) >= 60
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_our_agent_keeps_to(ours, case):
    assert ours[case.id].status == Status.PASS, ours[case.id].detail


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_small_agent_written_from_the_protocol_keeps_to(small, case):
    assert small[case.id].status == Status.PASS, small[case.id].detail


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_agent_fails_exactly_where_it_is_broken(findings, name):
    assert fails(findings[name]) == (BROKEN[name].breaks, BROKEN[name].cuts_off), table(findings[name])


def test_every_case_can_fail():
    assert {case.id for case in CASES} == {case for broken in BROKEN.values() for case in broken.breaks}


def test_every_case_names_a_heading_of_the_protocol():
    text = (Path(small_agent.__file__).parents[2] / "docs" / "site-protocol.md").read_text()
    headings = set(re.findall(r"^#+ (.+)$", text, re.M)) | set(re.findall(r"^\*\*(.+?)\.?\*\*", text, re.M))
    assert {case.section for case in CASES} <= headings


def test_an_agent_without_a_feature_is_not_asked_for_it(tmp_path):
    """The feature is not offered in describe, so the kit says so and the agent conforms."""
    command = f"{PYTHON} -m tests.jobs.conformance.first_version"
    results = run([BY_NAME["plain"], BY_NAME["book"]], Settings(command=command, **QUICK), folder=tmp_path / "lab")
    status = {result.case.id: result.status for result in results}
    assert {name for name, one in status.items() if one == Status.NOT_OFFERED} == {
        "removal.reported", "removal.resent", "manifest.signed", "capacity.partitions", "book.rows", "book.digest",
    }  # fmt: skip
    assert all(result.kept for result in results)


# ---- the command -----------------------------------------------------------------------------------------------------


def test_the_command_prints_a_table_and_writes_json_and_junit(tmp_path, capsys):
    files = {name: tmp_path / f"results.{name}" for name in ("json", "junit")}
    code = main(
        ["agent", "--command", SMALL, "--case", "newer.*", "--quiet", "0.3", "--patience", "20",
         *(word for name, path in files.items() for word in (f"--{name}", str(path)))]
    )  # fmt: skip
    said = capsys.readouterr().out
    assert code == 0
    assert "ok   newer.fields" in said
    assert "1 cases: 1 pass. It conforms." in said
    results = json.loads(files["json"].read_text())
    assert (results["conforms"], results["cases"][0]["result"]) == (True, "pass")
    (case,) = ElementTree.fromstring(files["junit"].read_text())  # noqa: S314 - written by us
    assert case.attrib["name"].startswith("newer.fields")


def test_a_failure_is_an_exit_code_and_a_sentence(tmp_path, capsys):
    command = f"{PYTHON} -m tests.jobs.conformance.broken ReadsTooStrictly"
    junit = tmp_path / "junit.xml"
    code = main(["agent", "--command", command, "--case", "newer.*", "--patience", "5", "--junit", str(junit)])
    assert code == 1
    assert "does NOT conform" in capsys.readouterr().out
    assert ElementTree.fromstring(junit.read_text()).attrib["failures"] == "1"  # noqa: S314 - written by us


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--case", "nothing.*"], "No case fits nothing.*"),
        (["--command", "agent {password}", "--case", "newer.*"], "placeholder nobody knows"),
        (["--command", "/no/such/agent", "--case", "newer.*"], "could not be started"),
    ],
)
def test_a_wrong_call_is_one_sentence(capsys, words, sentence):
    assert main(["agent", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_the_cases_can_be_listed(capsys):
    assert main(["list", "--case", "commit.*"]) == 0
    assert "[Commitment]" in capsys.readouterr().out
