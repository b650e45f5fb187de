"""`python -m portal.embedded run|stop|status|reset|exec`: what the Makefile calls."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from portal.embedded.installation import STOP_SECONDS, Installation, Lock, Wishes, free_port, running
from portal.embedded.layout import EmbeddedError, Layout
from portal.embedded.programs import Address
from portal.embedded.report import print_status, print_welcome


class StopRequest(BaseException):
    """Somebody asked us to end: Ctrl-C, SIGTERM, or a closed terminal."""


class Ears:
    """Hears the signals that mean stop. The first one is obeyed; later ones find us stopping already."""

    def __init__(self) -> None:
        self.heard = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._hear)

    def _hear(self, number: int, frame: object) -> None:
        if not self.heard:
            self.heard = True
            raise StopRequest


def say(text: str) -> None:
    print(f"  {text}", flush=True)


def address_from(arguments: argparse.Namespace) -> Address:
    return Address(bind=arguments.bind, port=arguments.port)


def run(arguments: argparse.Namespace) -> int:
    """Starts everything and stays until asked to stop."""
    Ears()
    layout, address = Layout.from_environment(), address_from(arguments)
    if not address.is_loopback:
        say(f"listening on {address.bind}: anybody who can reach this machine can use the demonstration accounts")
    started = time.monotonic()
    installation = Installation(layout, Wishes(address=address, site=not arguments.without_site))
    try:
        with running(installation, say):
            print_welcome(installation, seconds=time.monotonic() - started)
            installation.watch(say, should_stop=lambda: False)
    except StopRequest:
        print("\nStopped; nothing is left running. `make run` continues where you were.", flush=True)
    return 0


def stop(arguments: argparse.Namespace) -> int:
    """Ends the installation that runs on the data folder, and waits until it has."""
    lock = Lock(Layout.from_environment())
    holder = lock.holder()
    if holder is None:
        print("Nothing is running.")
        return 0
    os.kill(int(str(holder["pid"])), signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while lock.holder() is not None:
        if time.monotonic() > end:
            raise EmbeddedError(f"Process {holder['pid']} did not stop within {STOP_SECONDS:.0f} s.")
        time.sleep(0.1)
    print("Stopped.")
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Prints what runs and how much memory each program holds."""
    layout = Layout.from_environment()
    holder = Lock(layout).holder()
    if holder is None:
        print("Nothing is running; start with `make run`.")
        return 0
    print_status(layout, holder)
    return 0


def reset(arguments: argparse.Namespace) -> int:
    """Empties the data folder; refuses while something runs on it."""
    layout = Layout.from_environment()
    if Lock(layout).holder() is not None:
        raise EmbeddedError("Open PaaS is running on this data folder; stop it first: make stop")
    layout.empty()
    print(f"Emptied {layout.data}.")
    return 0


def execute(arguments: argparse.Namespace) -> int:
    """Runs a command with the embedded servers behind it: those that run, or ones started for the command alone."""
    if not arguments.command:
        raise EmbeddedError("Say which command to run: python -m portal.embedded exec -- COMMAND")
    if arguments.temporary:
        with tempfile.TemporaryDirectory(prefix="open-paas-") as folder:
            Path(folder).chmod(0o711)
            layout = Layout(Path(folder) / "data")
            try:
                return _execute_with(arguments, layout)
            finally:
                layout.empty()
    layout = Layout.from_environment()
    holder = Lock(layout).holder()
    if holder is None:
        return _execute_with(arguments, layout)
    url = str(holder["url"])
    address = Address(port=int(url.rpartition(":")[2]))
    return _call(arguments.command, Installation(layout, Wishes(address=address)))


def _execute_with(arguments: argparse.Namespace, layout: Layout) -> int:
    Ears()
    address = Address(port=free_port())
    wishes = Wishes(address=address, portal=arguments.all, site=arguments.all, durable=not arguments.temporary)
    try:
        with running(Installation(layout, wishes), lambda _text: None) as installation:
            if not arguments.all and not arguments.temporary:
                installation.prepare()
            return _call(arguments.command, installation)
    except StopRequest:
        return 130


def _call(command: list[str], installation: Installation) -> int:
    return subprocess.run(command, env=installation.children_environment(), check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m portal.embedded", description="The portal on one machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, action: object) -> argparse.ArgumentParser:
        found = commands.add_parser(name, help=(action.__doc__ or "").split(". ")[0])
        found.set_defaults(action=action)
        return found

    runner = add("run", run)
    runner.add_argument("--bind", default=os.environ.get("BIND") or "127.0.0.1")
    runner.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000))
    runner.add_argument("--without-site", action="store_true", help="no embedded training site")
    add("stop", stop)
    add("status", status)
    add("reset", reset)
    executor = add("exec", execute)
    executor.add_argument("--temporary", action="store_true", help="in a data folder that is removed afterwards")
    executor.add_argument("--all", action="store_true", help="start the portal and its site too, not the servers only")
    executor.add_argument("command", nargs=argparse.REMAINDER, help="the command, after --")
    arguments = parser.parse_args()
    if getattr(arguments, "command", None) and arguments.command[0] == "--":
        del arguments.command[0]
    try:
        return int(arguments.action(arguments))
    except EmbeddedError as error:
        print(f"open-paas: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"open-paas: This machine refused something that is needed: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
