"""What can be done with an app's migrations: status, plan, upgrade.

Nothing of the app is loaded in the process that calls these; see process.py.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial

from . import process
from .data import Data
from .errors import HeadwayError
from .history import Branch, Revision
from .history_faults import several_heads
from .project import Project

try:
    from .apply import Attempt, apply
    from .command import run_command
    from .look import Look, PendingRevision, look
    from .target import HEADS, ahead_of_code
except ModuleNotFoundError as error:
    _missing_package = error.name
else:
    _missing_package = None


@dataclass(frozen=True)
class Status(Data):
    """Where a database and the files stand.

    `unknown` are revisions of the database that no file has: the code is older than the
    database, and what is pending cannot be told.
    """

    database: str
    current: tuple[str, ...]
    heads: tuple[str, ...]
    at_head: bool
    unknown: tuple[str, ...]
    pending: tuple[Revision, ...]
    branches: tuple[Branch, ...]
    history: tuple[Revision, ...]
    log: tuple[str, ...]


@dataclass(frozen=True)
class Plan(Data):
    """What an upgrade to `target` would do: from `current` to `after` by `pending`.

    `sql_complete` is False where the SQL of a pending revision was not asked for or only the
    run can tell it.
    """

    database: str
    target: str
    current: tuple[str, ...]
    after: tuple[str, ...]
    heads: tuple[str, ...]
    pending: tuple[PendingRevision, ...]
    sql_complete: bool
    log: tuple[str, ...]

    @property
    def changes(self) -> bool:
        """Whether the run would change the database."""
        return self.current != self.after


@dataclass(frozen=True)
class AppliedRevision(Data):
    """A revision that the database has had applied by a run; None if its time is not known."""

    revision: str
    message: str
    seconds: float | None


@dataclass(frozen=True)
class Migration(Data):
    """What an upgrade did: `before` and `after` are the database's own word."""

    database: str
    target: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    changed: bool
    heads: tuple[str, ...]
    applied: tuple[AppliedRevision, ...]
    pending: tuple[PendingRevision, ...]
    log: tuple[str, ...]


def status(project: Project) -> Status:
    """Say where the database and the files stand. Changes nothing.

    Raises HeadwayError, as all functions here do, for whatever keeps it from an answer.
    """
    seen, log = _look(project)
    history = seen.history
    return Status(
        database=seen.database,
        current=seen.current,
        heads=history.heads,
        at_head=all(history.heads_of(history.applied(s)) == history.heads for s in seen.states)
        and not seen.unknown,
        unknown=seen.unknown,
        pending=tuple(history.by_id[p.revision] for p in seen.pending),
        branches=history.branches,
        history=history.revisions,
        log=log,
    )


def plan(
    project: Project,
    target: str | None = None,
    *,
    allow_several_heads: bool = False,
    sql: bool = True,
) -> Plan:
    """Say what an upgrade to `target` (default: all heads) would do. Changes nothing."""
    target = target or "heads"
    if target.startswith("-"):
        raise HeadwayError("unknown_target", f"The target {target} leads down; name one above.")
    seen, log = _look(project, target, sql)
    history = seen.history
    if seen.unknown:
        raise ahead_of_code(seen.unknown, history)
    if target == HEADS and len(history.heads) > 1 and not allow_several_heads:
        raise several_heads(history.by_id[head] for head in history.heads)
    pending = {p.revision for p in seen.pending}
    reached = {head for s in seen.states for head in history.heads_of(history.applied(s) | pending)}
    return Plan(
        database=seen.database,
        target=target,
        current=seen.current,
        after=tuple(sorted(reached)) if pending else seen.current,
        heads=history.heads,
        pending=seen.pending,
        sql_complete=all(p.sql is not None for p in seen.pending),
        log=log,
    )


def upgrade(project: Project, planned: Plan, command: str = "") -> Migration:
    """Carry out a plan that was just made, and verify it by reading the database again.

    `command` is a shell command of the app's own that runs in place of alembic's upgrade.
    Raises HeadwayError when the database is not where the plan says, with `before`, `after`,
    `applied`, `pending` and `log` in its data.
    """
    if not planned.pending:
        return _migration(planned, planned.current, (), (), planned.log)
    attempt, log, fault = _attempt(project, planned.target, command)
    seen = _verify(project, planned, attempt, fault)
    done = seen.applied()
    # One whose commit was cut off may be there all the same; of a run that died, or of a command,
    # nothing else is known than what the database has.
    run = done if fault or command else {*attempt.seconds, attempt.failed}
    applied = tuple(
        AppliedRevision(p.revision, p.message, attempt.seconds.get(p.revision))
        for p in planned.pending
        if p.revision in done & run
    )
    left = tuple(p for p in planned.pending if p.revision not in done)
    migration = _migration(planned, seen.current, applied, left, log)
    if fault and not applied:
        raise HeadwayError(fault.kind, fault.message, **{**migration.to_dict(), **fault.data})
    if left or attempt.reason:
        raise _unfinished(migration, attempt, command)
    return migration


def _look(
    project: Project, target: str = "heads", sql: bool = False
) -> tuple[Look, tuple[str, ...]]:
    _require_alembic()
    result, log = process.run(partial(look, target=target, sql=sql), project)
    return Look.from_dict(result), tuple(log)


def _attempt(
    project: Project, target: str, command: str
) -> tuple[Attempt, tuple[str, ...], HeadwayError | None]:
    """Run the revisions; where the run could not even tell what it did, give its fault too."""
    work = partial(run_command, command=command) if command else partial(apply, target=target)
    try:
        result, log = process.run(work, project)
    except HeadwayError as fault:
        attempt = Attempt(seconds={}, reason=fault.message.rstrip("."))
        return attempt, tuple(fault.data.get("log", ())), fault
    return Attempt.from_dict(result), tuple(log), None


def _verify(project: Project, planned: Plan, attempt: Attempt, fault: HeadwayError | None) -> Look:
    try:
        return _look(project)[0]
    except HeadwayError as unreadable:
        reached = f"reached its end of {len(attempt.seconds)} of {len(planned.pending)} revisions"
        raise HeadwayError(
            "unverified",
            f"The upgrade {reached}"
            + (f" and failed: {attempt.reason}" if attempt.reason else "")
            + f"; what the database has now could not be read: {unreadable.message} Run again "
            "once it can be: what is applied is not applied twice.",
            before=planned.current,
            log=[*(fault.data.get("log", ()) if fault else ()), *unreadable.data.get("log", ())],
        ) from unreadable


def _migration(
    planned: Plan,
    after: tuple[str, ...],
    applied: tuple[AppliedRevision, ...],
    pending: tuple[PendingRevision, ...],
    log: tuple[str, ...],
) -> Migration:
    return Migration(
        database=planned.database,
        target=planned.target,
        before=planned.current,
        after=after,
        changed=planned.current != after,
        heads=planned.heads,
        applied=applied,
        pending=pending,
        log=log,
    )


def _unfinished(migration: Migration, attempt: Attempt, command: str) -> HeadwayError:
    """Say what failed, what is kept, what is not, and what a rerun does."""
    failed = next((p for p in migration.pending if p.revision == attempt.failed), None)
    advice = "correct that, and a rerun resumes from there"
    if failed:
        kind = "revision_failed"
        what = f"Revision {failed.revision} ({failed.file}) failed: {attempt.reason}."
    elif attempt.reason:
        kind = "upgrade_failed"
        what = f"The upgrade to {migration.target} failed: {attempt.reason}."
    elif command:
        kind = "not_applied"
        what = f"`{command}` ended without an error, but the database is not at the target."
    else:
        kind = "not_committed"
        what = (
            f"env.py ran the upgrade to {migration.target} to its end without an error, but the "
            "database does not have it all: env.py did not commit."
        )
        advice = "correct env.py, and run again"
    if attempt.transaction_of_env_py and migration.pending:
        what += (
            " A transaction was open already when env.py called context.configure() (a statement "
            "sent before on the connection opens one), so alembic left the commit to env.py: send "
            "nothing before configure(), or commit it before."
        )
    if failed and attempt.left_transaction:
        what += (
            f" {failed.revision} had left its transaction (autocommit_block), so a part of it may "
            "be in the database (an index it was building is then invalid): remove that part first."
        )
    outcome = (
        f" Applied and kept: {_listed([a.revision for a in migration.applied])}."
        f" Not applied: {_listed([p.revision for p in migration.pending])}."
        f" The database is at {' and '.join(migration.after) or 'base'}; {advice}."
    )
    return HeadwayError(kind, what + outcome, sqlstate=attempt.sqlstate, **migration.to_dict())


def _listed(revisions: list[str]) -> str:
    few = 10
    if len(revisions) > few:
        return f"{len(revisions)} revisions from {revisions[0]} to {revisions[-1]}"
    return ", ".join(revisions) or "none"


def _require_alembic() -> None:
    if _missing_package:
        raise HeadwayError(
            "no_alembic",
            f"{_missing_package} is not installed in {sys.executable}; install the app's requirements "
            "there, or run with the interpreter that has them.",
        )
