"""What the statements of a downgrade drop, and whether it holds rows now.

Statements are seen as alembic and SQLAlchemy have them, so a table or column is told by its name. Text that a revision
sends by itself is read only so far: whatever is not known to spare the data counts as a loss.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alembic.ddl.base import DropColumn
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import DropTable
from sqlalchemy.sql import Delete
from sqlalchemy.sql.elements import TextClause

from .results import Loss

_not_read = re.compile(r"'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/", re.DOTALL)
_spares_data = re.compile(
    r"(?!.*(?<!on delete )(?<!on update )\bcascade\b)"
    r"(?:(?:create|comment|grant|revoke|set|reset|analyze|reindex|insert|update|lock)\b"
    r"|drop\s+(?:index|view|trigger|function|procedure|aggregate|rule|policy|type|domain)\b"
    r"|alter\s+table\b(?!.*\bdrop\s+(?!constraint\b|default\b|not\s+null\b|identity\b|expression\b))"
    r"|alter\s+(?!table\b))",
    re.IGNORECASE | re.DOTALL,
)
_NAME = r'((?:"[^"]+"|\w+)(?:\.(?:"[^"]+"|\w+))?)'
_drops_table = re.compile(rf"drop\s+table\s+(?:if\s+exists\s+)?{_NAME}$", re.IGNORECASE)
_drops_rows = re.compile(
    rf"(?:delete\s+from\s+(?:only\s+)?|truncate\s+(?:table\s+)?){_NAME}\b", re.IGNORECASE
)
_LIMITS = (
    "select set_config('lock_timeout', '1s', true), set_config('statement_timeout', '2s', true)"
)
_SHOWN = 60  # characters of a statement


@dataclass(frozen=True)
class Dropped:
    """A table, column, or rows that go; `table` and `column` quoted as SQL has them, "" if not known."""

    what: str
    table: str = ""
    column: str = ""


def dropped(statement: object, context: MigrationContext) -> Iterator[Dropped]:
    """Give what one statement drops."""
    quoter = context.dialect.identifier_preparer
    if isinstance(statement, DropTable):
        table = quoter.format_table(statement.element)
        yield Dropped(f"table {table}", table)
    elif isinstance(statement, DropColumn):
        table = ".".join(
            quoter.quote(part) for part in (statement.schema, statement.table_name) if part
        )
        column = quoter.quote(statement.column.name)
        yield Dropped(f"column {table}.{column}", table, column)
    elif isinstance(statement, Delete):
        table = quoter.format_table(statement.table)
        yield Dropped(f"rows of {table}", table)
    elif isinstance(statement, (TextClause, str)):
        yield from _in_text(str(statement))


def holds_rows(connection: Connection, of: Dropped) -> bool | None:
    """Say whether it holds anything now; None where that is not known, or not within two seconds."""
    if not of.table or connection.dialect.name != "postgresql":
        return None
    condition = f" where {of.column} is not null" if of.column else ""
    try:
        aside = connection.begin_nested()
        try:
            connection.execute(text(_LIMITS))
            found = connection.execute(text(f"select exists(select from {of.table}{condition})"))
            return bool(found.scalar())
        finally:
            aside.rollback()
    except DBAPIError:
        return None


def losses(found: Iterable[tuple[str, Dropped]], connection: Connection | None) -> tuple[Loss, ...]:
    """Give, of what each revision drops, what is there to be lost."""
    seen = dict.fromkeys(found)
    return tuple(
        Loss(revision, each.what, holds_rows(connection, each) if connection is not None else None)
        for revision, each in seen
    )


def _in_text(sql: str) -> Iterator[Dropped]:
    for statement in _not_read.sub(" ", sql).split(";"):
        words = " ".join(statement.split())
        if not words or _spares_data.match(words):
            continue
        if table := _drops_table.match(words):
            yield Dropped(f"table {table[1]}", table[1])
        elif rows := _drops_rows.match(words):
            yield Dropped(f"rows of {rows[1]}", rows[1])
        else:
            yield Dropped(f"what `{words[:_SHOWN]}` takes")
