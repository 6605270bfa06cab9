"""Reads a database again after a run, and writes down what came of it, beside env.py's connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from .aside import Aside
from .catalog import address, invalid_indexes
from .database import database_sentence
from .record import end, limit_waits
from .results import Found, Look, VersionTable
from .session import PlainSession


class Witness:
    """Has a connection of its own to each of the databases that env.py used."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        """Take env.py's engines; a connection is made where one is needed."""
        self._asides = {address(engine): Aside(engine, autocommit=False) for engine in engines}

    def found(self, seen: Look) -> Found | None:
        """Give what is where `seen` was; None where only another run of env.py can tell."""
        tables = seen.version_tables
        if len(tables) != len(seen.states) or not self._asides.keys() >= {
            table.database for table in tables
        }:
            return None
        with suppress(DBAPIError):  # a role that env.py takes on may be allowed more
            return Found(
                tuple(self._asides[t.database].call(partial(_revisions, t)) for t in tables),
                tuple(sorted({i for a in self._asides.values() for i in a.call(_invalid_indexes)})),
            )
        return None

    def write_down(self, told: Mapping[str, Any]) -> list[str]:
        """Record a `run` and its `revisions`; give the reasons where there is no record."""
        warnings = []
        for aside in self._asides.values():
            try:
                aside.call(partial(end, told["run"], told["revisions"]))
            except Exception as error:
                said, _ = database_sentence(error) or (f"{type(error).__name__}: {error}", None)
                warnings.append(
                    f"The run is not written down in the schema headway of the database: {said}."
                )
        return warnings

    def close(self) -> None:
        """Close the connections."""
        for aside in self._asides.values():
            aside.close()


def _revisions(table: VersionTable, connection: Connection) -> tuple[str, ...]:
    there = text("select to_regclass(:name) is not null")
    with connection.begin():
        limit_waits(connection, "true")
        if not connection.execute(there, {"name": table.quoted}).scalar():
            return ()
        rows = PlainSession(connection).rows(f"select version_num from {table.quoted}")
        return tuple(sorted(row[0] for row in rows))


def _invalid_indexes(connection: Connection) -> set[str]:
    with connection.begin():
        return invalid_indexes(connection)
