"""Who else is at work in the database, as pg_stat_activity tells it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from .waits import Session

SHOWN = 80  # characters of a query

_literal = re.compile(r"'(?:[^']|'')*'?|\$(\w*)\$.*?(?:\$\1\$|\Z)", re.DOTALL)

COLUMNS = """
    coalesce(a.usename, '') as user, coalesce(a.application_name, '') as application,
    coalesce(host(a.client_addr), 'this machine') as client, coalesce(a.state, '') as state,
    coalesce(a.query, '') as query,
    extract(epoch from clock_timestamp() - a.query_start)::float8 as query_seconds,
    extract(epoch from clock_timestamp() - a.xact_start)::float8 as transaction_seconds,
    coalesce(to_char(a.state_change at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'), '') as since
"""


def session(row: Any) -> Session:
    """Make one of a row that has `pid` and COLUMNS."""
    values = dict(row._mapping)
    return Session(**{**values, "query": shown(values["query"])})


def blockers(connection: Connection, pids: Iterable[int]) -> tuple[Session, ...]:
    """Give those for whom `pids` wait at this moment, none of `pids` among them."""
    own = ", ".join(str(int(pid)) for pid in pids)
    if not own:
        return ()
    rows = connection.execute(
        text(
            f"select b.pid, {COLUMNS} from (select distinct unnest(pg_blocking_pids(own)) as pid "
            f"from unnest(array[{own}]) as own) b left join pg_stat_activity a on a.pid = b.pid "
            f"where b.pid not in ({own}) order by a.xact_start, b.pid"
        )
    )
    return tuple(map(session, rows))


def shown(query: str) -> str:
    """Give the beginning of a statement in one line; a literal in it may be anybody's secret."""
    line = " ".join(_literal.sub("'…'", query).split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
