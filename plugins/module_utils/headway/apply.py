"""Applies the pending revisions, each in a transaction of its own where env.py lets it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep

from .data import Data
from .environment import Environment
from .project import Project
from .secrets import Secrets
from .target import steps_to


@dataclass(frozen=True)
class Attempt(Data):
    """What happened while the revisions ran; what came of it only the database can tell.

    `seconds` has the revisions that came to their end, with their time until after the commit.
    `failed` is the one that did not. `transaction_of_env_py`: env.py had begun a transaction
    before it called context.configure(), so alembic committed nothing itself. `left_transaction`:
    `failed` had entered an autocommit_block.
    """

    seconds: dict[str, float]
    failed: str | None = None
    reason: str | None = None
    sqlstate: str | None = None
    transaction_of_env_py: bool = False
    left_transaction: bool = False


def apply(project: Project, secrets: Secrets, *, target: str) -> dict[str, Any]:
    """Run env.py to `target`, and give an Attempt as a dictionary."""
    environment = Environment(project, ("upgrade", target), secrets)
    seconds: dict[str, float] = {}
    running: list[str] = []
    failure: list[Exception] = []
    autocommitted: set[str] = set()

    def steps(current: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        autocommit_block = context.autocommit_block

        def noted_autocommit_block() -> AbstractContextManager[None]:
            autocommitted.update(running)
            return autocommit_block()

        vars(context)["autocommit_block"] = noted_autocommit_block
        for step in steps_to(target, current, environment.scripts, environment.history):
            revision = step.revision.revision
            step.migration_fn = _noting(step.migration_fn, failure)
            running.append(revision)
            began = time.monotonic()
            yield step
            # alembic is back for the next step: this one is applied and committed.
            seconds[revision] = seconds.get(revision, 0.0) + time.monotonic() - began
            running.clear()

    def attempt(reason: str | None = None, sqlstate: str | None = None) -> dict[str, Any]:
        return Attempt(
            seconds={revision: round(taken, 3) for revision, taken in seconds.items()},
            failed=running[0] if running else None,
            reason=reason,
            sqlstate=sqlstate,
            transaction_of_env_py=environment.began_before_configure,
            left_transaction=bool(autocommitted.intersection(running)),
        ).to_dict()

    try:
        environment.run(steps, target, read_only=False)
    except (Exception, SystemExit) as error:
        if not running and not seconds:
            raise environment.fault(error) from error
        return attempt(*environment.words(failure[0] if failure else error))
    if failure:  # and env.py kept it to itself
        return attempt(*environment.words(failure[0]))
    return attempt()


def _noting(migrate: Callable[..., None], failure: list[Exception]) -> Callable[..., None]:
    @wraps(migrate)  # alembic's log has its name
    def noted(**arguments: Any) -> None:
        try:
            migrate(**arguments)
        except Exception as error:
            failure.append(error)
            raise

    return noted
