"""Looks at the database and the files, and changes neither."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy.engine import Engine

from .catalog import invalid_indexes, version_table
from .environment import Environment
from .errors import HeadwayError
from .history import History
from .pooler import is_pooled, mode
from .project import Project
from .render import Rendered, render
from .results import Look, PendingRevision, VersionTable
from .secrets import Secrets
from .target import steps_to


def look(
    project: Project,
    secrets: Secrets,
    *,
    target: str | None = None,
    sql: bool = False,
    history: History | None = None,
) -> dict[str, Any]:
    """Give a Look as a dictionary: with what is pending to `target`, and its SQL if `sql`.

    With a `history` that was read before the files are not read again. Leaves no trace: an empty
    database gets no version table.
    """
    environment = Environment(project, ("current",), secrets, history)
    history = environment.history
    states: list[tuple[str, ...]] = []
    unknown: set[str] = set()
    pending: dict[str, None] = {}  # in order
    rendered: Rendered = {}
    version_tables: list[VersionTable] = []
    invalid: set[str] = set()
    pooled: list[Engine] = []

    def read(current: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        states.append(tuple(sorted(current)))
        unknown.update(set(current) - set(history.by_id))
        connection = context.connection
        if connection is not None and connection.dialect.name == "postgresql":
            version_tables.append(version_table(context, connection))
            invalid.update(invalid_indexes(connection))
            if is_pooled(connection):
                pooled.append(connection.engine)
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
    return Look(
        database=environment.database,
        states=tuple(states),
        unknown=tuple(sorted(unknown)),
        history=history,
        pending=tuple(_pending(history, r, rendered) for r in pending if not unknown),
        version_tables=tuple(version_tables),
        invalid_indexes=tuple(sorted(invalid)),
        pooler=max(map(mode, pooled), default=""),
    ).to_dict()


def _pending(history: History, revision: str, rendered: Rendered) -> PendingRevision:
    file = history.by_id[revision]
    sql, sql_unknown = rendered.get(revision, (None, None))
    return PendingRevision(revision, file.message, file.description, file.file, sql, sql_unknown)
