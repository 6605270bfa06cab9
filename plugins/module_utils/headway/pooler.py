"""Whether a pooler stands between us and the server, and what it does to sessions.

With one that gives the connection to somebody else after each transaction (pgbouncer's
pool_mode=transaction) a session's lock and its settings stay on a connection of the server's
that others go on to use: no lock protects, and lock_timeout hits whom it is not meant for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine

from .aside import Aside

SESSION, TRANSACTION = "session", "transaction"

_TRIES = 3

# The process id that the server announced when the connection was made, by driver. A pooler
# announces one of its own making.
_announced: dict[str, Callable[[Any], int]] = {
    "psycopg2": lambda driver: int(driver.get_backend_pid()),
    "psycopg": lambda driver: int(driver.info.backend_pid),
    "psycopg_async": lambda driver: int(driver.info.backend_pid),
    "asyncpg": lambda driver: int(driver.get_server_pid()),
    "pg8000": lambda driver: int.from_bytes(driver._backend_key_data[:4], "big"),
}


def transaction_mode(database: str) -> str:
    """Say what a pooler in transaction mode means, as the beginning of a sentence."""
    return (
        f"Between here and {database} stands a pooler in transaction mode (pgbouncer's "
        "pool_mode=transaction, for instance), behind which no lock protects a migration and no "
        "timeout holds"
    )


def is_pooled(connection: Connection) -> bool:
    """Tell whether another than the server answered when the connection was made."""
    announced = _announced.get(connection.dialect.driver)
    if announced is None:
        return False
    return announced(connection.connection.driver_connection) != _pid(connection)


def mode(engine: Engine) -> str:
    """Give the mode of the pooler that stands in front: TRANSACTION or SESSION.

    Two connections that are open at once have, one after the other, the same process of the server's, or one
    has another than before: neither can be without it.
    """
    one, other = Aside(engine), Aside(engine)
    try:
        for _ in range(_TRIES):
            first, second, again = one.call(_pid), other.call(_pid), one.call(_pid)
            if first == second or first != again:
                return TRANSACTION
        return SESSION
    finally:
        one.close()
        other.close()


def _pid(connection: Connection) -> int:
    return int(connection.execute(text("select pg_backend_pid()")).scalar() or 0)
