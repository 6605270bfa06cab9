"""Runs an app's own command in place of alembic's upgrade.

Some apps migrate only through a command of theirs: it creates tables first, or sets up what
env.py needs. What came of it is read from the database all the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping

from alembic.runtime.migration import MigrationContext, RevisionStep

from .environment import Environment
from .guard import Guard
from .options import RunOptions
from .process import Talk
from .project import Project
from .record import Run
from .results import Attempt, Look
from .secrets import Secrets
from .static import sha256_of


def run_command(
    project: Project,
    secrets: Secrets,
    *,
    target: str,
    planned: frozenset[str],
    seen: Look,
    options: RunOptions,
    run: Run,
    command: str,
) -> Talk:
    """Run `command` in a shell if `planned` is still pending, and give an Attempt as a dictionary.

    It runs in the folder of alembic.ini, with this interpreter's programs first on PATH.
    """
    environment = Environment(project, ("current",), secrets, seen.history)
    states: list[tuple[str, ...]] = []
    pending: set[str] = set()

    def read(current: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        states.append(tuple(sorted(current)))
        pending.update(seen.history.by_id.keys() - seen.history.applied(current))
        return []

    with Guard(environment, seen, options) as guard:
        try:
            environment.run(read, target, read_only=True, first=guard.before)
        except (Exception, SystemExit) as error:
            raise environment.fault(error) from error
        reason = None
        if wanted := pending & planned:
            guard.begin(run)
            reason = _run(project, command, _environment(os.environ, options, seen.pooler))
        attempt = Attempt(
            states=tuple(states),
            seconds={},
            reason=reason,
            waits=tuple(guard.waits),
            sha256={r: sha256_of(seen.history.by_id[r].file) for r in wanted},
        )
        yield from guard.witnessed(attempt)


def _run(project: Project, command: str, environment: Mapping[str, str]) -> str | None:
    """Give the reason why it failed, if it did."""
    status = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=os.path.dirname(project.config_path),
        env=environment,
        check=False,
    ).returncode
    if status == 0:
        return None
    how = f"was ended by signal {-status}" if status < 0 else f"exited with {status}"
    return f"`{command}` {how}"


def _environment(given: Mapping[str, str], options: RunOptions, pooler: str) -> dict[str, str]:
    """Put the timeouts where libpq looks; what stands there already comes after and prevails.

    pgbouncer refuses whoever sends options ("unsupported startup parameter").
    """
    timeouts = {n: getattr(options, n) for n in ("lock_timeout", "statement_timeout")}
    settings = [
        f"-c {name}={value.replace(' ', '')}"
        for name, value in timeouts.items()
        if value and not pooler
    ]
    programs = os.path.dirname(sys.executable)
    return {
        "PGAPPNAME": options.application_name,
        **given,
        **({"PGOPTIONS": " ".join([*settings, given.get("PGOPTIONS", "")])} if settings else {}),
        "PATH": f"{programs}:{given.get('PATH', os.defpath)}",
    }
