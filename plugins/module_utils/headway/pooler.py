"""Whether a pooler stands between us and the server, and what it does to sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine

from .aside import Aside
from .pooling import SESSION, TRANSACTION

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
