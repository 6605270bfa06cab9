"""What the probe says beside what alembic says."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

from headway import process
from headway.look import look
from headway.probe import probe
from headway.project import Project
from headway.results import Look

from tests.unit.engine.apps import App


def alembic(app: App, *arguments: str | Path) -> None:
    command = [sys.executable, "-m", "alembic", "-c", app.config, *arguments]
    subprocess.run(command, cwd=app.folder, check=True, capture_output=True)


def both(app: App, *x_arguments: str, user: str | None = None) -> tuple[Look | None, Look]:
    """Give what the probe says and what alembic says."""
    project = Project(str(app.config), "alembic", x_arguments, user=user)
    answer = process.run(partial(look, target="heads", snapshot=True), project)[0]
    return probe(project), Look.from_dict(answer)


def check(app: App, *, pending: bool, at_head: bool, x_arguments: tuple[str, ...] = ()) -> None:
    """See the probe say what alembic says, or nothing, as it is expected to do: here, then at head."""
    found, truth = both(app, *x_arguments)
    assert truth.pending
    assert found == (truth if pending else None)
    alembic(app, *(f"-x{argument}" for argument in x_arguments), "upgrade", "heads")
    found, truth = both(app, *x_arguments)
    assert truth.current
    assert not truth.pending
    assert found == (truth if at_head else None)
