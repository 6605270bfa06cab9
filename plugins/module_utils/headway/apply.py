"""Applies the pending revisions, or takes them back, each in a transaction of its own where env.py lets it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from itertools import chain
from typing import Any

from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep, StampStep
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from .environment import Environment
from .guard import Guard
from .history_faults import ahead_of_code
from .load import load
from .options import RunOptions
from .process import Talk
from .project import Project
from .record import Run
from .results import DOWN, UP, Attempt, Look, SnapshotUse
from .secrets import Secrets
from .static import sha256_of
from .target import left_to_take_back, steps_back, steps_to

_commit = re.compile(r"\s*(COMMIT|END)\b", re.IGNORECASE)


def apply(
    project: Project,
    secrets: Secrets,
    *,
    target: str,
    planned: frozenset[str],
    seen: Look,
    options: RunOptions,
    run: Run,
    direction: str = UP,
    snapshot: bool = False,
) -> Talk:
    """Run env.py to `target`, and give an Attempt as a dictionary.

    Only revisions of `planned` are applied, or taken back: a target such as +2 is further away for
    one who had to try twice. With `snapshot` the app's is loaded first, if it fits and the database
    is still empty.
    """
    command = ("upgrade", target) if direction == UP else ("downgrade", "--", target)
    environment = Environment(project, command, secrets)
    course = _Course()
    guard = Guard(environment, seen, options)
    sha256: dict[str, str] = {}

    def steps(current: tuple[str, ...], context: MigrationContext) -> Iterable[MigrationStep]:
        if unknown := set(current) - set(environment.history.by_id):
            raise ahead_of_code(sorted(unknown), environment.history)
        course.states.append(tuple(sorted(current)))
        course.watch(context)
        stamps: list[MigrationStep] = []
        if snapshot and not current:
            stamps, current = loaded(context)
        if direction == DOWN:
            left = left_to_take_back(planned, current, environment.history)
            found = steps_back(left, environment.scripts)
        elif planned <= environment.history.applied(current):
            found = []  # and the revision files need not be executed again
        else:
            found = [
                step
                for step in steps_to(target, current, environment.scripts, environment.history)
                if step.revision.revision in planned
            ]
        if found and not sha256:
            guard.begin(run)
        sha256.update((s.revision.revision, sha256_of(s.revision.path)) for s in found)
        return chain(stamps, course.each(found))

    def loaded(context: MigrationContext) -> tuple[list[MigrationStep], tuple[str, ...]]:
        """Load the snapshot; give the step that stamps and commits it, and where that leads."""
        guard.begin(run)
        course.snapshot, had = load(environment, context, planned)
        if had is None:
            return [], ()
        sha256.update(had.sha256)
        return [StampStep((), had.head, True, True, environment.scripts.revision_map)], (had.head,)

    def attempt(reason: str | None = None, sqlstate: str | None = None) -> Attempt:
        return Attempt(
            states=tuple(course.states),
            seconds={revision: round(taken, 3) for revision, taken in course.seconds.items()},
            failed=course.revision,
            reason=reason,
            sqlstate=sqlstate,
            transaction_of_env_py=environment.began_before_configure,
            kept=tuple(sorted(course.kept)),
            waits=tuple(guard.waits),
            sha256=sha256,
            snapshot=course.snapshot,
            in_the_way=guard.in_the_way if reason else (),
        )

    with guard:
        try:
            environment.run(steps, target, read_only=False, first=guard.before)
        except (Exception, SystemExit) as error:
            if not course.revision and not course.seconds:
                raise environment.fault(error) from error
            came_of_it = attempt(*environment.words(course.failure or error))
        else:
            # env.py may have kept a failure to itself
            failure = course.failure
            came_of_it = attempt(*environment.words(failure)) if failure else attempt()
        yield from guard.witnessed(came_of_it)


class _Course:
    """What is known while the revisions run."""

    def __init__(self) -> None:
        self.states: list[tuple[str, ...]] = []
        self.seconds: dict[str, float] = {}
        self.snapshot: SnapshotUse | None = None
        self.revision: str | None = None  # the one that runs
        self.failure: Exception | None = None
        self.kept: set[str] = set()  # those that have committed a part of theirs
        self._in_function = False
        self._ran = False  # a statement of the revision that runs
        self._left = False  # its transaction
        event.listen(Engine, "after_cursor_execute", self._after_statement)
        event.listen(Engine, "commit", self._after_commit)

    def watch(self, context: MigrationContext) -> None:
        """Notice when a revision leaves its transaction by alembic's own means."""
        autocommit_block = context.autocommit_block

        @contextmanager
        def noted() -> Iterator[None]:
            with autocommit_block():
                self._left = True
                try:
                    yield
                finally:
                    self._left = False

        replacement: Callable[[], AbstractContextManager[None]] = noted
        vars(context)["autocommit_block"] = replacement

    def each(self, steps: Iterable[RevisionStep]) -> Iterator[RevisionStep]:
        """Give the steps to alembic, and time them."""
        for step in steps:
            self.revision = step.revision.revision
            self._ran = self._left = False
            step.migration_fn = self._noting(step.migration_fn)
            began = time.monotonic()
            yield step
            # alembic is back for the next step: this one is applied and committed.
            taken = time.monotonic() - began
            self.seconds[self.revision] = self.seconds.get(self.revision, 0.0) + taken
            self.revision = None

    def _noting(self, migrate: Callable[..., None]) -> Callable[..., None]:
        @wraps(migrate)  # alembic's log has its name
        def noted(**arguments: Any) -> None:
            self._in_function = True
            try:
                migrate(**arguments)
            except Exception as error:
                self.failure = error
                raise
            finally:
                self._in_function = False

        return noted

    def _after_statement(
        self, connection: Connection, cursor: Any, statement: str, *_: Any
    ) -> None:
        if not self._in_function or connection.info.get("headway"):
            return
        if _commit.match(statement):
            self._left = True
        else:
            self._ran = True
        if self._left and self._ran:
            self._keep()

    def _after_commit(self, connection: Connection) -> None:
        if self._in_function and self._ran and not connection.info.get("headway"):
            self._keep()

    def _keep(self) -> None:
        if self.revision:
            self.kept.add(self.revision)
