"""Looks at the database and the files, and changes neither."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy.engine import Connection, Engine

from . import record
from .catalog import address, invalid_indexes, version_table
from .environment import Environment
from .errors import HeadwayError
from .history import History
from .pooler import is_pooled, mode
from .project import Project
from .render import Rendered, render
from .results import EditedRevision, Look, PendingRevision, RecordedRun, VersionTable
from .secrets import Secrets
from .static import sha256_of
from .target import steps_to


def look(
    project: Project, secrets: Secrets, *, target: str | None = None, sql: bool = False
) -> dict[str, Any]:
    """Give a Look as a dictionary: with what is pending to `target`, and its SQL if `sql`.

    Leaves no trace: an empty database gets no version table.
    """
    return observe(project, secrets, target, sql)[0].to_dict()


def observe(
    project: Project,
    secrets: Secrets,
    target: str | None = None,
    sql: bool = False,
    known: History | None = None,
) -> tuple[Look, list[Engine]]:
    """Look as `look`, and give the engines of PostgreSQL that env.py used.

    With a history that is `known` neither the files nor the record are read again.
    """
    environment = Environment(project, ("current",), secrets, known)
    history = environment.history
    states: list[tuple[str, ...]] = []
    unknown: set[str] = set()
    pending: dict[str, None] = {}  # in order
    rendered: Rendered = {}
    server = _Server()

    def read(current: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        states.append(tuple(sorted(current)))
        unknown.update(set(current) - set(history.by_id))
        connection = context.connection
        if connection is not None and connection.dialect.name == "postgresql":
            server.see(context, connection)
            if known is None:
                server.remember(connection, history, current)
        if unknown or target is None:
            return []
        steps = steps_to(target, current, environment.scripts, history)
        pending.update(dict.fromkeys(step.revision.revision for step in steps))
        if sql and steps:
            rendered.update(render(steps, current, context, environment))
        return []

    try:
        environment.run(read, target or "heads", read_only=True)
    except (Exception, SystemExit) as error:
        raise environment.fault(error) from error
    if not states:
        raise HeadwayError(
            "no_migrations_run",
            f"{environment.env_py} ran to its end without a call of "
            "context.run_migrations(); alembic could migrate nothing with it.",
        )
    seen = Look(
        database=environment.database,
        states=tuple(states),
        unknown=tuple(sorted(unknown)),
        history=history,
        pending=tuple(_pending(history, r, rendered) for r in pending if not unknown),
        version_tables=tuple(server.version_tables),
        invalid_indexes=tuple(sorted(server.invalid_indexes)),
        pooler=max(map(mode, server.pooled), default=""),
        runs=tuple(server.runs.values()),
        edited=tuple(server.edited.values()),
    )
    return seen, list(server.engines.values())


class _Server:
    """What is seen of PostgreSQL while env.py runs."""

    def __init__(self) -> None:
        self.engines: dict[str, Engine] = {}
        self.version_tables: list[VersionTable] = []
        self.invalid_indexes: set[str] = set()
        self.pooled: list[Engine] = []
        self.runs: dict[str, RecordedRun] = {}
        self.edited: dict[str, EditedRevision] = {}

    def see(self, context: MigrationContext, connection: Connection) -> None:
        self.engines[address(connection.engine)] = connection.engine
        self.version_tables.append(version_table(context, connection))
        self.invalid_indexes |= invalid_indexes(connection)
        if is_pooled(connection):
            self.pooled.append(connection.engine)

    def remember(self, connection: Connection, history: History, current: tuple[str, ...]) -> None:
        """Read the record of the version table seen last."""
        runs, recorded = record.read(self.version_tables[-1], connection)
        self.runs.update((run.id, run) for run in runs)
        applied = history.applied(current) if recorded else set()
        for last in recorded:
            if last.revision in applied:
                file = history.by_id[last.revision].file
                if sha256_of(file) != last.sha256:
                    self.edited[last.revision] = EditedRevision(last.revision, file, last.applied)


def _pending(history: History, revision: str, rendered: Rendered) -> PendingRevision:
    file = history.by_id[revision]
    sql, sql_unknown = rendered.get(revision, (None, None))
    return PendingRevision(revision, file.message, file.description, file.file, sql, sql_unknown)
