"""Where the databases come from: a list, a query on a catalogue database, a command of the app's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import IO, Any

from .. import engine, process
from ..errors import HeadwayError
from ..project import Project
from ..secrets import Secrets
from .members import Member, members

with suppress(ModuleNotFoundError):  # without SQLAlchemy nothing comes to where it is needed
    from .catalogue import ask

Find = Callable[[Project], "list[Any]"]


def find(given: Any, project: Project) -> tuple[Member, ...]:
    """Give the databases that `given` names, as docs/many-databases.md has it.

    A query and a command are run as the project's account. Raises HeadwayError for what cannot be
    read, and where there is no database at all.
    """
    engine.require_alembic()
    if isinstance(given, (list, tuple)):
        listed, where = list(given), "the list"
    elif isinstance(given, Mapping) and set(given) == {"query", "url"}:
        work = partial(ask, str(given["url"]), str(given["query"]))
        listed, where = _as_the_account(work, project), "the query's answer"
    elif isinstance(given, Mapping) and set(given) == {"command"}:
        listed = _as_the_account(partial(_told_by, str(given["command"])), project)
        where = "the command's answer"
    else:
        raise HeadwayError(
            "bad_databases",
            "Which databases there are is said by a list, by a query and its url, or by a command.",
        )
    found = members(listed, where)
    if not found:
        raise HeadwayError("no_databases", f"No database is named: {where} is empty.")
    return found


def _as_the_account(work: Find, project: Project) -> list[Any]:
    """Give what `work` finds, unseen: answers of a process leave their passwords behind."""
    with tempfile.TemporaryFile() as answer:
        process.run(partial(_write, work=work, answer=answer), project)
        answer.seek(0)
        listed: list[Any] = json.load(answer)
        return listed


def _write(project: Project, secrets: Secrets, *, work: Find, answer: IO[bytes]) -> dict[str, Any]:
    answer.write(json.dumps(work(project)).encode())
    answer.flush()
    return {}


def _told_by(command: str, project: Project) -> list[Any]:
    programs = os.path.dirname(sys.executable)
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=os.path.dirname(project.config_path),
        env={**os.environ, "PATH": f"{programs}:{os.environ.get('PATH', os.defpath)}"},
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise HeadwayError(
            "databases_command",
            f"`{command}`, which is to name the databases, exited with {done.returncode}.",
        )
    return list(_lines(command, done.stdout))


def _lines(command: str, printed: bytes) -> Iterator[Any]:
    for number, line in enumerate(printed.splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError:
                raise HeadwayError(
                    "databases_command",
                    f"`{command}` is to print a JSON object a line for each database, and its line "
                    f"{number} is none.",
                ) from None
