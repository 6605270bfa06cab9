"""Looks at the database and the files, and changes neither."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep

from .data import Data
from .environment import Environment
from .errors import HeadwayError
from .history import History
from .project import Project
from .render import Rendered, render
from .secrets import Secrets
from .target import steps_to


@dataclass(frozen=True)
class PendingRevision(Data):
    """A revision that is to be applied.

    `sql` is what it will send; where only the run can tell, it is None and `sql_unknown` says
    why. Both are None when the SQL was not asked for.
    """

    revision: str
    message: str
    description: str
    file: str
    sql: str | None
    sql_unknown: str | None


@dataclass(frozen=True)
class Look(Data):
    """What is in the database and in the files.

    `states` has the version table's content for each time env.py ran migrations: once in most
    apps, once a tenant or a database in some. `pending` leads from there to the target; it is
    empty where `unknown`, the revisions that no file has, is not.
    """

    database: str
    states: tuple[tuple[str, ...], ...]
    unknown: tuple[str, ...]
    history: History
    pending: tuple[PendingRevision, ...]

    @property
    def current(self) -> tuple[str, ...]:
        """The revisions in the version table, of all states together."""
        return tuple(sorted({revision for state in self.states for revision in state}))

    def applied(self) -> set[str]:
        """Give the revisions that every state has had applied."""
        return set.intersection(*(self.history.applied(state) for state in self.states))


def look(project: Project, secrets: Secrets, *, target: str, sql: bool) -> dict[str, Any]:
    """Give a Look as a dictionary, with the pending revisions' SQL if `sql`.

    Leaves no trace: an empty database gets no version table.
    """
    environment = Environment(project, ("current",), secrets)
    history = environment.history
    states: list[tuple[str, ...]] = []
    unknown: set[str] = set()
    pending: dict[str, None] = {}  # in order
    rendered: Rendered = {}
    faults: list[HeadwayError] = []

    def read(current: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        states.append(tuple(sorted(current)))
        unknown.update(set(current) - set(history.by_id))
        if unknown:
            return []
        try:
            steps = steps_to(target, current, environment.scripts, history)
        except HeadwayError as fault:
            faults.append(fault)  # not raised through env.py, which may catch it
            return []
        pending.update(dict.fromkeys(step.revision.revision for step in steps))
        if sql and steps:
            rendered.update(render(steps, current, context, environment))
        return []

    try:
        environment.run(read, target, read_only=True)
    except (Exception, SystemExit) as error:
        raise environment.fault(error) from error
    if faults:
        raise faults[0]
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
    ).to_dict()


def _pending(history: History, revision: str, rendered: Rendered) -> PendingRevision:
    file = history.by_id[revision]
    sql, sql_unknown = rendered.get(revision, (None, None))
    return PendingRevision(revision, file.message, file.description, file.file, sql, sql_unknown)
