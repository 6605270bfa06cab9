"""What was run here and by whom, kept in the database in a schema of our own.

Written beside the migration on a connection of its own: what keeps it from being written (rights,
a read-only server, a lock) is a warning and never makes a migration fail. Reading creates nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from .queries import RECORD_IS_READABLE, RECORDED_REVISIONS, RECORDED_RUNS
from .results import RecordedRevision, RecordedRun, VersionTable

Run = Mapping[str, Any]  # the columns of headway.run

_TABLES = """
    create table if not exists headway.run (
        id text primary key,
        version_tables text[] not null,
        direction text not null,
        target text not null,
        before text[] not null,
        after text[] not null,
        who text not null,
        role text not null default current_user,
        release text not null,
        started timestamptz not null,
        seconds float8,
        retries int not null,
        waits jsonb not null,
        outcome text not null,
        reason text
    );
    create table if not exists headway.revision (
        run text not null references headway.run on delete cascade,
        position int not null,
        revision text not null,
        message text not null,
        seconds float8,
        sha256 text,
        primary key (run, position)
    );
"""

# Default privileges may give roles of the app rights in whatever the migration's role creates.
_CREATE = f"""
do $headway$
declare grantee text;
begin
    perform pg_advisory_xact_lock(hashtext('headway record'));
    if to_regnamespace('headway') is null then
        create schema headway;
        comment on schema headway is 'What Headway ran here. The app needs nothing of it.';
    end if;
    {_TABLES}
    for grantee in
        select distinct case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end
        from (select relacl as acl, relowner as owner from pg_class
              where relnamespace = 'headway'::regnamespace
              union all select nspacl, nspowner from pg_namespace where nspname = 'headway') o,
             aclexplode(o.acl) a
        where a.grantee <> o.owner
    loop
        execute 'revoke all on all tables in schema headway from ' || grantee;
        execute 'revoke all on schema headway from ' || grantee;
    end loop;
end $headway$
"""

_WRITE = """
    with the_run as (
        insert into headway.run (id, version_tables, direction, target, before, after, who, release,
                                 started, seconds, retries, waits, outcome, reason)
        select id, version_tables, direction, target, before, after, who, release,
               clock_timestamp() - make_interval(secs => coalesce(seconds, 0)),
               seconds, retries, waits, outcome, reason
        from json_to_record(cast(:run as json)) as r(
            id text, version_tables text[], direction text, target text, before text[], after text[],
            who text, release text, seconds float8, retries int, waits jsonb, outcome text,
            reason text)
        on conflict (id) do update set
            before = excluded.before, after = excluded.after, seconds = excluded.seconds,
            retries = excluded.retries, waits = excluded.waits, outcome = excluded.outcome,
            reason = excluded.reason
        returning id
    )
    insert into headway.revision (run, position, revision, message, seconds, sha256)
    select the_run.id, r.position, r.revision, r.message, r.seconds, r.sha256
    from the_run, json_to_recordset(cast(:revisions as json)) as r(
        position int, revision text, message text, seconds float8, sha256 text)
"""


def begin(run: Run, connection: Connection) -> None:
    """Write down that a run begins, on the connection in autocommit that holds the lock.

    Others that never ended have ended then.
    """
    limit_waits(connection, "false")
    _create(connection)
    connection.execute(
        text(
            "update headway.run set outcome = 'interrupted' where outcome = 'running' "
            "and id <> :id and version_tables && cast(:tables as text[])"
        ),
        {"id": run["id"], "tables": run["version_tables"]},
    )
    _write(run, [], connection)


def end(run: Run, revisions: Sequence[Mapping[str, Any]], connection: Connection) -> None:
    """Write down a run that has ended, in one transaction.

    Its settings are that transaction's, since a pooler may give the session to others after it.
    """
    with connection.begin():
        limit_waits(connection, "true")
        _create(connection)
        _write(run, revisions, connection)


def read(
    table: VersionTable, connection: Connection
) -> tuple[list[RecordedRun], list[RecordedRevision]]:
    """Give the last runs, newest first, and each revision's last application; none if none is kept."""
    if not connection.execute(text(RECORD_IS_READABLE)).scalar():
        return [], []
    named = {"version_table": str(table)}
    runs = [
        RecordedRun.from_dict(dict(row._mapping))
        for row in connection.execute(text(RECORDED_RUNS), named)
    ]
    applied = [
        RecordedRevision(*row) for row in connection.execute(text(RECORDED_REVISIONS), named)
    ]
    return runs, applied


def limit_waits(connection: Connection, in_transaction: str) -> None:
    """Wait for nobody for long."""
    connection.execute(
        text(
            f"select set_config('lock_timeout', '2s', {in_transaction}), "
            f"set_config('statement_timeout', '10s', {in_transaction})"
        )
    )


def _create(connection: Connection) -> None:
    if not connection.execute(text(RECORD_IS_READABLE)).scalar():
        connection.exec_driver_sql(_CREATE)


def _write(run: Run, revisions: Sequence[Mapping[str, Any]], connection: Connection) -> None:
    """Write a row for the run, or what became of the one that its beginning wrote."""
    values = {"run": json.dumps(run), "revisions": json.dumps(revisions)}
    connection.execute(text(_WRITE), values)
