"""Takes a backup: dumps, verifies, seals, and drops the oldest."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from . import catalog, contents, tools
from .errors import BackupError
from .server import Server, Session, cores, database_bytes, major, said
from .store import Backup, Store, free_bytes, readable, size

# How long pg_dump waits for a table that a migration or a VACUUM FULL has locked.
LOCK_WAIT = "60s"


@dataclass(frozen=True)
class Taken:
    """What came of it: no backup where the database holds nothing, or in check mode.

    `dropped` names the older ones that went.
    """

    backup: Backup | None
    holds_anything: bool
    database_bytes: int
    dropped: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {
            "backup": self.backup.to_dict() if self.backup else {},
            "holds_anything": self.holds_anything,
            "database_bytes": self.database_bytes,
            "dropped": list(self.dropped),
        }


def look(server: Server, store: Store, room: int) -> Taken:
    """Tell what a backup would be of; raises BackupError where it could not be taken.

    `room` is the part of the database's size, in percent, that there must be left on the disk.
    """
    with server.session(store.database, snapshot=True) as session:
        return _look(session, store, room)


def take(
    server: Server,
    find_tools: Callable[[], tools.Tools],
    store: Store,
    *,
    keep: int,
    jobs: int,
    room: int,
) -> Taken:
    """Take a backup, unless the database holds nothing; drop all but the newest `keep`.

    The tools are looked for only where there is something to dump. Raises BackupError and leaves
    none behind where it cannot be taken or is not whole.
    """
    with store.locked():
        _remove_leftovers(server, store)
        with server.session(store.database, snapshot=True) as session:
            looked = _look(session, store, room)
            if not looked.holds_anything:
                return looked
            backup = _dump(server, find_tools(), store, session, jobs)
        dropped = store.drop_old(keep)
    return Taken(backup, True, looked.database_bytes, tuple(dropped))


def _look(session: Session, store: Store, room: int) -> Taken:
    there = database_bytes(session, store.database) or 0
    holds_anything = bool(catalog.objects(session))
    free, wanted = free_bytes(store.folder), there * room // 100
    if holds_anything and free < wanted:
        raise BackupError(
            f"{store.folder} has {readable(free)} left, and a backup of {store.database}, which has "
            f"{readable(there)}, may take {readable(wanted)}: make room, set backup_directory to a "
            "larger disk, or backup_room to the percentage that backups of it really take."
        )
    return Taken(None, holds_anything, there)


def _dump(
    server: Server, programs: tools.Tools, store: Store, session: Session, jobs: int
) -> Backup:
    now, started = datetime.now(timezone.utc), time.monotonic()
    partial = store.new_partial(now)
    dump = partial / "dump"
    try:
        # Before pg_dump, which sees what this session sees.
        snapshot = session.value("select pg_export_snapshot()")
        objects = catalog.objects(session)
        manifest = {
            "database": store.database,
            "taken": now.isoformat(timespec="seconds"),
            "server_version": session.value("show server_version"),
            "server_major": major(session),
            "database_bytes": database_bytes(session, store.database),
            "revisions": catalog.revisions(session),
            "properties": catalog.properties(session),
            "objects": [each.name for each in objects],
        }
        arguments = [
            "--format=directory",
            f"--jobs={max(1, min(jobs, cores()))}",
            f"--snapshot={snapshot}",
            f"--lock-wait-timeout={LOCK_WAIT}",
            "--no-password",
            f"--file={dump}",
            f"--dbname={programs.server(server).dsn(store.database)}",
        ]
        environment = server.environment(_application(partial))
        tools.run(programs, "pg_dump", arguments, partial, environment)
        _verify(programs, objects, partial)
        manifest["bytes"] = size(dump)
        manifest["seconds"] = round(time.monotonic() - started, 1)
        return store.complete(partial, manifest)
    except (BackupError, OSError) as error:
        raise _failed(store, error) from None
    finally:
        if partial.exists():
            shutil.rmtree(partial)


def _verify(programs: tools.Tools, objects: list[catalog.Object], partial: Path) -> None:
    dump = partial / "dump"
    listing = tools.run(programs, "pg_restore", ["--list", str(dump)], partial)
    if lacking := contents.missing(contents.read(listing), objects, dump):
        raise BackupError(
            f"the dump lacks {', '.join(lacking[:3])}, {len(lacking)} of {len(objects)} objects in all"
        )


def _failed(store: Store, error: Exception) -> BackupError:
    room = f"; {readable(free_bytes(store.folder))} are left there" if "space" in str(error) else ""
    return BackupError(
        f"{store.database} could not be backed up to {store.folder}: {said(error).rstrip('.')}{room}. "
        "The earlier backups are as they were."
    )


def _application(partial: Path) -> str:
    """Give the name that the sessions of a dump have on the server."""
    return f"headway backup {partial.name}"


def _remove_leftovers(server: Server, store: Store) -> None:
    """Remove what killed runs have left, and end their pg_dump if it still works on it."""
    for partial in store.leftovers():
        with server.session() as session:
            session.run(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name = %s and datname = %s",
                _application(partial),
                store.database,
            )
        shutil.rmtree(partial)
