"""What stands around env.py while it changes the database: timeouts and the lock."""

from __future__ import annotations

from types import TracebackType

from alembic.runtime.migration import MigrationContext

from .aside import Aside
from .catalog import address
from .environment import Environment
from .lock import take
from .options import RunOptions
from .pooler import TRANSACTION
from .process import tell
from .results import Look, VersionTable
from .timeouts import Timeouts
from .waits import Wait


class Guard:
    """Guards one run of env.py, until its end and the verification's."""

    def __init__(self, environment: Environment, seen: Look, options: RunOptions) -> None:
        """Take what is run, what was seen of it, and how it may behave."""
        self._environment = environment
        self._seen = seen
        self._options = options
        self._locks: dict[str, Aside] = {}  # by the database's address
        self.waits: list[Wait] = []

    def __enter__(self) -> Guard:
        """Have every connection made from now on keep to the timeouts."""
        if self._seen.pooler != TRANSACTION:
            Timeouts(self._options)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the lock."""
        for aside in self._locks.values():
            aside.close()

    def lock(self, context: MigrationContext) -> None:
        """Take the lock before alembic sends anything: of all that this database will be asked.

        Nothing is sent on alembic's own connection for it.
        """
        engine = self._environment.engine
        if not self._options.lock or engine is None or engine.dialect.name != "postgresql":
            return
        database = address(engine)
        if database in self._locks:
            return
        schema, name = context.version_table_schema or "", context.version_table
        seen = [table for table in self._seen.version_tables if table.database == database]
        aside = self._locks[database] = Aside(engine, self._options.application_name)
        tables = seen or [VersionTable(database, schema, name)]
        if waited := take(aside, tables, self._options.lock_wait, tell):
            self.waits.append(waited)
