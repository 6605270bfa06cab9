"""Asks a catalogue database which databases there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ..aside import Aside
from ..database import connection_fault, database_sentence
from ..errors import HeadwayError
from ..project import Project


def ask(url: str, query: str, project: Project) -> list[Any]:
    """Give a list's entry for each row of the query. Raises HeadwayError where it gives none."""
    try:
        at = make_url(url)
        aside = Aside(create_engine(at), "headway")
    except (ArgumentError, SQLAlchemyError, ModuleNotFoundError) as error:
        raise HeadwayError(
            "bad_databases", f"The catalogue's URL cannot be used: {type(error).__name__}."
        ) from None
    where = f"{at.get_backend_name()} database {at.database}"

    def rows(connection: Connection) -> list[dict[str, Any]]:
        return [dict(row._mapping) for row in connection.execute(text(query))]

    try:
        aside.call(lambda connection: connection.execute(text("select 1")))
    except Exception as error:
        raise connection_fault(error, where) from None
    try:
        return [_entry(row, at.render_as_string(hide_password=False)) for row in aside.call(rows)]
    except SQLAlchemyError as error:
        said, sqlstate = database_sentence(error) or (type(error).__name__, None)
        raise HeadwayError(
            "catalogue_refuses",
            f"{where} refuses the query for the databases: {said}.",
            sqlstate=sqlstate,
        ) from None
    finally:
        aside.close()


def _entry(row: Mapping[str, Any], catalogue: str) -> dict[str, Any]:
    """Give a row as a list's entry; `database` is one beside the catalogue, reached as that is."""
    entry = {name: value for name, value in row.items() if value not in (None, "")}
    if "x_argument" in entry:
        entry["x_arguments"] = [entry.pop("x_argument")]
    if "database" in entry:
        beside = make_url(catalogue).set(database=str(entry.pop("database")))
        entry["url"] = beside.render_as_string(hide_password=False)
    return entry
