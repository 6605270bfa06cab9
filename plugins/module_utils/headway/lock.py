"""One migration at a time: a session's advisory lock, tried for again and again.

Never by the blocking pg_advisory_lock: a session that waits in it holds a snapshot, for which a
CREATE INDEX CONCURRENTLY of the holder's waits in turn, and the server sees no deadlock in that.
Nor by a transaction's lock, which is gone at the first autocommit_block.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256

from sqlalchemy import text
from sqlalchemy.engine import Connection

from .activity import COLUMNS, session
from .aside import Aside
from .errors import HeadwayError
from .results import VersionTable
from .waits import Session, Wait

_EVERY = 0.25  # seconds between two tries
_TELLS_EVERY = 10.0  # seconds

Tell = Callable[[str], None]


def key(table: VersionTable) -> int:
    """Give the lock's key, 64 bits with a sign.

    Of the version table alone: the server keeps advisory locks apart by database, and tenants of
    one database each have a version table of their own.
    """
    digest = sha256(f"headway\0{table.schema}\0{table.name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def take(aside: Aside, tables: Iterable[VersionTable], wait: float, tell: Tell) -> Wait | None:
    """Lock the migrations of `tables` for as long as the session of `aside` lives.

    Waits for at most `wait` seconds for others; gives what it waited for, if it had to. Raises
    HeadwayError where the lock was not to be had.
    """
    waited = None
    began = time.monotonic()
    # In an order of their own, so that no two runs hold each what the other one waits for.
    for table in sorted(set(tables), key=key):
        told = -_TELLS_EVERY
        while not aside.call(partial(_try, table)):
            seconds = time.monotonic() - began
            if waited is None or seconds - told >= _TELLS_EVERY or seconds >= wait:
                holders = aside.call(partial(_holders, table))
                waited = Wait("migration", "", seconds, holders)
            if seconds >= wait:
                raise _locked(table, waited, wait)
            if seconds - told >= _TELLS_EVERY:
                told = seconds
                tell(
                    f"waiting for another migration of {table}: {_who(holders)} "
                    f"(for at most {wait - seconds:.0f} s more)"
                )
            time.sleep(min(_EVERY * random.uniform(0.8, 1.2), max(wait - seconds, 0.01)))  # noqa: S311
    return waited and Wait("migration", "", time.monotonic() - began, waited.sessions)


def _try(table: VersionTable, connection: Connection) -> bool:
    return bool(
        connection.execute(text("select pg_try_advisory_lock(:key)"), {"key": key(table)}).scalar()
    )


def _holders(table: VersionTable, connection: Connection) -> tuple[Session, ...]:
    """Give the session that has the lock, and those of the same run, which do the work."""
    unsigned = key(table) % (1 << 64)
    rows = connection.execute(
        text(
            "with holder as (select a.pid, a.application_name, a.client_addr, a.client_hostname "
            "from pg_locks l join pg_stat_activity a on a.pid = l.pid "
            "where l.locktype = 'advisory' and l.granted and l.objsubid = 1 "
            f"and l.classid::bigint = {unsigned >> 32} and l.objid::bigint = {unsigned % (1 << 32)} "
            "and l.database = (select oid from pg_database where datname = current_database())) "
            f"select a.pid, {COLUMNS} from pg_stat_activity a join holder on a.pid = holder.pid "
            "or (a.application_name = holder.application_name and a.state <> 'idle' "
            "and a.datname = current_database() and a.pid <> pg_backend_pid() "
            "and a.client_addr is not distinct from holder.client_addr) "
            "order by a.pid <> holder.pid, a.pid"
        )
    )
    return tuple(map(session, rows))


def _who(sessions: tuple[Session, ...]) -> str:
    if not sessions:
        return "it has just ended"
    holder, *others = sessions
    doing = f", now {' and '.join(map(str, others))}" if others else ""
    named = holder.application.removeprefix("headway ") or holder.user
    since = f"{named} (pid {holder.pid} of {holder.user} from {holder.client}) since {holder.since}"
    return since + doing


def _locked(table: VersionTable, waited: Wait, wait: float) -> HeadwayError:
    return HeadwayError(
        "locked",
        f"Another migration of {table} holds the lock, and did so for all of the {wait:g} s that "
        f"this one waited: {_who(waited.sessions)}. Nothing was run; run again when that one is "
        "done, or let this one wait longer (lock_wait).",
        waits=[waited.to_dict()],
    )
