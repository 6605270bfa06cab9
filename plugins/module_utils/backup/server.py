"""How a server is reached, by us and by PostgreSQL's tools."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .errors import BackupError, ServerError

try:
    import psycopg2
    from psycopg2 import extensions
    from psycopg2 import sql as sql
except ImportError:  # told where a session is asked for
    psycopg2 = extensions = sql = None  # type: ignore[assignment]

CONNECT_SECONDS = 10
# The database that every server has, for work on the others.
MAINTENANCE = "postgres"


@dataclass(frozen=True)
class Server:
    """Where a server is and who logs in; `host` is an address or the folder of its socket."""

    host: str
    port: int
    user: str
    password: str = field(default="", repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict)

    def dsn(self, database: str) -> str:
        """Give libpq's connection string, which has no password in it."""
        values: dict[str, Any] = {
            "connect_timeout": CONNECT_SECONDS,
            **self.parameters,
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "dbname": database,
        }
        values.pop("password", None)
        dsn: str = extensions.make_dsn(**values)
        return dsn

    def environment(self, name: str) -> dict[str, str]:
        """Give what libpq reads beside it: the password, and `name` for pg_stat_activity."""
        return {"PGAPPNAME": name, **({"PGPASSWORD": self._password} if self._password else {})}

    @property
    def _password(self) -> str:
        return self.password or self.parameters.get("password", "")

    @contextmanager
    def session(self, database: str = MAINTENANCE, *, snapshot: bool = False) -> Iterator[Session]:
        """Give a session in a database, closed at the end.

        With `snapshot` all that it reads is as of one moment; otherwise each statement is
        committed at once. Raises BackupError where the server does not let us in.
        """
        if psycopg2 is None:
            raise BackupError(
                f"{sys.executable} has no psycopg2, which a deploy installs: deploy first, or install "
                "python3-psycopg2."
            )
        try:
            connection = psycopg2.connect(self.dsn(database), password=self._password or None)
        except psycopg2.OperationalError as error:
            raise BackupError(
                f"Database {database} at {self.host}, port {self.port}, does not let {self.user} "
                f"in: {said(error)}"
            ) from None
        try:
            if snapshot:
                connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            else:
                connection.autocommit = True
            session = Session(connection)
            # It waits while the tools work.
            session.run("set idle_in_transaction_session_timeout = 0")
            session.run("set statement_timeout = 0")
            yield session
        finally:
            connection.close()


class Session:
    """A session in one database."""

    def __init__(self, connection: extensions.connection) -> None:
        """Take an open connection."""
        self._connection = connection

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Give the rows of a query; raises ServerError."""
        with self._cursor() as cursor:
            cursor.execute(query, values or None)
            return list(cursor.fetchall())

    def value(self, query: str, *values: Any) -> Any:
        """Give the first column of a query's first row; None where there is no row."""
        rows = self.rows(query, *values)
        return rows[0][0] if rows else None

    def run(self, statement: str | sql.Composable, *values: Any) -> None:
        """Send a statement; raises ServerError."""
        with self._cursor() as cursor:
            cursor.execute(statement, values or None)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is sent inside together, or nothing of it."""
        self.run("begin")
        try:
            yield
            self.run("commit")
        except BaseException:
            self.run("rollback")
            raise

    @contextmanager
    def _cursor(self) -> Iterator[extensions.cursor]:
        try:
            with self._connection.cursor() as cursor:
                yield cursor
        except psycopg2.Error as error:
            raise ServerError(said(error), error.pgcode or "") from None


def quoted(name: str) -> str:
    """Give a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def said(error: Exception) -> str:
    """Give what the server or libpq says, in one line."""
    return " ".join(str(error).split())


def major(session: Session) -> int:
    """Give the server's major version."""
    version: int = session.value("select current_setting('server_version_num')::int / 10000")
    return version


def cores() -> int:
    """Give how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def database_bytes(session: Session, database: str) -> int | None:
    """Give the size of a database in bytes; None where there is no such database."""
    query = "select pg_database_size(oid) from pg_database where datname = %s"
    found: int | None = session.value(query, database)
    return found
