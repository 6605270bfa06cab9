"""Sends env.py's connections to the scratch database, whatever its URL and driver.

SQLAlchemy lets one change what the driver is given (the event do_connect), and every driver for
PostgreSQL takes the database's name beside or above what a connection string says. What comes
of it is checked before anything else is sent: a connection that is not in the scratch database
(made by a function of env.py's own, `creator=`) is closed.
"""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

from .errors import HeadwayError
from .passfile import password_of

_KEYWORDS = {"psycopg2": "dbname", "psycopg2cffi": "dbname", "psycopg": "dbname"}
_NAMES = ("dbname", "database", "db")


class Redirect:
    """From now on every connection of this process goes to `scratch` in place of `live`."""

    def __init__(self, live: str, scratch: str) -> None:
        """Take both names."""
        self._live = live
        self._scratch = scratch
        os.environ["PGDATABASE"] = scratch
        event.listen(Engine, "do_connect", self._going)
        # Before the dialect's own listeners, which ask the server for its version.
        event.listen(Pool, "first_connect", self._arrived)
        event.listen(Pool, "connect", self._arrived)

    def _going(self, dialect: Any, record: Any, args: Any, parameters: dict[str, Any]) -> None:
        if dialect.name != "postgresql":
            raise HeadwayError(
                "not_rehearsable", f"env.py connects to {dialect.name}, which is not rehearsed."
            )
        named = {str(parameters.pop(name)) for name in _NAMES if parameters.get(name)}
        if others := named - {self._live, self._scratch}:
            raise HeadwayError(
                "not_rehearsable",
                f"env.py or a revision connects to another database, {', '.join(sorted(others))}, "
                f"which is not rehearsed with {self._live}.",
            )
        if not (parameters.get("password") or os.environ.get("PGPASSWORD")):
            password = password_of(self._live, parameters)
            parameters.update({"password": password} if password else {})
        parameters[_KEYWORDS.get(dialect.driver.removesuffix("_async"), "database")] = self._scratch

    def _arrived(self, connection: Any, record: Any) -> None:
        """Look where it is; `connection` is the driver's, or SQLAlchemy's adapter of it."""
        cursor = connection.cursor()
        try:
            cursor.execute("select current_database()")
            where = cursor.fetchone()[0]
        finally:
            cursor.close()
        connection.rollback()
        if where != self._scratch:
            connection.close()
            raise HeadwayError(
                "not_redirected",
                f"env.py makes its connections by a function of its own (creator=) and reaches "
                f"{where}: nothing of it was rehearsed, and nothing was sent there.",
            )
