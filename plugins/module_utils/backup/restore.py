"""Brings a backup back: beside the live database first, then in its place."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from . import catalog, store, tools
from .errors import BackupError, ServerError
from .server import Server, Session, cores, database_bytes, major, quoted, said

OBJECT_IN_USE = "55006"
LONGEST_NAME = 63  # bytes, NAMEDATALEN - 1
_stamp = re.compile(r"\d{8}t\d{6}z$")


@dataclass(frozen=True)
class Restored:
    """A backup and the live database beside which it is restored.

    `restored` names the new database until it goes live, empty where there is none yet;
    `live_bytes` is none where there is no live database.
    """

    backup: store.Backup
    restored: str
    live_revisions: tuple[str, ...]
    live_bytes: int | None

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {
            "backup": self.backup.to_dict(),
            "restored": self.restored,
            "live_revisions": list(self.live_revisions),
            "live_bytes": self.live_bytes,
        }


def look(server: Server, backups: store.Store, name: str) -> Restored:
    """Tell what would be restored and what is live, once every file is seen to be as written.

    An empty name is the newest backup's. Raises BackupError where it is damaged, or newer than the
    server.
    """
    backup = backups.choose(name)
    store.verify(backup)
    with server.session() as session:
        if major(session) < backup.manifest["server_major"]:
            raise BackupError(
                f"Backup {backup.name} is of PostgreSQL {backup.manifest['server_major']}, and the "
                f"server is {major(session)}: restore it to a server that is not older."
            )
        live_bytes = database_bytes(session, backups.database)
    revisions: list[str] = []
    if live_bytes is not None:
        with server.session(backups.database, snapshot=True) as session:
            revisions = catalog.revisions(session)
    return Restored(backup, "", tuple(revisions), live_bytes)


def restore_beside(
    server: Server, programs: tools.Tools, backups: store.Store, name: str, *, jobs: int
) -> Restored:
    """Bring a backup back into a new database and verify it; the live one is not touched.

    Raises BackupError, with the new database gone again, where that fails.
    """
    with backups.locked():
        _remove_leftovers(server, backups.database)
        looked = look(server, backups, name)
        new = _beside(backups.database, "restore", store.stamp(datetime.now(timezone.utc)).lower())
        with server.session() as session:
            _have_room(session, programs, looked.backup)
        try:
            _restore(server, programs, looked.backup, new, jobs)
        except BaseException as error:
            _drop_if_possible(server, new)
            if isinstance(error, BackupError):
                raise BackupError(
                    f"Backup {looked.backup.name} could not be restored: "
                    f"{said(error).rstrip('.')}. {backups.database} is as it was."
                ) from None
            raise
    return replace(looked, restored=new)


def go_live(server: Server, database: str, new: str, *, wait: float) -> str:
    """Put a restored database in the live one's place; give the name under which that is kept.

    Sessions of the live one are ended, for which there are `wait` seconds. The name is empty where
    there was no live database. Raises BackupError, with the live one as it was and the new one
    gone, where that fails.
    """
    with server.session() as session:
        comment = catalog.comment_of_database(session, new) or ""
        if not comment.startswith(_mark(database)):
            raise BackupError(f"There is no restored database {new} to put in place of {database}.")
        exists = database_bytes(session, database) is not None
    kept = _beside(database, "before_restore", _time_in(new)) if exists else ""
    try:
        with server.session() as session:
            if exists:
                _allow_connections(session, database, False)
                _swap(session, database, new, kept, wait)
            else:
                with session.transaction():
                    _make_live(session, database, new)
    except BaseException as error:
        with suppress(BackupError), server.session() as session:
            if exists:
                _allow_connections(session, database, True)
        _drop_if_possible(server, new)
        if isinstance(error, BackupError):
            raise BackupError(
                f"The restored database could not be put in place of {database}: "
                f"{said(error).rstrip('.')}. {database} is as it was."
            ) from None
        raise
    return kept


def drop(server: Server, database: str, name: str) -> bool:
    """Drop a database that a restore has made or kept; tell whether it was there.

    Raises BackupError where the name is no such database's.
    """
    with server.session() as session:
        if database_bytes(session, name) is None:
            return False
        comment = catalog.comment_of_database(session, name) or ""
        kept = name == _beside(database, "before_restore", _time_in(name))
        if not kept and not comment.startswith(_mark(database)):
            raise BackupError(f"Database {name} is not one that a restore of {database} has left.")
        _drop(session, name)
    return True


def _restore(
    server: Server, programs: tools.Tools, backup: store.Backup, new: str, jobs: int
) -> None:
    properties = backup.manifest["properties"]
    with server.session() as session:
        catalog.create_database(session, new, properties)
        # Whoever finds it later knows that it is not in use, and what comment it is to have.
        mark = _mark(backup.manifest["database"]) + (properties["comment"] or "")
        catalog.comment_on_database(session, new, mark)
        arguments = [
            "--exit-on-error",
            f"--jobs={max(1, min(jobs, cores()))}",
            "--no-password",
            f"--dbname={programs.server(server).dsn(new)}",
            str(backup.dump),
        ]
        environment = server.environment(f"headway restore {backup.name}")
        tools.run(programs, "pg_restore", arguments, backup.folder, environment)
        catalog.give_properties(session, new, properties)
    with server.session(new) as session:
        _verify(session, backup)
        # A restored database has no statistics, and plans are poor without.
        session.run("analyze")


def _verify(session: Session, backup: store.Backup) -> None:
    there = {each.name for each in catalog.objects(session)}
    wanted = backup.manifest["objects"]
    if lacking := [name for name in wanted if name not in there]:
        raise BackupError(
            f"the restored database lacks {', '.join(lacking[:3])}, "
            f"{len(lacking)} of {len(wanted)} objects in all"
        )
    revisions = catalog.revisions(session)
    if revisions != backup.manifest["revisions"]:
        raise BackupError(
            f"the restored database is at {', '.join(revisions) or 'base'}, and the backup was "
            f"taken at {', '.join(backup.manifest['revisions']) or 'base'}"
        )


def _have_room(session: Session, programs: tools.Tools, backup: store.Backup) -> None:
    """Raise BackupError where the server's disk, if it is this host's, has no room for a copy."""
    if not isinstance(programs, tools.LocalTools) or not programs.servers_own:
        return
    data = Path(session.value("show data_directory"))
    free, wanted = store.free_bytes(data), backup.manifest["database_bytes"]
    if free < wanted:
        raise BackupError(
            f"{data} has {store.readable(free)} left, and the database of backup {backup.name} "
            f"had {store.readable(wanted)}: make room, since the live one stays until the restored "
            "one is in its place."
        )


def _swap(session: Session, database: str, new: str, kept: str, wait: float) -> None:
    """Rename both in one transaction, once nobody is connected to the live one."""
    deadline = time.monotonic() + wait
    while True:
        session.run(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", database
        )
        try:
            with session.transaction():
                session.run(f"alter database {quoted(database)} rename to {quoted(kept)}")
                _make_live(session, database, new)
                _allow_connections(session, kept, True)
            return
        except ServerError as error:
            # The server itself waits for five seconds before it says so.
            if error.sqlstate != OBJECT_IN_USE or time.monotonic() > deadline:
                raise BackupError(f"{said(error)}, after {wait:.0f} s") from None


def _make_live(session: Session, database: str, new: str) -> None:
    comment = (catalog.comment_of_database(session, new) or "")[len(_mark(database)) :]
    session.run(f"alter database {quoted(new)} rename to {quoted(database)}")
    catalog.comment_on_database(session, database, comment or None)


def _allow_connections(session: Session, database: str, allowed: bool) -> None:
    session.run(
        f"alter database {quoted(database)} with allow_connections {'true' if allowed else 'false'}"
    )


def _remove_leftovers(server: Server, database: str) -> None:
    """Drop what killed restores have left, and let the live database take connections again."""
    with server.session() as session:
        found = session.rows(
            "select datname from pg_database "
            "where starts_with(shobj_description(oid, 'pg_database'), %s)",
            _mark(database),
        )
        for (name,) in found:
            if database_bytes(session, database) is not None:
                _allow_connections(session, database, True)
            _drop(session, name)


def _drop(session: Session, name: str) -> None:
    session.run(f"drop database if exists {quoted(name)} with (force)")


def _drop_if_possible(server: Server, name: str) -> None:
    """Drop a database; where the server is gone the next restore finds and drops it."""
    with suppress(BackupError), server.session() as session:
        _drop(session, name)


def _mark(database: str) -> str:
    """Give how the comment of a restored database begins that is not live yet."""
    return f"Headway restores {database} here. "


def _beside(database: str, what: str, time_of_it: str) -> str:
    """Give the name of a database beside another, whose own is cut where both are too long."""
    tail = f"_{what}_{time_of_it}"
    head = database.encode()[: LONGEST_NAME - len(tail)].decode(errors="ignore")
    return head + tail


def _time_in(name: str) -> str:
    found = _stamp.search(name)
    return found[0] if found else ""
