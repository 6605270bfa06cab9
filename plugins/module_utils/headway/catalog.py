"""What the system catalog says that alembic does not ask for."""

from __future__ import annotations

from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine

from .results import Table, VersionTable


def address(engine: Engine) -> str:
    """Give what tells one engine's database from another's, without a password."""
    return engine.url.set(password=None, query={}).render_as_string()


def version_table(context: MigrationContext, connection: Connection) -> VersionTable:
    """Give the version table of a context: where it is, or where it would be created."""
    schema, name = context.version_table_schema, context.version_table
    if not schema:
        schema = connection.execute(
            text(
                "select coalesce((select n.nspname from pg_class c join pg_namespace n "
                "on n.oid = c.relnamespace where c.oid = to_regclass(quote_ident(:name))), "
                "current_schema(), '')"
            ),
            {"name": name},
        ).scalar()
    return VersionTable(address(connection.engine), str(schema), name)


def invalid_indexes(connection: Connection) -> set[str]:
    """Give the indexes that a build left unusable.

    One that is being built is not meant, nor that of a partitioned table, which stays invalid
    until each partition has its own.
    """
    rows = connection.execute(
        text(
            "select format('%I.%I', n.nspname, c.relname) from pg_index i "
            "join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace "
            "where not i.indisvalid and c.relkind = 'i' and not exists "
            "(select from pg_stat_progress_create_index p where p.index_relid = i.indexrelid)"
        )
    )
    return {row[0] for row in rows}


def tables(connection: Connection) -> list[Table]:
    """Give the tables that are not the server's own, as the last VACUUM or ANALYZE counted them."""
    rows = connection.execute(
        text(
            "select n.nspname, c.relname, pg_table_is_visible(c.oid), c.reltuples::bigint, "
            "c.relpages::bigint * current_setting('block_size')::bigint, "
            "array(select x.relname::text from pg_index i join pg_class x on x.oid = i.indexrelid "
            "where i.indrelid = c.oid order by 1) "
            "from pg_class c join pg_namespace n on n.oid = c.relnamespace "
            "where c.relkind in ('r', 'p', 'm') and c.relpersistence <> 't' "
            "and n.nspname not in ('pg_catalog', 'information_schema')"
        )
    )
    return [
        Table(schema, name, visible, count, size, tuple(indexes))
        for schema, name, visible, count, size, indexes in rows
    ]


def holds_anything(connection: Connection) -> bool:
    """Tell whether somebody has made a table or view in the database."""
    found = connection.execute(
        text(
            "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace "
            "where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.oid >= 16384 "
            "and n.nspname !~ '^pg_' and n.nspname <> 'headway')"
        )
    )
    return bool(found.scalar())
