"""Puts lock_timeout and statement_timeout on every connection that env.py makes.

By SET on the connection before env.py gets it, committed, so that neither SQLAlchemy nor alembic
finds a transaction begun. PGOPTIONS would be ignored by drivers without libpq (asyncpg, pg8000),
and poolers refuse the connection for it (pgbouncer: "unsupported startup parameter: options").
"""

from __future__ import annotations

import contextlib
import re
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, ExceptionContext

from .options import RunOptions

_concurrently = re.compile(
    r"\s*(?:(?:--[^\n]*\n|/\*.*?\*/)\s*)*"
    r"(?:CREATE|DROP|REINDEX|ALTER|REFRESH)\b[^;']*\bCONCURRENTLY\b",
    re.IGNORECASE | re.DOTALL,
)
_NAMES = ("lock_timeout", "statement_timeout")


class Timeouts:
    """Sets up connections as they are made, and knows the server's process of each.

    What builds or drops CONCURRENTLY is exempt from both timeouts: its waits make nobody wait who
    reads or writes, and an end in the middle leaves an invalid index behind.
    """

    def __init__(self, options: RunOptions) -> None:
        """Start to watch every engine of this process."""
        self.pids: set[int] = set()
        self._wanted = {
            name: value for name in _NAMES if (value := getattr(options, name).replace(" ", ""))
        }
        self._application_name = options.application_name.replace("'", "''")
        event.listen(Engine, "engine_connect", self._connected)
        event.listen(Engine, "before_cursor_execute", self._before)
        event.listen(Engine, "after_cursor_execute", self._after)
        event.listen(Engine, "handle_error", self._failed)

    def _connected(self, connection: Connection, *_: Any) -> None:
        if connection.dialect.name != "postgresql" or _NAMES[0] in connection.info:
            return
        # The app's own name for its sessions stays; pg_stat_activity shows ours where there is none.
        columns = [
            "pg_backend_pid()",
            "set_config('application_name', coalesce(nullif("
            f"current_setting('application_name'), ''), '{self._application_name}'), false)",
            *(
                f"set_config('{name}', '{self._wanted[name]}', false)"
                if name in self._wanted
                else f"current_setting('{name}')"
                for name in _NAMES
            ),
        ]
        pid, _, *timeouts = _row(connection, "select " + ", ".join(columns))
        connection.connection.commit()
        connection.info.update(zip(_NAMES, timeouts, strict=True))
        self.pids.add(pid)

    def _before(self, connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
        if _NAMES[0] in connection.info and _concurrently.match(statement):
            _set(connection, dict.fromkeys(_NAMES, "0"))
            connection.info["headway_exempt"] = True

    def _after(self, connection: Connection, *_: Any) -> None:
        if connection.info.pop("headway_exempt", False):
            _set(connection, {name: connection.info[name] for name in _NAMES})

    def _failed(self, context: ExceptionContext) -> None:
        connection = context.connection
        if connection is None or context.is_disconnect:
            return
        # In a transaction that failed it is refused, and the rollback puts the timeouts back.
        with contextlib.suppress(connection.dialect.loaded_dbapi.Error):
            self._after(connection)


def _set(connection: Connection, timeouts: dict[str, str]) -> None:
    _row(
        connection,
        "select " + ", ".join(f"set_config('{n}', '{v}', false)" for n, v in timeouts.items()),
    )


def _row(connection: Connection, sql: str) -> Any:
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql)
        return cursor.fetchone()
    finally:
        cursor.close()
