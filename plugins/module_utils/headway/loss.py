"""What the statements of a downgrade drop, and whether it holds rows now.

Statements are seen as alembic and SQLAlchemy have them, so a table or column is told by its name. Any other
is read as text, and that only so far: whatever is not known to spare the data counts as a loss.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alembic.ddl.base import DropColumn
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import CompileError, DBAPIError
from sqlalchemy.schema import DropTable
from sqlalchemy.sql import Delete
from sqlalchemy.sql.elements import ClauseElement

from .results import Loss

_not_read = re.compile(
    r"""("(?:[^"]|"")*")"""  # a quoted name, which is kept
    r"""|\be'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(\w*)\$.*?\$\2\$|--[^\n]*|/\*(?:/\*.*?\*/|.)*?\*/""",
    re.IGNORECASE | re.DOTALL,
)
_spares_data = re.compile(
    r"(?!.*(?<!on delete )(?<!on update )\bcascade\b)"
    r"(?!.*\bdelete from\b)"
    r"(?:(?:create|comment|grant|revoke|set|reset|analyze|reindex|refresh|vacuum|insert|update|lock)\b"
    r"|drop\s+(?:index|(?:materialized\s+)?view|trigger|function|procedure|aggregate|rule|policy|type|domain)\b"
    r"|alter\s+table\b(?!.*\bdrop\s+(?!constraint\b|default\b|not\s+null\b|identity\b|expression\b))"
    r"|alter\s+(?!table\b)(?!.*\bdrop\s+attribute\b))",
    re.IGNORECASE | re.DOTALL,
)
_ONE = r'(?:"(?:[^"]|"")+"|\w+)'
_NAME = rf"{_ONE}(?:\.{_ONE})?"
_COLUMN = rf"drop (?:column )?(?!column\b|constraint\b)(?:if exists )?(?P<column>{_ONE})"
_drops_table = re.compile(
    rf"drop table (?:if exists )?(?P<tables>{_NAME}(?: ?, ?{_NAME})*)$", re.IGNORECASE
)
_drops_columns = re.compile(
    rf"alter table (?:if exists )?(?!only\b)(?P<table>{_NAME}) "
    rf"(?P<columns>{_COLUMN}(?: ?, ?{_COLUMN.replace('?P<column>', '?:')})*)$",
    re.IGNORECASE,
)
_drops_rows = re.compile(
    rf"(?:truncate (?:table )?(?P<tables>{_NAME}(?: ?, ?{_NAME})*)"
    rf"|delete from (?!only\b)(?P<table>{_NAME})(?: (?:where|using|as|returning)\b.*)?)$",
    re.IGNORECASE,
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
    elif isinstance(statement, ClauseElement):
        try:
            yield from _in_text(str(statement.compile(dialect=context.dialect)))
        except CompileError:
            yield Dropped(f"what {type(statement).__name__} takes")
    else:
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
    for statement in _not_read.sub(lambda found: found[1] or " ", sql).split(";"):
        words = " ".join(statement.split())
        if words and not _spares_data.match(words):
            yield from _told(words)


def _told(words: str) -> Iterator[Dropped]:
    if found := _drops_table.match(words):
        for table in re.findall(_NAME, found["tables"]):
            yield Dropped(f"table {table}", table)
    elif found := _drops_columns.match(words):
        for column in re.finditer(_COLUMN, found["columns"], re.IGNORECASE):
            what = f"column {found['table']}.{column['column']}"
            yield Dropped(what, found["table"], column["column"])
    elif found := _drops_rows.match(words):
        for table in re.findall(_NAME, found["table"] or found["tables"]):
            yield Dropped(f"rows of {table}", table)
    else:
        yield Dropped(f"what `{words[:_SHOWN]}` takes")
