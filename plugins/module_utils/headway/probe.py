"""Looks at the database and the files without loading alembic, SQLAlchemy or the app.

It answers only where it is certain: an env.py that does the ordinary, revision files as `alembic
revision` writes them, a driver of libpq's, the server itself in front, no revision in the database
that the files lack. Whatever is not so it leaves to alembic, with no word.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

from . import process
from .address import named
from .history import History, in_order
from .place import Place, place
from .plain_url import PlainUrl, plain_url
from .project import Project
from .queries import (
    HOLDS_ANYTHING,
    INVALID_INDEXES,
    RECORD_IS_READABLE,
    RECORDED_REVISIONS,
    RECORDED_RUNS,
    SCHEMA_OF_TABLE,
)
from .results import EditedRevision, Look, PendingRevision, RecordedRun, VersionTable
from .secrets import Secrets
from .snapshot import offered
from .static import contents_of, revisions_in, sha256

_SERVER = """
    select pg_backend_pid(), current_setting('server_version'), to_regclass(:table) is not null
"""


@dataclass(frozen=True)
class Files:
    """What an app's files say for all its databases, of which the probe is certain."""

    place: Place
    history: History
    contents: Mapping[str, bytes]


def files(project: Project) -> Files | None:
    """Read them, and load the driver; None where only alembic can tell."""
    try:
        found = place(project)
        contents = contents_of(found.versions) if found else None
        revisions = contents and revisions_in(contents)
        if not found or not contents or not revisions:
            return None
        importlib.import_module(found.url.driver)
        if len({r.revision for r in revisions}) < len(revisions):
            return None
        return Files(found, History(in_order(revisions)), contents)
    except (ImportError, KeyError, OSError, ValueError):
        return None


def probe(project: Project, known: Files | None = None) -> Look | None:
    """Give the Look with what is pending to the heads, without SQL; None wherever it is not certain.

    That a snapshot is the files' is all that is told of it: whether the database takes it, the run sees.
    Runs nothing of the app. It is done in this process where the account is this one's. Of several
    databases of one app the files need to be read once: then they are `known`.
    """
    if project.user:
        answer, _ = process.run(partial(_answer, known=known), project)
        return Look.from_dict(answer["seen"]) if answer["seen"] else None
    return _there(project, Secrets(), known)


def _answer(project: Project, secrets: Secrets, *, known: Files | None) -> dict[str, Any]:
    seen = _there(project, secrets, known)
    return {"seen": seen and seen.to_dict()}


def _there(project: Project, secrets: Secrets, known: Files | None) -> Look | None:
    """Probe in the ini's folder and with the project's environment, and be back then.

    Paths in libpq's parameters count from there.
    """
    environment = {"PGCONNECT_TIMEOUT": "10", **os.environ, **project.environment}
    before = dict(os.environ)
    project = replace(project, config=project.config_path)
    try:
        here = os.open(".", os.O_RDONLY)
    except OSError:
        return None  # there would be no way back
    try:
        os.chdir(os.path.dirname(project.config))
        os.environ.update(environment)
        return _probe(project, secrets, known or files(project))
    except OSError:
        return None
    finally:
        os.fchdir(here)
        os.close(here)
        for name in environment.keys() - before.keys():
            os.environ.pop(name, None)
        os.environ.update(before)


def _probe(project: Project, secrets: Secrets, said: Files | None) -> Look | None:
    if said is None:
        return None
    url = plain_url(project.url) if project.url else said.place.url
    if url is None:
        return None
    try:
        driver = importlib.import_module(url.driver)
    except ImportError:
        return None
    try:
        with closing(driver.connect(**url.parameters)) as connection:
            seen = _seen(connection, url, said)
    except driver.Error:
        return None  # alembic will meet it too, and the engine has the words for it
    secrets.learn_environment(os.environ)
    secrets.learn_password(url.parameters.get("password", ""))
    return seen if seen and not secrets.are_in(_told(seen)) else None


def _seen(connection: Any, url: PlainUrl, said: Files) -> Look | None:
    cursor, asked, history = connection.cursor(), said.place.asked, said.history

    def rows(statement: str, **parameters: str) -> list[tuple[Any, ...]]:
        cursor.execute(_of_the_driver(statement), parameters)
        return list(cursor.fetchall())

    schema = asked.version_table_schema or rows(SCHEMA_OF_TABLE, name=asked.version_table)[0][0]
    table = VersionTable(url.shown, schema, asked.version_table)
    ((pid, version, there),) = rows(_SERVER, table=table.quoted)
    if pid != connection.info.backend_pid:  # a pooler's connection
        return None
    versions = rows(f"select version_num from {table.quoted}") if there else []
    current = tuple(sorted(row[0] for row in versions))
    if not history.by_id.keys() >= {*current}:
        return None
    applied = history.applied(current)
    pending = _pending(history, applied)
    if history.heads_of(applied) != current or pending is None:
        return None
    if not current and rows(HOLDS_ANYTHING) == [(True,)]:  # is it there by other means?
        return None
    runs, edited = _recorded(rows, cursor, table, history, applied, said.contents)
    return Look(
        database=named("postgresql", (), url.parameters),
        states=(current,),
        unknown=(),
        history=history,
        pending=pending,
        version_tables=(table,),
        invalid_indexes=tuple(sorted(row[0] for row in rows(INVALID_INDEXES))),
        runs=runs,
        edited=edited,
        server=_number.match(version)[0],  # type: ignore[index]
        snapshot=None if current else offered(said.place.snapshot, history)[0],
    )


_number = re.compile(r"[\d.]*")
_parameter = re.compile(r"(?<![:\w]):(\w+)(?!:)")  # as SQLAlchemy's text() has it


def _of_the_driver(statement: str) -> str:
    """Give a statement with `:name` for its parameters as a driver of libpq's wants it."""
    return _parameter.sub(r"%(\1)s", statement.replace("%", "%%"))


def _pending(history: History, applied: set[str]) -> tuple[PendingRevision, ...] | None:
    """Give what is not applied; None where it may be applied in more than one order."""
    pending = [r for r in history.revisions if r.revision not in applied]
    for before, after in pairwise(pending):
        if before.revision not in after.parents:
            return None
    return tuple(
        PendingRevision(r.revision, r.message, r.description, r.file, None, None, r.allowed)
        for r in pending
    )


def _recorded(
    rows: Callable[..., list[tuple[Any, ...]]],
    cursor: Any,
    table: VersionTable,
    history: History,
    applied: set[str],
    contents: Mapping[str, bytes],
) -> tuple[tuple[RecordedRun, ...], tuple[EditedRevision, ...]]:
    """Give the last runs, and the applied revisions whose files are not any more what was applied."""
    if rows(RECORD_IS_READABLE) != [(True,)]:
        return (), ()
    values = rows(RECORDED_RUNS, version_table=str(table))
    columns = [column[0] for column in cursor.description]
    runs = (RecordedRun.from_dict(dict(zip(columns, run, strict=True))) for run in values)
    recorded = rows(RECORDED_REVISIONS, version_table=str(table))
    edited = (
        EditedRevision(revision, file, when)
        for revision, digest, when in recorded
        if revision in applied and sha256(contents[file := history.by_id[revision].file]) != digest
    )
    return tuple(runs), tuple(edited)


def _told(seen: Look) -> str:
    """Give what others wrote, and could have written a password into."""
    files = (f"{r.message}\n{r.description}" for r in seen.history.revisions)
    return "\n".join((*files, *(run.reason or "" for run in seen.runs)))
