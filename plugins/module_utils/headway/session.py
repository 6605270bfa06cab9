"""SQL sent as it is written, by SQLAlchemy and whichever driver."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import TextClause


class PlainSession:
    """A connection that takes SQL without parameters, as `schema.Rows` says."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection; its transactions are its owner's."""
        self._connection = connection

    def rows(self, query: str) -> list[tuple[str, ...]]:
        """Give the rows of a query."""
        return [tuple(row) for row in self._connection.execute(_verbatim(query))]

    def run(self, statement: str) -> None:
        """Send a statement."""
        self._connection.execute(_verbatim(statement))


def _verbatim(sql: str) -> TextClause:
    """Give it as SQLAlchemy takes it: a colon would be a parameter's."""
    return text(sql.replace(":", "\\:"))
