"""What tables and columns hold, and what of it is not there any more after a step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from .rehearsal import Lost
from .schema import array_of, leaving_no_trace
from .session import PlainSession

_TABLES = """
    select c.oid::int8, format('%I.%I', n.nspname, c.relname),
        coalesce(array_agg(a.attnum::int order by a.attnum) filter (where a.attnum > 0), '{}'),
        coalesce(array_agg(quote_ident(a.attname) order by a.attnum) filter (where a.attnum > 0), '{}')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    left join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
    where c.relkind in ('r', 'p') and c.relpersistence <> 't'
        and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'headway')
        and format('%s.%s', n.nspname, c.relname) <> all (LEFT_OUT)
    group by c.oid, n.nspname, c.relname
"""


@dataclass(frozen=True)
class Holding:
    """A table with its rows, or a column with those that have a value; None where not counted."""

    what: str
    rows: int | None


# By the table's oid and the column's number, which outlive a new name; 0 is the table itself.
Holdings = Mapping[tuple[int, int], Holding]


def holdings(connection: Connection, leave_out: Iterable[str], *, count: bool) -> Holdings:
    """Give what is there, and if asked to `count`, in how many rows. Leaves the transaction as it was."""
    session = PlainSession(connection)
    found: dict[tuple[int, int], Holding] = {}
    for oid, table, numbers, columns in session.rows(
        _TABLES.replace("LEFT_OUT", array_of(leave_out))
    ):
        counted = _counted(session, table, columns) if count else None
        rows: Iterable[int | None] = counted or [None] * (len(columns) + 1)
        names = [f"table {table}", *(f"column {table}.{column}" for column in columns)]
        for number, name, its in zip((0, *numbers), names, rows, strict=True):
            found[int(oid), number] = Holding(name, its)
    return found


def lost(before: Holdings, after: Holdings) -> Iterator[Lost]:
    """Give what is gone: tables, columns, and where they were counted rows and values of them."""
    for (oid, column), was in before.items():
        now = after.get((oid, column))
        if now is None:
            if not column or (oid, 0) in after:
                yield Lost(was.what, was.rows)
        elif fewer := _fewer(was, now):
            gone_with_rows = _fewer(before[oid, 0], after[oid, 0]) if column else 0
            if fewer > gone_with_rows:
                what = f"values of {was.what}" if column else f"rows of {was.what}"
                yield Lost(what, fewer)


def _fewer(was: Holding, now: Holding) -> int:
    return max(was.rows - now.rows, 0) if was.rows is not None and now.rows is not None else 0


def _counted(session: PlainSession, table: str, columns: Iterable[str]) -> list[int] | None:
    """Give the rows of a table, then those with a value in each column; None where not all are seen."""
    wanted = ", ".join(["count(*)", *(f"count({column})" for column in columns)])
    try:
        with leaving_no_trace(session):
            session.run("set local row_security = off")  # rather a fault than a part of the rows
            return [int(number) for number in session.rows(f"select {wanted} from only {table}")[0]]
    except DBAPIError:
        return None
