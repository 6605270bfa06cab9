"""Looks at the database and the files without loading alembic, SQLAlchemy or the app.

It answers only where it is certain: an env.py that does the ordinary, revision files as `alembic
revision` writes them, a driver of libpq's, the server itself in front, no revision in the database
that the files lack. Whatever is not so it leaves to alembic, with no word.
"""

from __future__ import annotations

import configparser
import importlib
import importlib.util
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .address import named
from .history import History, Revision
from .ordinary import Ordinary, ordinary
from .project import Project
from .queries import (
    INVALID_INDEXES,
    RECORD_IS_READABLE,
    RECORDED_REVISIONS,
    RECORDED_RUNS,
    SCHEMA_OF_TABLE,
)
from .results import EditedRevision, Look, PendingRevision, RecordedRun, VersionTable
from .static import read, sha256_of

_DRIVERS = {"": ("psycopg2", "psycopg"), "psycopg2": ("psycopg2",), "psycopg": ("psycopg",)}
_ENGINE_OPTIONS = {
    "url",
    "echo",
    "echo_pool",
    "future",
    "pool_pre_ping",
    "pool_recycle",
    "pool_size",
}


@dataclass(frozen=True)
class _Place:
    """Where the migrations are, and the URL of their database."""

    versions: Path
    url: str
    asked: Ordinary


def probe(project: Project) -> Look | None:
    """Give the Look with what is pending to the heads, without SQL; None wherever it is not certain.

    Runs nothing of the app, and works with this process's environment and account.
    """
    place = _place(project)
    revisions = place and read(place.versions)
    if not place or not revisions:
        return None
    by_id = {revision.revision: revision for revision in revisions}
    history = History(tuple(_in_order(by_id)) if len(by_id) == len(revisions) else ())
    connect, drivers_error = _driver(place.url)
    if not history.revisions or connect is None:
        return None
    try:
        with closing(connect(_of_libpq(place.url))) as connection:
            return _seen(connection, place, history)
    except drivers_error:
        return None  # alembic will meet it too, and the engine has the words for it


def _place(project: Project) -> _Place | None:
    path = Path(project.config_path)
    parser = configparser.ConfigParser({"here": str(path.parent)})
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        options = dict(parser.items(project.name))
        source = _folder(options, path.parent)
        asked = ordinary((source / "env.py").read_text(encoding="utf-8")) if source else None
    except (configparser.Error, OSError, SyntaxError, ValueError):
        return None
    of_the_engine = {
        name.removeprefix("sqlalchemy.") for name in options if name.startswith("sqlalchemy.")
    }
    if source is None or asked is None or not of_the_engine <= _ENGINE_OPTIONS:
        return None
    url = options.get("sqlalchemy.url", "")
    return _Place(source / "versions", url, asked) if _is_plain(url) else None


def _folder(options: Mapping[str, str], beside: Path) -> Path | None:
    """Give the folder of env.py, where its revisions are in `versions` and nowhere else."""
    if {"version_locations", "recursive_version_locations", "sourceless"} & options.keys():
        return None
    location = options.get("script_location", "")
    package, colon, inside = location.partition(":")
    if not colon:
        return (beside / location).resolve() if location else None
    if "." in package or not package.isidentifier():
        return None
    found = importlib.util.find_spec(package)
    where = found.submodule_search_locations if found else None
    return Path(where[0], *inside.split(":")).resolve() if where and len(where) == 1 else None


def _is_plain(url: str) -> bool:
    """Tell whether libpq reads a URL as SQLAlchemy does."""
    parts = urlsplit(url)
    dialect, _, driver = parts.scheme.partition("+")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return (
        dialect == "postgresql"
        and driver in _DRIVERS
        and "+" not in parts.query
        and not {"host", "port", "user", "password", "dbname", "service"} & query.keys()
        and not {name for name in query if name.startswith(("async", "prepare", "plugin"))}
        and "," not in parts.netloc
    )


def _of_libpq(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"


def _driver(url: str) -> tuple[Callable[[str], Any] | None, type[Exception]]:
    """Give a driver's connect, and its exception."""
    for name in _DRIVERS[urlsplit(url).scheme.partition("+")[2]]:
        if importlib.util.find_spec(name):
            driver = importlib.import_module(name)
            return driver.connect, driver.Error
    return None, Exception


def _seen(connection: Any, place: _Place, history: History) -> Look | None:
    cursor, asked = connection.cursor(), place.asked

    def rows(statement: str, **parameters: str) -> list[tuple[Any, ...]]:
        cursor.execute(_named(statement), parameters)
        return list(cursor.fetchall())

    schema = asked.version_table_schema or rows(SCHEMA_OF_TABLE, name=asked.version_table)[0][0]
    table = VersionTable(_without_password(place.url), schema, asked.version_table)
    ((pid, there),) = rows(_SERVER, table=_quoted(table))
    if pid != connection.info.backend_pid:  # a pooler's connection
        return None
    versions = rows(f"select version_num from {_quoted(table)}") if there else []
    current = tuple(sorted(row[0] for row in versions))
    if not history.by_id.keys() >= set(current):
        return None
    runs: list[RecordedRun] = []
    edited: dict[str, EditedRevision] = {}
    if rows(RECORD_IS_READABLE) == [(True,)]:
        for run in rows(RECORDED_RUNS, version_table=str(table)):
            names = (column[0] for column in cursor.description)
            runs.append(RecordedRun.from_dict(dict(zip(names, run, strict=True))))
        edited = dict(_edited(history, rows(RECORDED_REVISIONS, version_table=str(table))))
    return Look(
        database=_database(place.url),
        states=(current,),
        unknown=(),
        history=history,
        pending=tuple(_pending(history, current)),
        version_tables=(table,),
        invalid_indexes=tuple(sorted(row[0] for row in rows(INVALID_INDEXES))),
        runs=tuple(runs),
        edited=tuple(edited.values()),
    )


_SERVER = "select pg_backend_pid(), to_regclass(:table) is not null"

_parameter = re.compile(r"(?<![:\w]):(\w+)(?!:)")  # as SQLAlchemy's text() has it


def _named(statement: str) -> str:
    """Give a statement with `:name` for its parameters as a driver of libpq's wants it."""
    return _parameter.sub(r"%(\1)s", statement.replace("%", "%%"))


def _quoted(table: VersionTable) -> str:
    return ".".join(
        f'"{name.replace(chr(34), chr(34) * 2)}"' for name in (table.schema, table.name)
    )


def _edited(
    history: History, recorded: Iterable[tuple[str, str, str]]
) -> Iterator[tuple[str, EditedRevision]]:
    for revision, sha256, applied in recorded:
        file = history.by_id[revision].file if revision in history.by_id else None
        if file and sha256_of(file) != sha256:
            yield revision, EditedRevision(revision, file, applied)


def _pending(history: History, current: tuple[str, ...]) -> Iterator[PendingRevision]:
    applied = history.applied(current)
    for r in history.revisions:
        if r.revision not in applied:
            yield PendingRevision(r.revision, r.message, r.description, r.file, None, None)


def _database(url: str) -> str:
    parts = urlsplit(url)
    return named(
        "postgresql",
        (),
        {
            "dbname": unquote(parts.path.removeprefix("/")),
            "host": parts.hostname and unquote(parts.hostname),
            "port": parts.port,
            "user": parts.username and unquote(parts.username),
        },
    )


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    hidden = ":***" if parts.password is not None else ""
    user = f"{parts.username}{hidden}@" if parts.username else ""
    return f"{parts.scheme}://{user}{parts.netloc.rpartition('@')[2]}{parts.path}"


def _in_order(revisions: Mapping[str, Revision]) -> list[Revision]:
    """Give each revision after its parents; none where they do not go from base to heads."""
    graph = {revision.revision: revision.parents for revision in revisions.values()}
    if any(parent not in revisions for parents in graph.values() for parent in parents):
        return []
    try:
        return [revisions[revision] for revision in TopologicalSorter(graph).static_order()]
    except CycleError:
        return []
