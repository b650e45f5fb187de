#!/usr/bin/env python3
"""A real Slurm site on one machine, for tests and for trying the agent out: up in seconds, gone without a trace.

    local_slurm.py up NAME [--nodes N] [--gpus N] [--cpus N] [--memory-mb N] [--port N] [--rest] [--owner PID]
                           [--root DIR [--bind DIR]...]
    local_slurm.py mkroot DIR [SUITE]              a Debian of another release (trixie: Slurm 24.11) for --root
    local_slurm.py down NAME | --all | --orphans   end every process of the site, remove its folder
    local_slurm.py status NAME                     one line a daemon; exit 0 when all of them run
    local_slurm.py env NAME                        what a shell needs to speak to it
    local_slurm.py stop NAME DAEMON [--kill]       one daemon: munged mariadbd slurmdbd slurmctld NODE slurmrestd
    local_slurm.py start NAME DAEMON

Each site has its own munge key, MariaDB (Unix socket only), slurmdbd, slurmctld, a slurmd for each node and ports of
its own on 127.0.0.1, below one folder; several live side by side. GPUs are device files that lead to /dev/null,
declared as GRES: Slurm counts, allocates and accounts them as if they were real. Needs root, Debian 12 or newer and the
packages that `deploy/test-packages.sh` installs; it installs nothing itself.

With --root a site's daemons run in such a Debian, by chroot; its folder, /tmp and each --bind are there under the same
names. They are mounted in a mount namespace of each process and vanish with it: whoever removes DIR finds no mount
that leads back. What of Slurm's commands a caller needs is in the site's folder `bin`, and goes the same way.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote
from string import Template

HERE = Path(__file__).resolve().parent
ROOT = Path(os.environ.get("LOCAL_SLURM_ROOT", "/var/tmp/open-paas-slurm"))
PROGRAMS = ("munged", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd", "sbatch", "sacct")
PACKAGES = (
    "ca-certificates", "procps", "hostname", "python3", "slurmctld", "slurmd", "slurmdbd", "slurmrestd", "slurm-client",
    "slurm-wlm-jwt-plugin", "munge", "mariadb-server",
)  # fmt: skip
CLIENTS = (
    "sbatch", "squeue", "sacct", "scancel", "sinfo", "scontrol", "sacctmgr", "srun", "munge", "mariadb",
    "mariadb-install-db",
)  # fmt: skip
PATIENCE = 60.0  # seconds for one daemon to answer; they need one or two


class SiteError(Exception):
    """The site cannot be brought up; the text says what is missing."""


def missing() -> str:
    """Why no site can be brought up here, in a few words; empty when one can."""
    if os.geteuid() != 0:
        return "a Slurm site needs root"
    absent = [name for name in PROGRAMS if shutil.which(name, path=_PATH) is None]
    if absent:
        return f"no {', '.join(absent)} here (deploy/test-packages.sh installs Slurm as root on Debian)"
    if not list(Path("/usr/lib").glob("*/slurm*/auth_jwt.so")):
        return "the package slurm-wlm-jwt-plugin is not installed"
    return ""


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(kw_only=True)
class Site:
    name: str
    port: int = 0
    nodes: int = 1
    cpus: int = 64
    memory_mb: int = 64_000
    gpus: int = 4
    gpu_type: str = "h100"
    rest: bool = False
    owner: int = 0
    root: str = ""
    binds: tuple[str, ...] = ()

    @classmethod
    def load(cls, name: str) -> Site:
        try:
            return cls(**json.loads((ROOT / name / "site.json").read_text()))
        except FileNotFoundError as error:
            raise SiteError(f"there is no site {name} in {ROOT}") from error

    # ---- what it is made of --------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        return ROOT / self.name

    @property
    def conf(self) -> Path:
        return self.folder / "etc" / "slurm.conf"

    @property
    def database(self) -> Path:
        return self.folder / "mysql" / "socket"

    @property
    def node_names(self) -> list[str]:
        return [f"{self.name}-n{number}" for number in range(1, self.nodes + 1)]

    @property
    def daemons(self) -> list[str]:
        """In the order of their start."""
        return ["munged", "mariadbd", "slurmdbd", "slurmctld", *self.node_names, *(["slurmrestd"] if self.rest else [])]

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.folder}/bin:{_PATH}" if self.root else _PATH
        return {"PATH": path, "LC_ALL": "C.UTF-8", "SLURM_CONF": str(self.conf)}

    def inside(self, *words: str, user: str = "root") -> list[str]:
        """The words as they are run where the site lives: here, or in its root with mounts that nobody else sees."""
        if not self.root:
            return list(words)
        mounts = ["mount -t proc proc $R/proc", "mount -t sysfs -o ro sysfs $R/sys"]
        mounts += [f"mount --rbind {quote(bind)} $R{quote(bind)}" for bind in ("/tmp", str(ROOT), *self.binds)]
        uid, gid = self.ids(user)
        chroot = f'exec chroot --userspec={uid}:{gid} --groups= $R "$@"'
        script = f"R={quote(self.root)}; {' && '.join([*mounts, chroot])}"
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "inside", *words]

    def ids(self, user: str) -> tuple[int, int]:
        """A user's and its group's number, where the site lives."""
        for line in Path(f"{self.root}/etc/passwd").read_text().splitlines():
            fields = line.split(":")
            if fields[0] == user:
                return int(fields[2]), int(fields[3])
        raise SiteError(f"there is no user {user} in {self.root or '/'}")

    def command(self, name: str) -> tuple[list[str], str, dict[str, str]]:
        """A daemon's words, its user, and its environment. All stay in the foreground, so that a pid is theirs."""
        folder, plain = self.folder, self.environment
        if name == "munged":
            munge = folder / "munge"
            files = {"key-file": "key", "socket": "socket", "seed-file": "seed", "pid-file": "pid", "log-file": "log"}
            return ["munged", "-F", *(f"--{word}={munge / file}" for word, file in files.items())], "munge", plain
        if name == "mariadbd":
            words = [
                "mariadbd", "--no-defaults", "--user=mysql", f"--datadir={folder}/mysql/data",
                # of its own: a starting mariadbd removes what others have in a shared one
                f"--tmpdir={folder}/mysql/tmp",
                f"--socket={self.database}", f"--pid-file={folder}/mysql/pid", "--skip-networking", "--skip-log-bin",
                "--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900", "--innodb-flush-log-at-trx-commit=2",
                "--loose-innodb-snapshot-isolation=OFF", "--max-allowed-packet=16M",
            ]  # fmt: skip
            return words, "mysql", plain
        if name == "slurmdbd":
            own = {"SLURM_CONF": str(folder / "etc" / "slurmdbd.conf"), "MYSQL_UNIX_PORT": str(self.database)}
            return ["slurmdbd", "-D"], "slurm", {**plain, **own}
        if name == "slurmctld":
            return ["slurmctld", "-D", "-f", str(self.conf)], "slurm", plain
        if name in self.node_names:
            return ["slurmd", "-D", "-f", str(self.conf), "-N", name], "root", plain
        if name == "slurmrestd":
            words = ["slurmrestd", "-f", str(self.conf), "-a", "rest_auth/jwt", f"127.0.0.1:{self.port + 41}"]
            # neither root nor SlurmUser may be its user; SLURM_JWT=daemon: only a caller's token counts
            return words, "nobody", {**plain, "SLURM_JWT": "daemon"}
        raise SiteError(f"{name} is none of {', '.join(self.daemons)}")

    # ---- files ---------------------------------------------------------------------------------------------------

    def write(self) -> None:
        folder = self.folder
        if self.root:
            self._furnish()
        # Each daemon checks owner and mode of what it reads, and writes only where its own user may.
        for name, owner in {
            "etc": "root", "run": "slurm", "log": "slurm", "state": "slurm", "spool": "root", "dev": "root",
            "munge": "munge", "mysql": "mysql", "mysql/data": "mysql", "mysql/tmp": "mysql",
        }.items():  # fmt: skip
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name).chmod(0o755)
            os.chown(folder / name, *self.ids(owner))
        for path, size, owner in (("munge/key", 1024, "munge"), ("etc/jwt.key", 32, "slurm")):
            if not (folder / path).exists():
                (folder / path).write_bytes(secrets.token_bytes(size))
            os.chown(folder / path, *self.ids(owner))
            (folder / path).chmod(0o400 if owner == "munge" else 0o600)
        for number in range(self.gpus):
            _device(folder / "dev" / f"gpu{number}")
        words = {
            "name": self.name, "host": socket.gethostname().split(".")[0], "folder": folder, "port": self.port,
            "dbd_port": self.port + 40, "gpu_type": self.gpu_type, "nodes": self._node_lines(),
        }  # fmt: skip
        for name in ("slurm.conf", "slurmdbd.conf"):
            (folder / "etc" / name).write_text(Template((HERE / "templates" / name).read_text()).substitute(words))
        os.chown(folder / "etc" / "slurmdbd.conf", *self.ids("slurm"))
        (folder / "etc" / "slurmdbd.conf").chmod(0o600)
        gres = f"Name=gpu Type={self.gpu_type} File={folder}/dev/gpu[0-{self.gpus - 1}]\n" if self.gpus else ""
        (folder / "etc" / "gres.conf").write_text(gres)
        # 22.05 looks for a cgroup plug-in although nothing here uses one, and knows no "disabled" yet.
        plugin = "cgroup/v1" if self.version() < (23, 2) else "disabled"
        (folder / "etc" / "cgroup.conf").write_text(f"CgroupPlugin={plugin}\n")
        for name in ("plugstack.conf", "extra.conf"):
            if not (folder / "etc" / name).exists():  # an empty one makes every command complain
                (folder / "etc" / name).write_text("# lines of your own; kept over restarts\n")
        (folder / "site.json").write_text(json.dumps(asdict(self), indent=1))

    def _furnish(self) -> None:
        """Names and mount points in the root, and the commands by which it is reached from outside."""
        for name in ("hosts", "resolv.conf", "hostname"):
            with suppress(OSError):
                shutil.copyfile(f"/etc/{name}", f"{self.root}/etc/{name}")
        for bind in ("/tmp", str(ROOT), *self.binds):
            Path(f"{self.root}{bind}").mkdir(parents=True, exist_ok=True)
        (self.folder / "bin").mkdir(parents=True, exist_ok=True)
        for name in CLIENTS:
            tool = self.folder / "bin" / name
            tool.write_text(f'#!/bin/sh\nexec {shlex.join(self.inside(f"/usr/bin/{name}"))} "$@"\n')
            tool.chmod(0o755)

    def version(self) -> tuple[int, int]:
        """Year and month of the site's Slurm."""
        words = self.inside("/usr/sbin/slurmctld", "-V") if self.root else ["slurmctld", "-V"]
        said = subprocess.run(words, capture_output=True, text=True, env={"PATH": _PATH}, check=True).stdout
        year, month = said.split()[-1].split(".")[:2]
        return int(year), int(month)

    def _node_lines(self) -> str:
        host = socket.gethostname().split(".")[0]
        gres = f" Gres=gpu:{self.gpu_type}:{self.gpus}" if self.gpus else ""
        return "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={self.port + number} CPUs={self.cpus} "
            f"RealMemory={self.memory_mb}{gres} State=UNKNOWN"
            for number, name in enumerate(self.node_names, start=1)
        )

    # ---- life ----------------------------------------------------------------------------------------------------

    def up(self) -> None:
        if not self.port:
            self.port = _free_ports()
        self.write()
        for name in ("munged", "mariadbd"):
            self.start(name)
        self._in_database(
            "create database if not exists slurm_acct; "
            "create user if not exists slurm@localhost identified via unix_socket; "
            "grant all on slurm_acct.* to slurm@localhost"
        )
        self.start("slurmdbd")
        self._accounts()
        for name in self.daemons[3:]:
            self.start(name)
        self._wait("an idle node", lambda: "idle" in self.ask("sinfo", "-h", "-o", "%t"))

    def start(self, name: str) -> None:
        """Starts one daemon and waits until it answers."""
        if self.pid(name):
            return
        if name == "mariadbd" and not (self.folder / "mysql/data/mysql").exists():
            self._make_database()
        if name in self.node_names:
            (self.folder / "spool" / name).mkdir(exist_ok=True)
        words, user, environment = self.command(name)
        with (self.folder / "log" / f"{name}.log").open("ab") as log:
            here = user != "root" and not self.root
            as_user = {"user": user, "group": _group(user), "extra_groups": []} if here else {}
            process = subprocess.Popen(
                self.inside(*words, user=user), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env=environment, start_new_session=True, **as_user,
            )  # fmt: skip
        (self.folder / f"run/{name}.json").write_text(json.dumps({"pid": process.pid, "ticks": _ticks(process.pid)}))
        answers: dict[str, Callable[[], object]] = {
            "munged": lambda: self.ask("munge", "-S", str(self.folder / "munge/socket"), "-n"),
            "mariadbd": lambda: self._in_database("select 1"),
            "slurmdbd": lambda: self.ask("sacctmgr", "-nP", "show", "cluster"),
            "slurmctld": lambda: self.ask("scontrol", "ping") and self.ask("sinfo", "-h"),
            "slurmrestd": lambda: socket.create_connection(("127.0.0.1", self.port + 41), 1).close(),
        }
        if name in answers:
            self._wait(name, answers[name], process)

    def stop(self, name: str, *, kill: bool = False) -> None:
        """Ends one daemon; with `kill` as a power cut would."""
        pid = self.pid(name)
        if pid:
            _end(pid, signal.SIGKILL if kill else signal.SIGTERM)
        (self.folder / f"run/{name}.json").unlink(missing_ok=True)

    def pid(self, name: str) -> int:
        """The daemon's process, 0 when it does not run. A number that is somebody else's by now is not its."""
        try:
            known = json.loads((self.folder / f"run/{name}.json").read_text())
        except (FileNotFoundError, ValueError):
            return 0
        return known["pid"] if _ticks(known["pid"]) == known["ticks"] else 0

    def down(self) -> None:
        """Jobs first, since slurmstepd outlives slurmd; then the daemons; then whatever else names this site."""
        if self.pid("slurmctld"):
            with suppress(SiteError):
                jobs = self.ask("squeue", "-h", "-o", "%A").split()
                if jobs:
                    self.ask("scancel", *jobs)
                self._wait("the end of its jobs", lambda: not self.ask("squeue", "-h"), seconds=10)
        for name in reversed(self.daemons):
            self.stop(name)
        for pid in self._left():
            _end(pid, signal.SIGKILL)
        shutil.rmtree(self.folder)

    def _left(self) -> Iterator[int]:
        mark = f"SLURM_CONF={self.conf}".encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with suppress(OSError):
                    name = (entry / "comm").read_text()
                    if name.startswith(("slurm", "munged", "mariadbd")) and mark in (entry / "environ").read_bytes():
                        yield int(entry.name)

    # ---- small hands ---------------------------------------------------------------------------------------------

    def ask(self, *words: str) -> str:
        """What a Slurm command says; SiteError when it fails."""
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=self.environment, check=False)
        if done.returncode:
            raise SiteError(f"{' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def _in_database(self, statement: str) -> str:
        return self.ask("mariadb", "--no-defaults", "-uroot", "-S", str(self.database), "-e", statement)

    def _make_database(self) -> None:
        self.ask(
            "mariadb-install-db", "--no-defaults", "--user=mysql", "--skip-test-db",
            "--auth-root-authentication-method=socket",
            f"--datadir={self.folder}/mysql/data", f"--tmpdir={self.folder}/mysql/tmp",
        )  # fmt: skip

    def _accounts(self) -> None:
        """The cluster, one account of ours, and its users: root, and nobody for tests of least privilege."""
        if self.name not in self.ask("sacctmgr", "-nP", "show", "cluster", "format=cluster").split():
            self.ask("sacctmgr", "-iQ", "add", "cluster", self.name)
            self.ask("sacctmgr", "-iQ", "add", "account", "paas", f"Cluster={self.name}", "Description=portal")
            for user in ("root", "nobody"):
                self.ask("sacctmgr", "-iQ", "add", "user", user, "Account=paas", "DefaultAccount=paas")

    def _wait(
        self, what: str, condition: Callable[[], object], process: subprocess.Popen[bytes] | None = None,
        seconds: float = PATIENCE,
    ) -> None:  # fmt: skip
        give_up, last = time.monotonic() + seconds, ""
        while time.monotonic() < give_up and (process is None or process.poll() is None):
            try:
                if condition() is not False:
                    return
            except (SiteError, OSError, subprocess.TimeoutExpired) as error:
                last = str(error)
            time.sleep(0.1)
        raise SiteError(f"{what} did not come within {seconds:.0f} s ({last}); see {self.folder}/log")


def make_root(root: Path, suite: str) -> None:
    """A Debian of that release with its Slurm, by mmdebstrap: half a minute, 0.6 GB. One that is there stays."""
    if (root / "usr/sbin/slurmctld").exists():
        return
    if shutil.which("mmdebstrap") is None:
        raise SiteError("mmdebstrap is not installed (apt-get install mmdebstrap)")
    draft = root.with_name(f".{root.name}-{os.getpid()}")
    draft.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mmdebstrap", "--variant=minbase", "--keyring=/usr/share/keyrings/debian-archive-keyring.gpg",
         f"--include={','.join(PACKAGES)}", suite, str(draft)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        raise SiteError(f"mmdebstrap made no {suite}: {done.stderr.strip().splitlines()[-1:]}")
    draft.rename(root)


def _device(path: Path) -> None:
    if not path.exists():
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, Path("/dev/null").stat().st_rdev)
        except PermissionError:  # a container without the right to make devices
            path.symlink_to("/dev/null")


def _free_ports() -> int:
    """The first of fifty ports that nobody listens on: slurmctld, the nodes, +40 slurmdbd, +41 slurmrestd."""
    for _ in range(100):
        base = 20_000 + secrets.randbelow(200) * 50
        try:
            for port in (base, *range(base + 1, base + 10), base + 40, base + 41):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return base
    raise SiteError("no fifty free ports were found above 20000")


def _group(user: str) -> str:
    return "nogroup" if user == "nobody" else user


def _ticks(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "ZX" else int(fields[19])


def _end(pid: int, first: signal.Signals, patience: float = 20.0) -> None:
    """A signal, and SIGKILL for what ignores it."""
    ticks = _ticks(pid)
    for number, seconds in ((first, patience), (signal.SIGKILL, 5.0)):
        give_up = time.monotonic() + seconds
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        while time.monotonic() < give_up:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            if _ticks(pid) != ticks or not ticks:
                return
            time.sleep(0.05)


def sites() -> list[Site]:
    return [Site.load(path.parent.name) for path in sorted(ROOT.glob("*/site.json"))]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["up", "down", "status", "env", "start", "stop", "missing", "mkroot"])
    parser.add_argument("name", nargs="?", default="")
    parser.add_argument("daemon", nargs="?", default="")
    for name in ("nodes", "gpus", "cpus", "memory-mb", "port", "owner"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--root")
    parser.add_argument("--bind", action="append", dest="binds")
    for name in ("rest", "kill", "all", "orphans"):
        parser.add_argument(f"--{name}", action="store_true")
    options = parser.parse_args(arguments)
    try:
        return _do(options)
    except SiteError as error:
        print(f"local_slurm: {error}", file=sys.stderr)
        return 1


def _do(options: argparse.Namespace) -> int:
    if options.verb == "mkroot":
        make_root(Path(options.name).resolve(), options.daemon or "trixie")
        return 0
    why_not = missing()
    if options.verb == "missing" or why_not:
        print(why_not)
        return 1 if why_not else 0
    if options.verb == "up":
        shape = ("nodes", "gpus", "cpus", "memory_mb", "port", "owner", "rest", "root", "binds")
        given = {name: getattr(options, name) for name in shape if getattr(options, name)}
        _of_name(options.name, **given).up()
    elif options.verb == "down" and (options.all or options.orphans):
        for site in sites():
            # An orphan's maker has died without taking it down.
            if options.all or (site.owner and not _ticks(site.owner)):
                site.down()
    else:
        return _one(Site.load(options.name), options)
    return 0


def _of_name(name: str, **given: int) -> Site:
    """A new site, or the one of that name with what was changed."""
    if not (name.isalnum() and name[0].isalpha() and name.islower() and len(name) <= 16):
        raise SiteError("a name has up to 16 small letters and digits and begins with a letter")
    if (ROOT / name / "site.json").exists():
        return Site(**{**asdict(Site.load(name)), **given})
    return Site(name=name, **given)


def _one(site: Site, options: argparse.Namespace) -> int:
    match options.verb:
        case "down":
            site.down()
        case "start":
            site.start(options.daemon)
        case "stop":
            site.stop(options.daemon, kill=options.kill)
        case "env":
            print(f"export SLURM_CONF={site.conf}")
            if site.root:
                print(f"export PATH={site.folder}/bin:$PATH")
            if site.rest:
                print(f"export SLURM_REST_URL=http://127.0.0.1:{site.port + 41}")
        case "status":
            found = {name: site.pid(name) for name in site.daemons}
            for name, pid in found.items():
                print(f"{name}: {f'pid {pid}' if pid else 'does not run'}")
            return 0 if all(found.values()) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
