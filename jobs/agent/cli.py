"""The agent's commands."""

import argparse
import json
import logging
import sys
import time
from pathlib import Path

from jobs.agent import VERSION, wishes
from jobs.agent.backends import BackendError
from jobs.agent.client import Portal, PortalAway, Refused
from jobs.agent.config import Config, ConfigError, read_config
from jobs.agent.doctor import examine
from jobs.agent.identity import Keeper
from jobs.agent.rotation import Rotation
from jobs.agent.run import Agent, only_one, run
from jobs.agent.state import State

DEFAULT_CONFIG = "/etc/open-paas/agent.toml"
# An idle agent comes back from its long poll within half a minute.
PATIENCE = 90.0


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel("WARNING")
    try:
        code: int = options.command(read_config(options.config), options)
    except (ConfigError, BackendError) as error:
        print(error, file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="open-paas-agent", description="The site agent; see docs/agent.md.")
    parser.add_argument("--version", action="version", version=VERSION)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, default=Path(DEFAULT_CONFIG), metavar="FILE")
    common.add_argument("--log-level", default="INFO")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    enrol = commands.add_parser("enrol", parents=[common], help="make this agent known with a one-time code")
    enrol.add_argument("--code", default="", help="the code; without it the one in the configuration")
    enrol.set_defaults(command=_enrol)
    commands.add_parser("run", parents=[common], help="take work and run it").set_defaults(command=_run)
    commands.add_parser("status", parents=[common], help="what this agent holds, as JSON").set_defaults(command=_status)
    commands.add_parser("doctor", parents=[common], help="look for what could go wrong").set_defaults(command=_doctor)
    rotate = commands.add_parser("rotate-key", parents=[common], help="replace this agent's key; nothing pauses")
    rotate.set_defaults(command=_rotate_key)
    drain = commands.add_parser("drain", parents=[common], help="take no new work; what runs goes on")
    drain.add_argument("--off", action="store_true", help="take work again")
    drain.set_defaults(command=_drain)
    return parser


def _enrol(config: Config, options: argparse.Namespace) -> int:
    try:
        identity = Agent(config).enrolled(options.code)
    except (Refused, PortalAway) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    if identity is None:
        print("No code was given, and the configuration holds none.", file=sys.stderr)
        return 2
    print(f"Enrolled at {identity.site} as {identity.agent_id}.")
    return 0


def _run(config: Config, options: argparse.Namespace) -> int:
    return run(config)


def _rotate_key(config: Config, options: argparse.Namespace) -> int:
    """An agent that runs is asked to do it itself, since it holds the key; otherwise it is done here."""
    keeper, state = Keeper(config.work), State(config.work / "agent.sqlite3")
    rotation = Rotation(config=config, keeper=keeper, state=state)
    identity, before = keeper.identity(), rotation.fingerprint()
    if identity is None or "keys" not in state.noted("session", {}).get("features", []):
        print("The portal has not said yet that it knows how. Start the agent once; is the portal up to date?")
        return 1
    with only_one(config) as alone:
        if alone:
            portal = Portal(config, identity, keeper)
            try:
                rotation.rotate(portal)
            except (Refused, PortalAway) as trouble:
                print(trouble, file=sys.stderr)
                return 1
            finally:
                portal.close()
        else:
            state.note("rotation_refused", None)
            state.note("rotate_key", before)
            give_up = time.monotonic() + PATIENCE
            while rotation.fingerprint() == before and time.monotonic() < give_up:
                refused = state.noted("rotation_refused")
                if refused:
                    print(refused, file=sys.stderr)
                    return 1
                time.sleep(0.2)
    after = rotation.fingerprint()
    if after == before:
        print("The agent has not replaced its key yet; it goes on trying. `status` shows its key.")
        return 1
    print(f"The agent signs with key {after} now; {before} is not accepted much longer.")
    return 0


def _status(config: Config, options: argparse.Namespace) -> int:
    state = State(config.work / "agent.sqlite3")
    identity = Keeper(config.work).identity()
    heard = state.noted("portal", {}).get("heard")
    print(
        json.dumps(
            {
                "version": VERSION,
                "site": identity.site if identity else None,
                "agent": identity.agent_id if identity else None,
                "session": state.noted("session"),
                "portal_heard_seconds_ago": round(time.time() - heard) if heard else None,
                "key": Rotation(config=config, keeper=Keeper(config.work), state=state).about() if identity else None,
                "draining": wishes.draining(state),
                "attempts": [
                    {"key": one.key, "state": one.state, "acknowledged": one.acked >= one.seq, **_times(one.facts)}
                    for one in state.attempts()
                ],
                "usage_to_report": len(state.usage_to_report()),
            },
            indent=1,
        )
    )
    return 0


def _times(facts: dict[str, object]) -> dict[str, object]:
    return {name: facts[name] for name in ("started_at", "ended_at", "hint_code") if facts.get(name)}


def _doctor(config: Config, options: argparse.Namespace) -> int:
    findings = examine(config)
    for good, sentence in findings:
        print(("ok    " if good else "WRONG ") + sentence)
    return 0 if all(good for good, _sentence in findings) else 1


def _drain(config: Config, options: argparse.Namespace) -> int:
    State(config.work / "agent.sqlite3").note("draining", not options.off)
    print("The agent takes work again." if options.off else "The agent takes no new work; what runs goes on.")
    return 0
