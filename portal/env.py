"""The environment, read once and typed. Everything that differs between two installations is named here."""

from dataclasses import dataclass
from pathlib import Path

import environ

ROOT = Path(__file__).resolve().parent.parent
EMBEDDED_SECRET_PREFIX = "embedded-"  # noqa: S105 - a marker that makes a secret worthless, not a secret

_env = environ.Env()


@dataclass(frozen=True)
class Environment:
    embedded: bool
    debug: bool
    secret_key: str
    allowed_hosts: list[str]
    base_url: str
    database: dict[str, object]
    database_pool: bool
    broker_url: str
    cache_url: str
    data_dir: Path
    email_url: str
    from_email: str
    trusted_proxies: int
    portal_key: str
    log_level: str


def read_environment() -> Environment:
    """Reads the process environment. Missing secrets are an error that names the variable to set."""
    embedded = _env.bool("OPEN_PAAS_EMBEDDED", default=False)
    data_dir = Path(_env.str("OPEN_PAAS_DATA_DIR", default=str(ROOT / "var")))
    secret_key = _env.str("SECRET_KEY", default="embedded-for-commands-only" if embedded else "")
    if not secret_key:
        raise environ.ImproperlyConfigured(
            "SECRET_KEY is not set. Outside the embedded mode set it to at least 50 random characters; "
            "to try the portal on your own machine use `make run`."
        )
    if not embedded and secret_key.startswith(EMBEDDED_SECRET_PREFIX):
        raise environ.ImproperlyConfigured(
            "SECRET_KEY is a demonstration secret. Outside the embedded mode set your own; see docs/operations.md."
        )
    return Environment(
        embedded=embedded,
        debug=_env.bool("DEBUG", default=False),
        secret_key=secret_key,
        allowed_hosts=_env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if embedded else []),
        base_url=_env.str("BASE_URL", default="http://localhost:8000"),
        database=_env.db_url("DATABASE_URL", default="postgresql://paas@localhost/paas"),
        database_pool=_env.bool("DATABASE_POOL", default=False),
        broker_url=_env.str("BROKER_URL", default="redis://localhost:6379/0"),
        cache_url=_env.str("CACHE_URL", default="locmemcache://"),
        data_dir=data_dir,
        email_url=_env.str("EMAIL_URL", default=""),
        from_email=_env.str("FROM_EMAIL", default="Open PaaS <no-reply@localhost>"),
        trusted_proxies=_env.int("TRUSTED_PROXIES", default=0),
        portal_key=_env.str("PORTAL_SIGNING_KEY_FILE", default=str(data_dir / "secrets" / "portal-signing-key.pem")),
        log_level=_env.str("LOG_LEVEL", default="INFO"),
    )
