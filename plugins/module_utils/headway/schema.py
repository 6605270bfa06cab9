"""What a database's schema is, as the catalog has it, and how two of them differ.

A schema is a dictionary from each object's kind and name ("column public.person.name") to its
definition in the server's own words. What belongs to an extension is the extension's, and what
belongs to the server or to the record of runs is left out. The order of a table's columns is not
a part of it: no statement of a migration depends on that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from .data import Data
from .schema_query import SCHEMA

Schema = Mapping[str, str]

# Whose they are and who may use them: of the deploy as often as of the migrations.
RIGHTS = ("owner of ", "privileges on ", "default privileges ")


class Rows(Protocol):
    """A session in a database, of whichever driver."""

    def rows(self, query: str) -> list[tuple[str, ...]]:
        """Give the rows of a query."""

    def run(self, statement: str) -> None:
        """Send a statement."""


@dataclass(frozen=True)
class Change(Data):
    """An object that is another one afterwards; None where it is not there at all."""

    what: str
    before: str | None
    after: str | None

    @property
    def undone(self) -> Change:
        """The change that takes this one back."""
        return Change(self.what, self.after, self.before)

    def __str__(self) -> str:
        """Give it as a line."""
        if self.before is None:
            return f"+ {self.what}" + (f": {_line(self.after)}" if self.after else "")
        if self.after is None:
            return f"- {self.what}"
        return f"~ {self.what}: {_line(self.before)} -> {_line(self.after)}"


def changes(before: Schema, after: Schema) -> tuple[Change, ...]:
    """Give what is different, by name."""
    return tuple(
        Change(what, before.get(what), after.get(what))
        for what in sorted(before.keys() | after.keys())
        if before.get(what) != after.get(what)
    )


def changed(schema: Schema, by: Iterable[Change]) -> Schema:
    """Give a schema with changes made to it."""
    made = dict(schema)
    for change in by:
        made.pop(change.what, None)
        if change.after is not None:
            made[change.what] = change.after
    return made


def without_rights(schema: Schema) -> Schema:
    """Give what a schema is, whoever owns it and may use it."""
    return {what: is_ for what, is_ in schema.items() if not what.startswith(RIGHTS)}


def read_schema(session: Rows, leave_out: Iterable[str] = ()) -> Schema:
    """Give the schema that a session sees, without the tables to `leave_out` (schema.table).

    Names come with their schema. Leaves the session as it was, its locks and search_path too, and
    works within a transaction as well as without.
    """
    query = SCHEMA.replace("LEFT_OUT", array_of(leave_out))
    with leaving_no_trace(session):
        session.run("set local search_path = ''")
        return {what: definition or "" for what, definition in session.rows(query)}


@contextmanager
def leaving_no_trace(session: Rows) -> Iterator[None]:
    """Take back whatever is done meanwhile, locks and settings too, within a transaction or without."""
    begin, end = "begin", "rollback"
    if in_transaction(session):
        begin, end = "savepoint headway", "rollback to savepoint headway"
    session.run(begin)
    try:
        yield
    finally:
        with suppress(Exception):  # the fault before it is the one to tell
            session.run(end)


def in_transaction(session: Rows) -> bool:
    """Tell whether a transaction is open: only then do two looks at its clock agree."""
    look = "select transaction_timestamp()::text"
    return session.rows(look) == session.rows(look)


def _line(text: str | None) -> str:
    words = " ".join((text or "").split())
    return words if len(words) <= 120 else words[:119] + "…"


def array_of(names: Iterable[str]) -> str:
    """Give names as an array of SQL's."""
    quoted = ("'" + name.replace("'", "''") + "'" for name in names)
    return f"array[{', '.join(quoted)}]::text[]"
