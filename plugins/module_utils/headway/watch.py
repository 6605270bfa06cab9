"""Sees what a revision does while it runs: statements, locks, files of tables, schema."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from .rehearsal import LOCKS, Performed, TableLock
from .schema import Schema, array_of, changes, read_schema
from .session import PlainSession

_commit = re.compile(r"\s*(?:COMMIT|END)\b", re.IGNORECASE)
_asks_for_rows = re.compile(
    r"\s*(?:(?:--[^\n]*\n|/\*.*?\*/)\s*)*"
    r"(?:(?:SELECT|WITH)\b.*\bFROM\b|(?:UPDATE|DELETE|MERGE|COPY|TABLE)\b|INSERT\b.*\bSELECT\b.*\bFROM\b"
    r"|DO\b.*\b(?:UPDATE|DELETE|MERGE|FROM)\b)",
    re.IGNORECASE | re.DOTALL,
)
_of_the_catalog = re.compile(r"\bFROM\s+(?:pg_|information_schema\b)", re.IGNORECASE)

# What has a file, by oid: its name, kind and file. Of the server's own nothing.
_FILES = """
    select c.oid::int8, format('%I.%I', n.nspname, c.relname), c.relkind::text, c.relfilenode::int8
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm', 'v', 'f', 'i') and c.relpersistence <> 't'
        and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'headway')
        and format('%s.%s', n.nspname, c.relname) <> all (LEFT_OUT)
"""
_HELD = """
    select relation::int8, mode from pg_locks
    where pid = pg_backend_pid() and locktype = 'relation' and granted
        and database = (select oid from pg_database where datname = current_database())
"""

Files = dict[int, tuple[str, str, int]]


class Watch:
    """Watches the revisions of one run of env.py, one after the other."""

    def __init__(self, schema: Schema, leave_out: Iterable[str]) -> None:
        """Take the schema as it is before, and the tables that are not a part of it."""
        self.performed: list[Performed] = []
        self.revision: str | None = None  # the one that runs
        self.asked = False  # it, for rows
        self.failure: Exception | None = None
        self._schema = schema
        self._leave_out = tuple(leave_out)
        self._in_function = False
        self._in_autocommit = False
        self._statements: list[str] = []
        self._autocommit: list[str] = []
        self._locks: dict[str, str] = {}
        self._found: dict[str, Any] = {}
        self._looking = 0.0  # seconds
        self._files: Files = {}
        event.listen(Engine, "before_cursor_execute", self._before_statement)

    def each(
        self, steps: Iterable[RevisionStep], context: MigrationContext
    ) -> Iterator[RevisionStep]:
        """Give the steps to alembic, and watch them."""
        self._watch_autocommit(context)
        for step in steps:
            self.revision = step.revision.revision
            self._statements, self._autocommit, self._locks = [], [], {}
            self.asked = self._in_autocommit = False
            self._looking, self._found = 0.0, {}
            step.migration_fn = self._noting(step.migration_fn, context)
            began = time.monotonic()
            yield step
            # alembic is back for the next step: this one is applied and committed.
            taken = time.monotonic() - began - self._looking
            self.performed.append(
                Performed(
                    revision=self.revision,
                    seconds=round(max(taken, 0.0), 3),
                    statements=tuple(self._statements),
                    autocommit=tuple(self._autocommit),
                    locks=tuple(TableLock(t, m) for t, m in sorted(self._locks.items())),
                    reads_rows=self.asked,
                    **self._found,
                )
            )
            self.revision = None

    def _noting(
        self, migrate: Callable[..., None], context: MigrationContext
    ) -> Callable[..., None]:
        @wraps(migrate)  # alembic's log has its name
        def noted(**arguments: Any) -> None:
            connection = context.connection
            assert connection is not None  # noqa: S101 - a run has one; offline is not watched
            try:
                with self._beside():
                    self._files = _files(connection, self._leave_out)
                self._in_function = True
                migrate(**arguments)
                self._in_function = False
                with self._beside():
                    self._found = self._look(connection)
            except Exception as error:
                self.failure = error
                raise
            finally:
                self._in_function = False

        return noted

    def _look(self, connection: Connection) -> dict[str, Any]:
        """See what came of it, within its transaction."""
        self._see_locks(connection)
        files = _files(connection, self._leave_out)
        anew = [
            (name, kind)
            for oid, (name, kind, file) in self._files.items()
            if oid in files and files[oid][2] != file
        ]
        schema = read_schema(PlainSession(connection), self._leave_out)
        found = changes(self._schema, schema)
        self._schema = schema
        return {
            "rewritten": tuple(sorted(name for name, kind in anew if kind != "i")),
            "rebuilt_indexes": tuple(sorted(name for name, kind in anew if kind == "i")),
            "changes": found,
        }

    def _see_locks(self, connection: Connection) -> None:
        """Take note of the locks held on what was there before, which others may use."""
        order = list(LOCKS)
        for oid, held in PlainSession(connection).rows(_HELD):
            name, kind, _ = self._files.get(int(oid), ("", "i", 0))
            mode = " ".join(re.findall("[A-Z][a-z]+", held.removesuffix("Lock"))).upper()
            if kind == "i" or mode not in LOCKS:
                continue
            if order.index(mode) >= order.index(self._locks.get(name, order[0])):
                self._locks[name] = mode

    def _watch_autocommit(self, context: MigrationContext) -> None:
        """See the locks also before a revision leaves its transaction, which ends them."""
        original = context.autocommit_block

        @contextmanager
        def noted() -> Iterator[None]:
            if context.connection is not None:
                with self._beside():
                    self._see_locks(context.connection)
            with original():
                self._in_autocommit = True
                try:
                    yield
                finally:
                    self._in_autocommit = False

        vars(context)["autocommit_block"] = noted

    @contextmanager
    def _beside(self) -> Iterator[None]:
        """Look without taking note of our own statements, nor of their time."""
        in_function, self._in_function = self._in_function, False
        began = time.monotonic()
        try:
            yield
        finally:
            self._looking += time.monotonic() - began
            self._in_function = in_function

    def _before_statement(
        self, connection: Connection, cursor: Any, statement: str, *_: Any
    ) -> None:
        if not self._in_function or connection.info.get("headway"):
            return
        if _commit.match(statement):
            with self._beside():
                self._see_locks(connection)
        self._statements.append(statement)
        if self._in_autocommit:
            self._autocommit.append(statement)
        if _asks_for_rows.match(statement) and not _of_the_catalog.search(statement):
            self.asked = True


def _files(connection: Connection, leave_out: Iterable[str]) -> Files:
    query = _FILES.replace("LEFT_OUT", array_of(leave_out))
    return {
        int(oid): (name, kind, int(file))
        for oid, name, kind, file in PlainSession(connection).rows(query)
    }
