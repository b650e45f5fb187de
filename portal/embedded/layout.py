"""Where the embedded mode keeps its data, with which modes, and how other programs on the machine are kept out.

var/            0711: others may pass, not look (PostgreSQL runs as another user when we are root)
  postgres/ valkey/ media/ store/ agent/ logs/ secrets/    0700
  run/          sockets and process ids; moved to a short folder when the path is too long for a Unix socket
"""

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARKER = ".open-paas-data"
FOLDERS = ("postgres", "valkey", "media", "store", "agent", "logs", "secrets", "static", "cache")
# A Unix socket's path holds 107 bytes. The longest name below run/ is the supervisor's socket with its process id, or
# PostgreSQL's in its own folder: pg/.s.PGSQL.5432
SOCKET_PATH_LIMIT = 107
LONGEST_SOCKET_NAME = len("/supervisor.sock.4194304")


class EmbeddedError(Exception):
    """The embedded mode cannot go on; the text is one sentence that says what to do."""


@dataclass(frozen=True)
class Layout:
    """One data folder."""

    data: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Layout":
        return cls(Path(environ.get("OPEN_PAAS_DATA_DIR") or ROOT / "var").absolute())

    @property
    def run(self) -> Path:
        """The folder of sockets: inside the data folder, or a short one of ours when that path is too long."""
        inside = self.data / "run"
        if fits_socket(inside):
            return inside
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        for shared in (tempfile.gettempdir(), "/tmp"):  # noqa: S108  # ours by mode and owner, see _create_run_folder
            short = Path(shared) / f"open-paas-{os.getuid()}-{name}"
            if fits_socket(short):
                return short
        raise EmbeddedError(f"{self.data} is too long a path for Unix sockets; set TMPDIR to a short folder.")

    @property
    def lock(self) -> Path:
        return self.data / "running.lock"

    @property
    def supervisor_socket(self) -> Path:
        return self.run / "supervisor.sock"

    @property
    def supervisor_config(self) -> Path:
        return self.data / "supervisord.conf"

    @property
    def postgres_socket_folder(self) -> Path:
        return self.run / "pg"

    @property
    def valkey_socket(self) -> Path:
        return self.run / "valkey.sock"

    @property
    def agent_config(self) -> Path:
        return self.data / "agent" / "agent.toml"

    @property
    def portal_key(self) -> Path:
        return self.data / "secrets" / "portal-signing-key.pem"

    def create(self) -> None:
        """Makes every folder with its mode, and the secrets on the first start. Existing data is left alone."""
        if self.data.exists() and not self._is_ours():
            raise EmbeddedError(
                f"{self.data} holds something else; point OPEN_PAAS_DATA_DIR to a folder that is new or empty."
            )
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            self.data.chmod(0o711)
            (self.data / MARKER).touch()
            for name in FOLDERS:
                _private_folder(self.data / name)
            self._create_run_folder()
        except OSError as error:
            raise EmbeddedError(f"The data folder {self.data} cannot be written: {error.strerror}.") from error

    def secret_key(self) -> str:
        """The session secret of this data folder; made on the first start, readable for its owner only.

        Its prefix marks it: outside the embedded mode the portal refuses to start with it.
        """
        path = self.data / "secrets" / "secret-key"
        if not path.exists():
            write_private(path, f"embedded-{secrets.token_urlsafe(50)}\n".encode())
        return path.read_text().strip()

    def ensure_portal_key(self) -> None:
        """The key with which the portal signs work for its sites (Ed25519, PKCS #8)."""
        if self.portal_key.exists():
            return
        from cryptography.hazmat.primitives import serialization as form
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = Ed25519PrivateKey.generate()
        write_private(
            self.portal_key,
            key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()),
        )

    def empty(self) -> None:
        """Removes all data. The caller has made sure that nothing runs."""
        if not self.data.exists():
            return
        if not self._is_ours():
            raise EmbeddedError(f"{self.data} was not made by Open PaaS; nothing was removed.")
        for entry in self.data.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.remove_short_run_folder()

    def remove_short_run_folder(self) -> None:
        """Sockets outside the data folder are not left behind; the next start makes their folder again."""
        if self.run.parent != self.data and self.run.is_dir() and self.run.lstat().st_uid == os.getuid():
            shutil.rmtree(self.run)

    def _is_ours(self) -> bool:
        """Ours by its marker; an empty folder, or one with nothing but tools' caches, may become ours."""
        return (self.data / MARKER).exists() or all(entry.name == "cache" for entry in self.data.iterdir())

    def _create_run_folder(self) -> None:
        """In a shared temporary folder somebody else may have been first: then we refuse to use it."""
        run = self.run
        run.mkdir(mode=0o711, exist_ok=True)
        found = run.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise EmbeddedError(f"{run} belongs to somebody else; set TMPDIR to a folder of your own.")
        run.chmod(0o711)


def fits_socket(folder: Path) -> bool:
    return len(os.fsencode(folder)) + LONGEST_SOCKET_NAME <= SOCKET_PATH_LIMIT


def _private_folder(path: Path) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    path.chmod(0o700)


def write_private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner can read, all of it or nothing."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
