"""Looks at the database and the files, and changes neither."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy.engine import Connection, Engine

from . import record
from .catalog import address, holds_anything, invalid_indexes, tables, version_table
from .created import created_already
from .downgrades import no_downgrade
from .environment import Environment
from .errors import HeadwayError
from .history import History
from .load import fitting
from .loss import Dropped, losses
from .pooler import is_pooled, mode
from .project import Project
from .render import Rendered, render
from .results import (
    DOWN,
    UP,
    EditedRevision,
    Look,
    Loss,
    NoDowngrade,
    PendingRevision,
    RecordedRun,
    SnapshotUse,
    Statement,
    Table,
    VersionTable,
)
from .secrets import Secrets
from .static import sha256_of
from .target import above, beyond, steps_back, steps_to


def look(
    project: Project,
    secrets: Secrets,
    *,
    target: str | None = None,
    sql: bool = False,
    direction: str = UP,
    stays: frozenset[str] | None = None,
    snapshot: bool = False,
) -> dict[str, Any]:
    """Give a Look as a dictionary: with what is pending to `target`, and its SQL if `sql`.

    On the way down the revisions that `stays` has may be given in place of a target. Leaves no
    trace: an empty database gets no version table. With `snapshot` it tells what the app's is good
    for there.
    """
    return observe(project, secrets, target, sql, None, direction, stays, snapshot)[0].to_dict()


def files(project: Project, secrets: Secrets) -> dict[str, Any]:
    """Give the History of the files as a dictionary, without a run of env.py."""
    return Environment(project, ("current",), secrets).history.to_dict()


def observe(
    project: Project,
    secrets: Secrets,
    target: str | None = None,
    sql: bool = False,
    known: History | None = None,
    direction: str = UP,
    stays: frozenset[str] | None = None,
    snapshot: bool = False,
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
    gone: list[Loss] = []
    one_way: dict[str, NoDowngrade] = {}
    already_there: dict[str, None] = {}
    server = _Server()
    uses: list[SnapshotUse] = []

    def read(current: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        states.append(tuple(sorted(current)))
        unknown.update(set(current) - set(history.by_id))
        connection = context.connection
        live = connection if connection and connection.dialect.name == "postgresql" else None
        if live:
            server.see(context, live)
            if known is None:
                server.remember(live, history, current)
        if unknown or target is None:
            return []
        if direction == DOWN:
            take_back(target, current, context)
            return []
        steps = steps_to(target, current, environment.scripts, history)
        pending.update(dict.fromkeys(step.revision.revision for step in steps))
        if snapshot and steps and not current:
            uses.append(fitting(environment, context, pending))
        made_otherwise = live if live and steps and not current and holds_anything(live) else None
        if steps and (sql or made_otherwise):
            texts = render(steps, current, context, environment)
            if sql:
                rendered.update(texts)
            if sql and live:
                server.weigh(live, [s for sent, _ in texts.values() for s in sent or ()])
            if made_otherwise:
                already_there.update(dict.fromkeys(created_already(made_otherwise, texts)))
        return []

    def take_back(target: str, current: tuple[str, ...], context: MigrationContext) -> None:
        if stays is None:
            back = above(target, current, environment.scripts, history)
        else:
            back = beyond(stays, current, history)
        pending.update(dict.fromkeys(back))
        for revision in back:
            if without := no_downgrade(revision, history.by_id[revision].file):
                one_way[revision] = without
        drops: list[tuple[str, Dropped]] = []
        if sql and back:
            steps = steps_back(back, environment.scripts)
            rendered.update(render(steps, current, context, environment, drops))
            gone.extend(loss for loss in losses(drops, context.connection) if loss not in gone)

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
        already_there=tuple(already_there),
        server=server.version,
        tables=tuple(server.tables.values()),
        losses=tuple(gone),
        no_downgrade=tuple(one_way.values()),
        snapshot=uses[0] if uses and len(states) == 1 else None,
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
        self.version = ""
        self.tables: dict[str, Table] = {}

    def see(self, context: MigrationContext, connection: Connection) -> None:
        self.engines[address(connection.engine)] = connection.engine
        self.version = ".".join(map(str, connection.dialect.server_version_info or ()))
        self.version_tables.append(version_table(context, connection))
        self.invalid_indexes |= invalid_indexes(connection)
        if is_pooled(connection):
            self.pooled.append(connection.engine)

    def weigh(self, connection: Connection, statements: Iterable[Statement]) -> None:
        """Keep the size of each table that the statements name; of several databases, the largest."""
        sent = "\n".join(statement.sql for statement in statements)
        for table in tables(connection):
            if any(name in sent for name in (table.name, *table.indexes)):
                known = self.tables.get(str(table), table)
                self.tables[str(table)] = max(known, table, key=lambda t: t.bytes)

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
    statements, sql_unknown = rendered.get(revision, (None, None))
    return PendingRevision(
        revision,
        file.message,
        file.description,
        file.file,
        statements,
        sql_unknown,
        file.allowed,
    )
