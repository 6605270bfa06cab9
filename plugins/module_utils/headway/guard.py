"""What stands around env.py while it changes the database: timeouts, lock, lookout."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from types import TracebackType

from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from .aside import Aside
from .catalog import address
from .environment import Environment
from .lock import take
from .lookout import Lookout
from .options import RunOptions
from .pooling import TRANSACTION
from .process import Talk, tell
from .record import Run, begin
from .results import Attempt, Look, VersionTable
from .timeouts import Timeouts
from .waits import Session, Wait
from .witness import Witness


class Guard:
    """Guards one run of env.py, until its end and the verification's."""

    def __init__(self, environment: Environment, seen: Look, options: RunOptions) -> None:
        """Take what is run, what was seen of it, and how it may behave."""
        self._environment = environment
        self._seen = seen
        self._options = options
        self._engines: dict[str, Engine] = {}  # by the database's address, as the others
        self._locks: dict[str, Aside] = {}
        self._lookouts: dict[str, Lookout] = {}
        self._timeouts: Timeouts | None = None
        self._begun: Future[None] | None = None
        self.waits: list[Wait] = []

    def __enter__(self) -> Guard:
        """Have every connection made from now on keep to the timeouts."""
        if self._seen.pooler != TRANSACTION:
            self._timeouts = Timeouts(self._options)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the lock."""
        for lookout in self._lookouts.values():
            lookout.close()
        for aside in self._locks.values():
            aside.close()

    @property
    def in_the_way(self) -> tuple[Session, ...]:
        """Who was in the way just now."""
        return tuple(session for lookout in self._lookouts.values() for session in lookout.seen)

    def before(self, context: MigrationContext) -> None:
        """Take the lock, and begin to look out, before alembic sends anything.

        Nothing is sent on alembic's own connection for it.
        """
        engine = self._environment.engine
        if engine is None or engine.dialect.name != "postgresql":
            return
        database = address(engine)
        self._engines[database] = engine
        if self._options.lock and database not in self._locks:
            self._lock(context, engine, database)
        if self._timeouts and database not in self._lookouts:
            aside = Aside(engine, self._options.application_name)
            self._lookouts[database] = Lookout(aside, self._timeouts.pids)

    def begin(self, run: Run) -> None:
        """Have it written down that the run begins, while it does so.

        Its end is written anew, so a failure can be left.
        """
        engine = self._environment.engine
        aside = self._locks.get(address(engine)) if engine is not None else None
        if aside is not None and self._options.record:
            self._begun = aside.start(partial(begin, run))

    def witnessed(self, attempt: Attempt) -> Talk:
        """Give the attempt with what it left in the database, and record what is told of it."""
        if self._begun is not None:
            with contextlib.suppress(DBAPIError):
                self._begun.result()
        with contextlib.closing(Witness([*self._engines.values()])) as witness:
            told = yield replace(attempt, found=witness.found(self._seen)).to_dict()
            yield {"warnings": witness.write_down(told)}

    def _lock(self, context: MigrationContext, engine: Engine, database: str) -> None:
        """Take the locks of all version tables that this database was seen to have."""
        schema, name = context.version_table_schema or "", context.version_table
        seen = [table for table in self._seen.version_tables if table.database == database]
        aside = self._locks[database] = Aside(engine, self._options.application_name)
        tables = seen or [VersionTable(database, schema, name)]
        if waited := take(aside, tables, self._options.lock_wait, tell):
            self.waits.append(waited)
