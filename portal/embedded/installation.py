"""One embedded installation, from an empty folder to a running portal and back to nothing running."""

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.embedded import postgres, processes
from portal.embedded.layout import ROOT, EmbeddedError, Layout
from portal.embedded.named_servers import check_broker, check_database
from portal.embedded.programs import (
    PORTAL_PYTHON,
    Address,
    Program,
    data_programs,
    portal_programs,
    site_programs,
)
from portal.embedded.supervision import Supervisor, Watcher, environment_of_children, last_lines, wait_for

STOP_SECONDS = 90.0


class Lock:
    """Held by whoever runs the data folder; the kernel lets go when that process ends, however it ends."""

    def __init__(self, layout: Layout) -> None:
        self.path = layout.lock
        self._file: int | None = None

    def take(self, **facts: object) -> None:
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(file)
            raise EmbeddedError(
                "Open PaaS already runs on this data folder; `make status` shows it, `make stop` ends it."
            ) from error
        self._file = file
        self.tell(**facts)

    def tell(self, **facts: object) -> None:
        if self._file is None:
            return
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps({"pid": os.getpid(), **facts}).encode(), 0)

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def holder(self) -> dict[str, object] | None:
        """What the running installation says of itself; None when none runs."""
        try:
            file = os.open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with contextlib.suppress(ValueError):
                return dict(json.loads(os.pread(file, 4096, 0)))
            return {}
        finally:
            os.close(file)
        return None


@dataclass(frozen=True)
class Wishes:
    """How this installation differs from the usual one."""

    address: Address
    portal: bool = True
    site: bool = True
    durable: bool = True


class Installation:
    """Starts, watches and stops everything that belongs to one data folder."""

    def __init__(self, layout: Layout, wishes: Wishes, *, environ: Mapping[str, str] = os.environ) -> None:
        self.layout = layout
        self.wishes = wishes
        self.environ = environ
        self.supervisor = Supervisor(layout)
        self.lock = Lock(layout)
        self.server: postgres.Postgres | None = None
        self.programs: list[Program] = []

    @property
    def has_site(self) -> bool:
        """The embedded site needs its own environment; without it the portal works and jobs wait."""
        return self.wishes.site and (ROOT / ".venv-site" / ".installed-site").exists()

    @property
    def summary(self) -> Path:
        return self.layout.data / "cache" / "summary.txt"

    def settings(self) -> dict[str, str]:
        """The environment in which the portal's programs run. What is already set wins: so real servers are named."""
        address = self.wishes.address
        hosts = ["localhost", "127.0.0.1", "[::1]"]
        if not address.is_loopback:
            hosts += [address.bind, socket.gethostname(), socket.getfqdn()]
        defaults = {
            "DATABASE_URL": self.server.url if self.server else postgres.url(self.layout.postgres_socket_folder),
            "BROKER_URL": f"redis+socket://{self.layout.valkey_socket}",
            "BASE_URL": address.url,
            "ALLOWED_HOSTS": ",".join(hosts),
            "SECRET_KEY": self.layout.secret_key(),
            "PORTAL_SIGNING_KEY_FILE": str(self.layout.portal_key),
        }
        given = {name: self.environ[name] for name in defaults if self.environ.get(name)}
        return {**defaults, **given, "OPEN_PAAS_EMBEDDED": "1", "DJANGO_SETTINGS_MODULE": "portal.settings"}

    def children_environment(self) -> dict[str, str]:
        return environment_of_children(self.layout, self.settings())

    def start(self, say: Callable[[str], None]) -> None:
        """Brings everything up, in order. On any failure the caller calls `stop`."""
        if self.wishes.portal:
            check_port(self.wishes.address)
        self.layout.create()
        self.lock.take(url=self.wishes.address.url)
        self.layout.ensure_portal_key()
        processes.adopt_orphans()
        database, broker = self.environ.get("DATABASE_URL"), self.environ.get("BROKER_URL")
        if database:
            check_database(database)
        else:
            self.server = postgres.prepare(self.layout)
        if broker:
            check_broker(broker)
        self.programs = data_programs(
            self.layout,
            postgres=self.server.command(durable=self.wishes.durable) if self.server else None,
            postgres_user=self.server.run_as.user if self.server else None,
            broker=not broker,
        )
        if self.wishes.portal:
            self.programs += portal_programs(self.layout, address=self.wishes.address)
            self.programs += site_programs(self.layout) if self.has_site else []
        self._bring_up(say)

    def _bring_up(self, say: Callable[[str], None]) -> None:
        self.supervisor.start(self.programs, self.children_environment())
        if self.server:
            say("starting PostgreSQL")
            wait_for(
                self.server.is_ready,
                seconds=60,
                sentence=lambda: f"PostgreSQL did not start: {last_lines(self.layout, 'postgres')}",
                alive=self.supervisor.is_alive,
            )
            self.server.create_database()
        if not self.wishes.portal:
            return
        say("preparing the database and pages")
        self.prepare()
        say("starting the portal")
        for program in self.programs:
            if not program.at_start:
                self.supervisor.run(program)
        wait_for(
            lambda: is_served(self.wishes.address),
            seconds=90,
            sentence=lambda: f"The portal did not answer: {last_lines(self.layout, 'web')}",
            alive=self.supervisor.is_alive,
        )

    def prepare(self) -> None:
        """Migrations, seed, static files, enrolment of the embedded site."""
        command = [str(ROOT / PORTAL_PYTHON), "-m", "portal.embedded.prepare", "--summary", str(self.summary)]
        if not self.has_site:
            command.append("--without-site")
        log = self.layout.data / "logs" / "prepare.log"
        with log.open("wb") as output:
            done = subprocess.run(
                command, cwd=ROOT, env=self.children_environment(), stdout=output, stderr=output, check=False
            )
        if done.returncode:
            said = last_lines(self.layout, "prepare", count=1)
            raise EmbeddedError(f"The database could not be prepared: {said} (all of it is in {log})")

    def watch(self, say: Callable[[str], None], *, should_stop: Callable[[], bool]) -> None:
        """Tells what falls and comes back, until asked to stop. A supervisor that dies is started again."""
        watcher = Watcher()
        while not should_stop():
            time.sleep(0.5)
            processes.reap()
            if not self.supervisor.is_alive():
                say("the supervisor itself ended unexpectedly; starting everything again")
                processes.end_all(os.getpid())
                self._bring_up(say)
                watcher = Watcher()
            for sentence in watcher.look(self.supervisor.states()):
                say(sentence)

    def stop(self) -> None:
        """Stops all programs, then whatever they left behind, then lets the data folder go."""
        self.supervisor.stop()
        if self.supervisor.process:
            processes.end_all(os.getpid())
            self.layout.remove_short_run_folder()
        self.lock.release()


def check_port(address: Address) -> None:
    """A busy port is said before anything starts."""
    family = socket.AF_INET6 if ":" in address.bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.bind, address.port))
        except OSError as error:
            raise EmbeddedError(
                f"Port {address.port} on {address.bind} cannot be used ({os.strerror(error.errno or 0)}); "
                f"choose another: make run PORT={address.port + 1}"
            ) from error


def free_port(bind: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((bind, 0))
        return int(probe.getsockname()[1])


def is_served(address: Address) -> bool:
    """True when the portal answers its health page, database included."""
    import http.client

    host = "127.0.0.1" if address.bind in ("0.0.0.0", "localhost") else address.bind  # noqa: S104
    connection = http.client.HTTPConnection(host, address.port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def running(installation: Installation, say: Callable[[str], None]) -> Iterator[Installation]:
    """Everything up inside the block, nothing left after it."""
    try:
        installation.start(say)
        yield installation
    finally:
        installation.stop()
