"""The SQL of steps that are not run."""

from __future__ import annotations

import copy
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from traceback import walk_stack, walk_tb
from types import FrameType, ModuleType
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy.engine import Dialect

from .environment import Environment
from .loss import Dropped, dropped
from .results import Statement

# For each revision what it sends, or why only the run can tell.
Rendered = dict[str, tuple["tuple[Statement, ...] | None", "str | None"]]


def render(
    steps: Sequence[RevisionStep],
    current: tuple[str, ...],
    live: MigrationContext,
    environment: Environment,
    drops: list[tuple[str, Dropped]] | None = None,
) -> Rendered:
    """Give for each revision its statements, or the reason why only the run can tell.

    What its statements drop is put into `drops`.

    This is alembic's offline mode, entered from `live`, the context that env.py configured for
    a real run, so that its options, arguments and server's dialect hold and env.py's own offline
    half need not work. Nothing is sent: the context has no connection. A revision that asks the
    database for rows gets none and fails; those after it are rendered all the same.
    """
    buffer = _Statements()
    rendered: Rendered = {}
    running: list[str] = []  # the revision whose function runs, if one does

    def write(_: Any, __: Any) -> Iterator[RevisionStep]:
        for step in steps:
            failure: list[str] = []
            revision = step.revision.revision
            buffer.begin(step.revision.module)
            step.migration_fn = _noting(step.migration_fn, buffer, failure, revision, running)
            yield step
            sent = tuple(buffer.sent)
            rendered[revision] = (None, failure[0]) if failure else (sent, None)

    options = {
        **{name: value for name, value in live.opts.items() if name != "output_encoding"},
        "as_sql": True,
        "literal_binds": True,
        "starting_rev": current or None,
        "output_buffer": buffer,
        "fn": write,
        "on_version_apply": (),
    }
    alembic = environment.context
    offline = MigrationContext(_dialect_for_text(live.dialect), None, options, alembic)
    if drops is not None:
        _watch(
            offline,
            lambda statement: drops.extend(
                (r, d) for r in running for d in dropped(statement, offline)
            ),
        )
    logging.disable(logging.INFO)  # alembic would log each step as an upgrade that runs
    try:
        alembic._migration_context = offline
        alembic.context_opts["as_sql"] = True  # what context.is_offline_mode() tells
        with Operations.context(offline):
            offline.run_migrations(**environment.run_arguments)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        for step in steps:
            rendered.setdefault(step.revision.revision, (None, reason))
    finally:
        logging.disable(logging.NOTSET)
        alembic._migration_context = live
        del alembic.context_opts["as_sql"]
    return rendered


def _watch(context: MigrationContext, see: Callable[[object], None]) -> None:
    """Have each statement seen on its way, as alembic or SQLAlchemy has it."""
    send = context.impl._exec

    def seen(statement: object, *more: Any, **options: Any) -> Any:
        see(statement)
        return send(statement, *more, **options)  # type: ignore[arg-type]

    vars(context.impl)["_exec"] = seen


class _Statements:
    """What alembic writes to: each statement in a call, made from the line that causes it."""

    def begin(self, revision: ModuleType) -> None:
        """Start anew, for a revision."""
        self._revision = revision
        self.sent: list[Statement] = []

    def write(self, text: str) -> None:
        """Take a statement."""
        frames = walk_stack(sys._getframe(1))
        self.sent.append(Statement(text.strip(), self.line(frames)))

    def flush(self) -> None:
        """Be written to like a file."""

    def line(self, innermost_first: Iterable[tuple[FrameType, int]]) -> int | None:
        """Give the innermost line that is the revision's own."""
        for frame, line in innermost_first:
            if frame.f_globals is vars(self._revision):
                return line
        return None


def _noting(
    migrate: Callable[..., None],
    buffer: _Statements,
    failure: list[str],
    revision: str,
    running: list[str],
) -> Callable[..., None]:
    @wraps(migrate)  # alembic's log has its name
    def attempt(**arguments: Any) -> None:
        running.append(revision)
        try:
            migrate(**arguments)
        except Exception as error:
            line = buffer.line(reversed(list(walk_tb(error.__traceback__))))
            if line and _wants_an_answer(error):
                failure.append(f"line {line} asks the database")
            else:
                where = f"line {line}: " if line else ""
                failure.append(f"{where}{type(error).__name__}: {error}")
        finally:
            running.clear()

    return attempt


def _wants_an_answer(error: Exception) -> bool:
    """Tell whether a revision failed for want of rows: offline a MockConnection answers everything with None."""
    said = str(error)
    misused = isinstance(error, (AttributeError, TypeError)) and "NoneType" in said
    return misused or "MockConnection" in said


def _dialect_for_text(dialect: Dialect) -> Dialect:
    """Give the server's dialect without the doubled percent signs that drivers are sent."""
    plain = copy.copy(dialect)
    plain.paramstyle = "named"
    plain.positional = False
    plain.identifier_preparer = dialect.preparer(plain)
    return plain
