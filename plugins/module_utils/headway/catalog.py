"""What the system catalog says that alembic does not ask for."""

from __future__ import annotations

from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine

from .queries import HOLDS_ANYTHING, INVALID_INDEXES, SCHEMA_OF_TABLE, TABLES
from .results import Table, VersionTable


def address(engine: Engine) -> str:
    """Give what tells one engine's database from another's, without a password."""
    return engine.url.set(password=None, query={}).render_as_string()


def version_table(context: MigrationContext, connection: Connection) -> VersionTable:
    """Give the version table of a context: where it is, or where it would be created."""
    schema, name = context.version_table_schema, context.version_table
    if not schema:
        schema = connection.execute(text(SCHEMA_OF_TABLE), {"name": name}).scalar()
    return VersionTable(address(connection.engine), str(schema), name)


def invalid_indexes(connection: Connection) -> set[str]:
    """Give the indexes that a build left unusable."""
    return {row[0] for row in connection.execute(text(INVALID_INDEXES))}


def tables(connection: Connection) -> list[Table]:
    """Give the tables that are not the server's own, as the last VACUUM or ANALYZE counted them."""
    return [
        Table(schema, name, visible, count, size, tuple(indexes))
        for schema, name, visible, count, size, indexes in connection.execute(text(TABLES))
    ]


def holds_anything(connection: Connection) -> bool:
    """Tell whether somebody has made a table or view in the database."""
    return bool(connection.execute(text(HOLDS_ANYTHING)).scalar())
