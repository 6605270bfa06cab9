"""Runs revisions up or down in a scratch database, and tells what they did there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from sqlalchemy.engine import Connection

from .aside import Aside
from .catalog import invalid_indexes
from .environment import Environment
from .errors import HeadwayError
from .process import Work
from .project import Project
from .redirect import Redirect
from .rehearsal import Performance
from .results import Look
from .schema import Schema, read_schema
from .secrets import Secrets
from .session import PlainSession
from .target import left_to_take_back, steps_back, steps_to
from .watch import Watch

# From the number of a context, its revisions and the environment to the steps to run in it.
Choose = Callable[[int, tuple[str, ...], Environment], list[RevisionStep]]


def up(
    live: str,
    scratch: str,
    seen: Look,
    target: str,
    planned: frozenset[str],
    prepare: tuple[str, ...] = (),
) -> Work:
    """Give the work of running those that are `planned` on the way to `target`.

    `prepare` are statements for before, each of which may fail.
    """

    def steps(
        number: int, current: tuple[str, ...], environment: Environment
    ) -> list[RevisionStep]:
        found = steps_to(target, current, environment.scripts, environment.history)
        return [step for step in found if step.revision.revision in planned]

    return partial(
        _trial,
        live=live,
        scratch=scratch,
        seen=seen,
        choose=steps,
        command="upgrade",
        prepare=prepare,
    )


def back(
    live: str, scratch: str, seen: Look, planned: tuple[str, ...], *, count_rows: bool
) -> Work:
    """Give the work of taking those back that are `planned`; with `count_rows` losses are counted."""

    def steps(
        number: int, current: tuple[str, ...], environment: Environment
    ) -> list[RevisionStep]:
        return steps_back(
            left_to_take_back(planned, current, environment.history), environment.scripts
        )

    return partial(
        _trial,
        live=live,
        scratch=scratch,
        seen=seen,
        choose=steps,
        command="downgrade",
        count_rows=count_rows,
    )


def up_again(live: str, scratch: str, seen: Look, contexts: tuple[tuple[str, ...], ...]) -> Work:
    """Give the work of applying again what was taken back in each context."""

    def steps(
        number: int, current: tuple[str, ...], environment: Environment
    ) -> list[RevisionStep]:
        scripts = map(environment.scripts.get_revision, reversed(contexts[number]))
        revisions = environment.scripts.revision_map
        return [MigrationStep.upgrade_from_script(revisions, script) for script in scripts]

    unstamped = replace(seen, states=())  # a version table that the way down has emptied
    return partial(
        _trial, live=live, scratch=scratch, seen=unstamped, choose=steps, command="upgrade"
    )


def down(live: str, scratch: str, seen: Look, contexts: tuple[tuple[str, ...], ...]) -> Work:
    """Give the work of taking back what was run in each context, newest first."""

    def steps(
        number: int, current: tuple[str, ...], environment: Environment
    ) -> list[RevisionStep]:
        revisions = environment.scripts.revision_map
        scripts = [environment.scripts.get_revision(each) for each in reversed(contexts[number])]
        for script in scripts:
            vars(script.module).setdefault("downgrade", _nothing)
        return [MigrationStep.downgrade_from_script(revisions, script) for script in scripts]

    return partial(_trial, live=live, scratch=scratch, seen=seen, choose=steps, command="downgrade")


def _trial(
    project: Project,
    secrets: Secrets,
    *,
    live: str,
    scratch: str,
    seen: Look,
    choose: Choose,
    command: str,
    prepare: tuple[str, ...] = (),
    count_rows: bool = False,
) -> dict[str, Any]:
    """Give a Performance as a dictionary."""
    Redirect(live, scratch)
    environment = Environment(project, (command, "heads"), secrets, seen.history)
    stage = _Stage(environment, seen, prepare, count_rows)

    def steps(current: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        found = choose(len(stage.contexts), current, environment)
        stage.contexts.append(tuple(step.revision.revision for step in found))
        assert stage.watch is not None  # noqa: S101 - set up before alembic sends anything
        return stage.watch.each(found, context)

    reason, sqlstate = None, None
    try:
        environment.run(steps, "heads", read_only=False, first=stage.set_up)
    except (Exception, SystemExit) as error:
        watch = stage.watch
        if isinstance(error, HeadwayError) or watch is None:
            raise environment.fault(error) from error
        if not watch.revision and not watch.performed:
            raise environment.fault(error) from error
        reason, sqlstate = environment.words(watch.failure or error)
    try:
        if stage.watch is None:
            raise HeadwayError("not_rehearsable", "env.py ran no migrations on PostgreSQL.")
        if stage.watch.failure and reason is None:  # env.py kept it to itself
            reason, sqlstate = environment.words(stage.watch.failure)
        return Performance(
            before=tuple(stage.before.items()),
            contexts=tuple(stage.contexts),
            performed=tuple(stage.watch.performed),
            failed=stage.watch.revision if reason else None,
            asked=stage.watch.asked,
            reason=reason,
            sqlstate=sqlstate,
            invalid_indexes=tuple(sorted(stage.invalid_indexes())),
            one_transaction=environment.began_before_configure,
        ).to_dict()
    finally:
        stage.close()


class _Stage:
    """The scratch database, looked at beside env.py."""

    def __init__(
        self, environment: Environment, seen: Look, prepare: tuple[str, ...], count_rows: bool
    ) -> None:
        self.contexts: list[tuple[str, ...]] = []
        self.watch: Watch | None = None
        self.before: Schema = {}
        self._environment = environment
        self._seen = seen
        self._prepare = prepare
        self._count_rows = count_rows
        self._aside: Aside | None = None

    def set_up(self, context: MigrationContext) -> None:
        """Have the live database's place in the version table, and see the schema."""
        engine = self._environment.engine
        if engine is None or self._aside is not None:
            return
        self._aside = Aside(engine)
        self._aside.call(self._stamp)
        self._aside.try_each(self._prepare)
        left_out = [str(table) for table in self._seen.version_tables]
        self.before = self._aside.call(
            lambda connection: read_schema(PlainSession(connection), left_out)
        )
        self.watch = Watch(self.before, left_out, count_rows=self._count_rows)

    def invalid_indexes(self) -> set[str]:
        return self._aside.call(invalid_indexes) if self._aside else set()

    def close(self) -> None:
        if self._aside:
            self._aside.close()

    def _stamp(self, connection: Connection) -> None:
        """Write into the version tables what the live ones have; only their schema was copied."""
        session = PlainSession(connection)
        for table, state in zip(self._seen.version_tables, self._seen.states, strict=False):
            if state and not session.rows(f"select 1 from {table.quoted}"):
                rows = ", ".join(f"('{revision}')" for revision in state)
                session.run(f"insert into {table.quoted} (version_num) values {rows}")


def _nothing(**_: Any) -> None:
    """Stand in for a downgrade that is not there: as good as an empty one."""
