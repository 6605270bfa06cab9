"""Loads a snapshot into an empty database, in the transaction in which alembic stamps it."""

from __future__ import annotations

import json
from collections.abc import Collection

from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Connection

from .catalog import version_table
from .environment import Environment
from .results import SnapshotUse
from .schema import RIGHTS, in_transaction, read_schema
from .session import PlainSession
from .snapshot import Snapshot, file_of, offered

# As pg_dump's own output has them at its beginning; they end with the loading.
_SETTINGS = {
    "search_path": "",
    "check_function_bodies": "off",
    "client_min_messages": "warning",
    "row_security": "off",
    "standard_conforming_strings": "on",
    "xmloption": "content",
}

# What others leave in an empty database: the deploy its extensions and rights.
_NOT_HELD = ("schema public", "comment on schema public")
_KINDS_NOT_HELD = (*RIGHTS, "extension ")

# The part of the server's lock table that one transaction may fill; the rest is for other sessions.
_SHARE = 0.5
_LOCK_TABLE = """
    select current_setting('max_locks_per_transaction')::bigint
        * (current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint)
"""


def fitting(
    environment: Environment, context: MigrationContext, pending: Collection[str]
) -> SnapshotUse:
    """Say whether the app's snapshot can be loaded in place of revisions that are `pending`.

    For a database without any revision; changes nothing.
    """
    return _choose(environment, context, pending)[0]


def load(
    environment: Environment, context: MigrationContext, pending: Collection[str]
) -> tuple[SnapshotUse, Snapshot | None]:
    """Load the snapshot where it fits, uncommitted; give it, its head to be stamped with it.

    What fails leaves nothing behind and is told as the reason why the snapshot was not used.
    """
    use, snapshot = _choose(environment, context, pending)
    connection = context.connection
    if snapshot is None or connection is None:
        return use, None
    nested = connection.in_transaction()
    transaction = connection.begin_nested() if nested else connection.begin()
    try:
        put(snapshot, connection)
    except Exception as error:  # whatever the driver raises
        transaction.rollback()
        said, _ = environment.words(error)
        return SnapshotUse(use.file, (), " ".join(said.split()).rstrip(".")), None
    if nested:
        transaction.commit()  # the savepoint; alembic commits the transaction
    return use, snapshot


def put(snapshot: Snapshot, connection: Connection) -> None:
    """Send a snapshot's SQL in the transaction that is open."""
    names = ", ".join(f"current_setting('{name}')" for name in _SETTINGS)
    before = connection.execute(text(f"select {names}")).one()
    _set(dict(_SETTINGS), connection)
    _send(snapshot.body, connection)
    _set(dict(zip(_SETTINGS, before, strict=True)), connection)


def schemas(connection: Connection) -> tuple[str, ...]:
    """Give the schemas in which names without one are looked for, the first is where they are made."""
    found = connection.execute(text("select array_to_json(current_schemas(false))::text")).scalar()
    return tuple(json.loads(str(found)))


def held(context: MigrationContext, connection: Connection) -> tuple[str, ...]:
    """Give what a database holds beside the version table, and what a deploy prepares."""
    schema = read_schema(PlainSession(connection), [str(version_table(context, connection))])
    return tuple(w for w in schema if w not in _NOT_HELD and not w.startswith(_KINDS_NOT_HELD))


def _choose(
    environment: Environment, context: MigrationContext, pending: Collection[str]
) -> tuple[SnapshotUse, Snapshot | None]:
    file = file_of(environment.scripts)
    use, snapshot = offered(file, environment.history)
    reason = _obstacle(snapshot, environment, context, pending) if snapshot else ""
    if reason:
        return SnapshotUse(str(file), (), reason), None
    return use, snapshot


def _obstacle(
    snapshot: Snapshot,
    environment: Environment,
    context: MigrationContext,
    pending: Collection[str],
) -> str:
    connection = context.connection
    if connection is None or connection.dialect.name != "postgresql":
        return "the database is not PostgreSQL"
    if getattr(environment.config.cmd_opts, "x", None):
        return "env.py is given x arguments, without which snapshots are made"
    if not in_transaction(PlainSession(connection)):
        return "env.py's connection is in autocommit, so that it could be loaded by halves"
    if not set(snapshot.sha256) <= set(pending):
        return f"the target does not lead as far as its head, {snapshot.head}"
    if there := held(context, connection):
        return f"the database holds something already, {there[0]}"
    if (found := schemas(connection)) != snapshot.schemas:
        made, here = (", ".join(names) or "none" for names in (snapshot.schemas, found))
        return f"it was made for the search path {made}, and here it is {here}"
    return too_many(snapshot.relations, connection)


def too_many(relations: int, connection: Connection) -> str:
    """Say that a transaction would lock more relations than it may, "" where it would not.

    A lock table that is full fails other sessions, too.
    """
    room = int(connection.execute(text(_LOCK_TABLE)).scalar() or 0)
    if relations <= room * _SHARE:
        return ""
    return (
        f"one transaction would lock {relations} tables, indexes and sequences, and the server has room "
        f"for {room} locks of all sessions together "
        "(max_locks_per_transaction), of which it may take half"
    )


def _set(settings: dict[str, str], connection: Connection) -> None:
    calls = ", ".join(f"set_config('{name}', :{name}, true)" for name in settings)
    connection.execute(text(f"select {calls}"), settings)


def _send(sql: str, connection: Connection) -> None:
    """Send statements as one, by the driver itself: SQLAlchemy would have them prepared or read for parameters."""
    driver = connection.connection
    if connection.dialect.driver == "asyncpg":
        from sqlalchemy.util import await_only

        await_only(driver.driver_connection.execute(sql))  # type: ignore[union-attr]
        return
    cursor = driver.cursor()
    try:
        cursor.execute(sql)
    finally:
        cursor.close()
