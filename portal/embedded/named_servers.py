"""Servers that the environment names in place of embedded ones: asked once at the start, so that a wrong address is one
sentence and not a stack of calls."""

from portal.embedded.layout import EmbeddedError

SECONDS = 5


def check_database(url: str) -> None:
    """Raises EmbeddedError unless the database that DATABASE_URL names can be opened."""
    import environ
    import psycopg

    named = environ.Env.db_url_config(url)
    if not str(named.get("ENGINE", "")).endswith("postgresql"):
        raise EmbeddedError("DATABASE_URL names no PostgreSQL database: postgresql://user:password@host/name")
    facts = {"host": named["HOST"], "port": named["PORT"], "user": named["USER"], "password": named["PASSWORD"]}
    wanted = {name: value for name, value in facts.items() if value} | named.get("OPTIONS", {})
    try:
        psycopg.connect(dbname=named["NAME"], connect_timeout=SECONDS, **wanted).close()
    except psycopg.OperationalError as error:
        raise EmbeddedError(f"The database named by DATABASE_URL cannot be opened: {_first_line(error)}") from error


def check_broker(url: str) -> None:
    """Raises EmbeddedError unless the Redis or Valkey that BROKER_URL names answers."""
    import redis

    if not url.startswith(("redis://", "rediss://", "redis+socket://")):
        return  # Celery knows other brokers; it says itself what it cannot reach
    address = url.replace("redis+socket://", "unix://", 1)
    try:
        redis.Redis.from_url(address, socket_timeout=SECONDS, socket_connect_timeout=SECONDS).ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise EmbeddedError(f"The broker named by BROKER_URL does not answer: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
