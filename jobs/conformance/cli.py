"""The command: `open-paas-conformance agent | portal | list`."""

import argparse
import fnmatch
import shlex
import sys
import time
from pathlib import Path

from jobs.conformance import report
from jobs.conformance.attacks import ATTACKS
from jobs.conformance.case import Result, Scenario
from jobs.conformance.lab import Settings
from jobs.conformance.launch import CannotStart
from jobs.conformance.runner import run
from jobs.conformance.scenarios import SCENARIOS
from jobs.conformance.siege import besiege

OWN = f"{shlex.quote(sys.executable)} -m jobs.conformance.own"


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        code: int = options.act(options)
    except CannotStart as trouble:
        print(trouble, file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="open-paas-conformance", description="Does an agent keep to the site protocol, and a portal to its own?"
    )
    kinds = parser.add_subparsers(required=True, metavar="WHAT")
    output = argparse.ArgumentParser(add_help=False)
    output.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON")
    output.add_argument("--junit", type=Path, metavar="FILE", help="write the results as JUnit XML")
    output.add_argument("--case", action="append", default=[], metavar="PATTERN", help="only these, such as 'kill.*'")
    agent = kinds.add_parser("agent", parents=[output], help="try an agent against a scripted portal")
    agent.add_argument(
        "--command", default=OWN, metavar="LINE",
        help="starts the agent; {url} {code} {work} {store} {training} … are filled in. Without it: our own agent",
    )  # fmt: skip
    agent.add_argument("--rotate", default="", metavar="LINE", help="makes the running agent renew its key")
    agent.add_argument("--patience", type=float, default=30.0, metavar="SECONDS", help="for what must happen")
    agent.add_argument("--quiet", type=float, default=2.0, metavar="SECONDS", help="to watch that nothing happens")
    agent.add_argument("--parallel", type=int, default=6, metavar="N", help="scenarios played at a time")
    agent.add_argument("--keep", type=Path, metavar="FOLDER", help="keep logs and work folders there")
    agent.set_defaults(act=_agent)
    portal = kinds.add_parser("portal", parents=[output], help="attack a portal as a rogue agent would")
    portal.add_argument("--url", required=True, help="of a portal that holds nothing of value")
    portal.add_argument("--code", required=True, help="an enrolment code of a site that has a job waiting")
    portal.add_argument("--other-code", required=True, help="an enrolment code of another site")
    portal.set_defaults(act=_portal)
    listing = kinds.add_parser("list", parents=[output], help="the cases, and where the protocol asks for them")
    listing.set_defaults(act=_list)
    return parser


def _agent(options: argparse.Namespace) -> int:
    scenarios = chosen(SCENARIOS, options.case)
    if not scenarios:
        print(f"No case fits {', '.join(options.case)}; see `open-paas-conformance list`.", file=sys.stderr)
        return 2
    rotate = options.rotate or (f"{OWN} rotate-key" if options.command == OWN else "")
    settings = Settings(command=options.command, rotate=rotate, patience=options.patience, quiet=options.quiet)
    if options.keep and options.keep.exists() and any(options.keep.iterdir()):
        print(f"{options.keep} is not empty; name a new folder.", file=sys.stderr)
        return 2
    started = time.monotonic()
    results = run(
        scenarios, settings, folder=options.keep, at_once=options.parallel,
        tell=lambda some: print(f"{some[0].scenario}: {report.summary(some)}", file=sys.stderr),
    )  # fmt: skip
    results = [result for result in results if _wanted(result.case.id, options.case)]
    print(report.table(results))
    print(f"{time.monotonic() - started:.0f} s")
    return _write(results, options, subject=options.command)


def _portal(options: argparse.Namespace) -> int:
    attacks = [attack for attack in ATTACKS if _wanted(attack.id, options.case)]
    try:
        results = besiege(attacks, url=options.url, codes=(options.code, options.other_code))
    except (OSError, CannotStart) as trouble:
        print(f"The attacks could not begin: {trouble}", file=sys.stderr)
        return 2
    print(report.table(results))
    return _write(results, options, subject=options.url)


def _write(results: list[Result], options: argparse.Namespace, *, subject: str) -> int:
    if options.json:
        options.json.write_text(report.as_json(results, subject=subject))
    if options.junit:
        options.junit.write_text(report.as_junit(results, subject=subject))
    return 0 if all(result.kept for result in results) else 1


def _list(options: argparse.Namespace) -> int:
    for scenario in chosen(SCENARIOS, options.case):
        for case in scenario.cases:
            feature = f" (feature {case.feature})" if case.feature else ""
            print(f"{case.id:22} {case.title} [{case.section}]{feature}")
    return 0


def chosen(scenarios: tuple[Scenario, ...], patterns: list[str]) -> list[Scenario]:
    return [one for one in scenarios if any(_wanted(case.id, patterns) for case in one.cases)]


def _wanted(name: str, patterns: list[str]) -> bool:
    return not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
