"""Rehearsals: what they tell of pending revisions, and that the live database is only read."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from tests.conftest import Database
from tests.integration.backup.conftest import EVERYTHING
from tests.integration.engine.conftest import ENGINE, Headway
from tests.integration.engine.test_env_styles import ASYNC, TENANT
from tests.unit.engine.apps import ENV_PY, App

ROWS_TOUCHED = """
    select relname, n_tup_ins, n_tup_upd, n_tup_del, seq_scan, seq_tup_read, coalesce(idx_scan, 0)
    from pg_stat_user_tables where relname <> 'alembic_version' order by 1
"""
SCRATCH = "select datname from pg_database where starts_with(datname, 'headway_rehearsal_')"

MODELS = """
from sqlalchemy import Column, Integer, MetaData, Table, Text
metadata = MetaData()
Table("t_aaaa", metadata, Column("id", Integer), Column("note", Text))
"""


def write(app: App, *revisions: tuple[str, str, str], after: str | None = None) -> None:
    """Write revisions of an id, an upgrade and a downgrade, one after the other."""
    for revision, upgrade, downgrade in revisions:
        app.revision(revision, after, upgrade, downgrade=downgrade)
        after = revision


def executes(*statements: str) -> str:
    return "\n".join(f"op.execute({statement!r})" for statement in statements)


@pytest.fixture(autouse=True)
def nothing_is_left(database: Database) -> Iterator[None]:
    """Have every test leave no scratch database of its own."""
    yield
    assert scratch_databases(database) == []


def scratch_databases(database: Database) -> list[str]:
    """Give the scratch databases of a test's database."""
    return [
        name
        for (name,) in database.query(
            f"{SCRATCH} and shobj_description(oid, 'pg_database')::json ->> 'of' = '{database.name}'"
        )
    ]


def by_id(rehearsal: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {revision["revision"]: revision for revision in rehearsal["revisions"]}


def locks(revision: dict[str, Any]) -> dict[str, str]:
    return {lock["table"]: lock["mode"] for lock in revision["did"]["locks"]}


def test_what_is_learned_is_exact(headway: Headway, app: App, database: Database) -> None:
    app.chain("aaaa")
    headway("upgrade", app)
    database.query("create table other (id int primary key)")
    write(
        app,
        (
            "bbbb",
            "op.add_column('t_aaaa', sa.Column('note', sa.Text))",
            "op.drop_column('t_aaaa', 'note')",
        ),
        (
            "cccc",
            "op.alter_column('t_aaaa', 'id', type_=sa.BigInteger)",
            "op.alter_column('t_aaaa', 'id', type_=sa.Integer)",
        ),
        (
            "dddd",
            "with op.get_context().autocommit_block():\n"
            "    op.create_index('i', 't_aaaa', ['id'], postgresql_concurrently=True)",
            "op.drop_index('i')",
        ),
        (
            "eeee",
            executes("alter table t_aaaa add other int references other"),
            executes("alter table t_aaaa drop other"),
        ),
        after="aaaa",
    )
    before, told = database.dump(), headway("rehearse", app)
    assert told["outcome"] == "passed"
    assert told["down_and_up"] == "same"
    assert told["not_rehearsed"] == []
    revisions = by_id(told)
    assert list(revisions) == ["bbbb", "cccc", "dddd", "eeee"]
    assert {r["down"] for r in revisions.values()} == {"same"}
    assert revisions["bbbb"]["did"]["statements"] == ["ALTER TABLE t_aaaa ADD COLUMN note TEXT"]
    assert locks(revisions["bbbb"]) == {"public.t_aaaa": "ACCESS EXCLUSIVE"}
    assert revisions["bbbb"]["did"]["rewritten"] == []
    assert revisions["cccc"]["did"]["rewritten"] == ["public.t_aaaa"]
    assert "CONCURRENTLY" in "".join(revisions["dddd"]["did"]["autocommit"])
    assert revisions["eeee"]["did"]["autocommit"] == []
    assert locks(revisions["eeee"]) == {
        "public.t_aaaa": "ACCESS EXCLUSIVE",
        "public.other": "SHARE ROW EXCLUSIVE",
    }
    assert "target_metadata" in told["drift_unknown"]
    assert database.dump() == before


CHANGES = {
    "enum": (
        executes("alter type mood add value 'calm'", "create type size as enum ('s', 'l')"),
        executes("drop type size"),
        "differs",
    ),
    "view": (
        executes("create or replace view glad as select name, mood from person"),
        executes(
            "drop view glad", "create view glad as select name from person where mood = 'glad'"
        ),
        "same",
    ),
    "trigger": (
        executes("drop trigger stamps on person"),
        executes(
            "create trigger stamps before insert on person for each row execute function stamp()"
        ),
        "same",
    ),
    "function": (
        executes("create or replace function double(n int) returns int language sql as 'select 2'"),
        executes(
            "create or replace function double(n int) returns int language sql as 'select n * 2'"
        ),
        "same",
    ),
    "extension": (executes("create extension pg_trgm"), executes("drop extension pg_trgm"), "same"),
    "partition": (
        executes(
            "create table visit_2026 partition of visit for values from ('2026-01-01') to ('2027-01-01')"
        ),
        executes("drop table visit_2026"),
        "same",
    ),
    "policy": (
        executes("drop policy everyone on person"),
        executes("create policy everyone on person using (id > 0)"),
        "differs",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_all_kinds_of_objects(newest: Headway, app: App, database: Database, what: str) -> None:
    database.query(EVERYTHING)
    database.query("update alembic_version set version_num = 'aaaa'")
    database.query(f"alter database {database.name} set work_mem to '5MB'")
    upgrade, downgrade, down = CHANGES[what]
    app.chain("aaaa")
    write(app, ("bbbb", upgrade, downgrade), after="aaaa")
    before, touched = database.dump(), database.query(ROWS_TOUCHED)
    told = newest("rehearse", app)
    assert told["outcome"] == "passed", told
    assert told["not_rehearsed"] == []  # the scratch database has all that the live one has
    assert by_id(told)["bbbb"]["down"] == down, told
    assert told["down_and_up"] == down
    assert database.query(ROWS_TOUCHED) == touched
    assert database.dump() == before


def test_a_lock_on_a_live_table_is_not_met(newest: Headway, app: App, database: Database) -> None:
    """The live table is locked for the whole of the revisions, and they don't notice."""
    app.chain("aaaa")
    newest("upgrade", app)
    lock = (
        f"import psycopg2\nglobal held\nheld = psycopg2.connect({database.url('').replace('+', '')!r})\n"
        "held.cursor().execute('lock table t_aaaa in access exclusive mode nowait')\n"
        "op.execute('set lock_timeout = 500')\n"
        "op.execute('alter table t_aaaa add note text')"
    )
    write(app, ("bbbb", lock, "op.drop_column('t_aaaa', 'note')"), after="aaaa")
    told = newest("rehearse", app)
    assert told["outcome"] == "passed", told


def test_a_live_table_that_cannot_be_copied(newest: Headway, app: App, database: Database) -> None:
    app.chain("aaaa", "bbbb")
    newest("upgrade", app, "aaaa")
    with holding(database, "lock table t_aaaa in access exclusive mode"):
        code, told = newest.run("rehearse", "--config", app.config)
    assert code == 1
    assert told["outcome"] == "impossible"
    assert "t_aaaa" in told["not_rehearsed"][0]


@contextmanager
def holding(database: Database, statement: str) -> Iterator[None]:
    """Keep a transaction open that has sent a statement."""
    with create_engine(database.url(), poolclass=NullPool).connect() as connection:
        connection.execute(text(statement))
        yield


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg", "pg8000"])
def test_every_driver_is_redirected(
    newest: Headway, make_app: Callable[..., App], database: Database, driver: str
) -> None:
    app = make_app(url=database.url(driver), env_py=ASYNC if driver == "asyncpg" else ENV_PY)
    app.chain("aaaa")
    newest("upgrade", app)
    write(
        app,
        (
            "bbbb",
            executes("create table t_bbbb (a text default '50%')"),
            executes("drop table t_bbbb"),
        ),
        after="aaaa",
    )
    told = newest("rehearse", app)
    assert told["outcome"] == "passed", told
    assert told["down_and_up"] == "same"
    assert database.tables() == {"alembic_version", "t_aaaa"}


@pytest.mark.parametrize(
    ("name", "url", "arguments"),
    [
        ("dsn", "postgresql://?host=HOST&port=PORT&user=USER&password=PASSWORD&dbname=NAME", ""),
        ("environment", "postgresql+psycopg2://", ""),
        ("passfile", "postgresql+psycopg2://USER@HOST:PORT/NAME", ""),
        ("passfile", "postgresql+asyncpg://USER@HOST:PORT/NAME", ""),
        ("creator", "postgresql+psycopg2://", ", creator=connect"),
    ],
)
def test_every_way_to_name_the_database(
    newest: Headway,
    make_app: Callable[..., App],
    database: Database,
    name: str,
    url: str,
    arguments: str,
) -> None:
    for word in ("host", "port", "user", "password", "name"):
        url = url.replace(word.upper(), str(getattr(database, word)))
    dsn = " ".join(
        f"{key}={value}"
        for key, value in (
            ("host", database.host),
            ("port", database.port),
            ("user", database.user),
            ("password", database.password),
            ("dbname", database.name),
        )
    )
    env_py = ENV_PY.replace(
        'engine = engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)',
        "import psycopg2\nfrom sqlalchemy import create_engine\n"
        f"DSN = {dsn!r}\n"
        "def connect():\n    return psycopg2.connect(DSN)\n"
        f'engine = create_engine(section["sqlalchemy.url"], poolclass=pool.NullPool{arguments})',
    )
    app = make_app(url=url, env_py=ASYNC if "asyncpg" in url else env_py)
    app.chain("aaaa", "bbbb")
    environment = {
        "PGHOST": database.host,
        "PGPORT": str(database.port),
        "PGUSER": database.user,
        "PGPASSWORD": database.password,
        "PGDATABASE": database.name,
    }
    passfile = app.folder / "pgpass"
    passfile.touch(mode=0o600)
    passfile.write_text(
        ":".join(
            (database.host, str(database.port), database.name, database.user, database.password)
        )
    )
    given = {"environment": environment, "passfile": {"PGPASSFILE": str(passfile)}}.get(name, {})
    newest("upgrade", app, "aaaa", **given)
    _, told = newest.run("rehearse", "--config", app.config, **given)
    if name == "creator":
        assert told["outcome"] == "impossible"
        assert "creator" in told["not_rehearsed"][0]
    else:
        assert told["outcome"] == "passed", told
    assert database.tables() == {"alembic_version", "t_aaaa"}


def test_tenants(newest: Headway, make_app: Callable[..., App], database: Database) -> None:
    app = make_app(env_py=TENANT)
    app.chain("aaaa")
    for tenant in ("one", "two"):
        database.query(f"create schema {tenant}")
        newest("upgrade", app, "-x", f"tenant={tenant}")
    app.chain("bbbb", after="aaaa")
    told = newest("rehearse", app, "-x", "tenant=two")
    assert told["outcome"] == "passed"
    assert [c["what"] for c in by_id(told)["bbbb"]["did"]["changes"]][-1] == "table two.t_bbbb"
    assert database.tables("two") == {"migrations", "t_aaaa"}


def test_a_fault_is_told_with_its_revision(newest: Headway, app: App, database: Database) -> None:
    app.chain("aaaa")
    newest("upgrade", app)
    app.chain("bbbb", after="aaaa")
    app.revision("cccc", "bbbb", "op.execute('create table t_aaaa ()')")
    code, told = newest.run("rehearse", "--config", app.config)
    assert code == 1
    assert told["outcome"] == "failed"
    assert told["failed_revision"] == "cccc"
    assert told["sqlstate"] == "42P07"
    assert told["pending"] == ["cccc"]
    assert list(by_id(told)) == ["bbbb"]
    assert database.tables() == {"alembic_version", "t_aaaa"}


def test_downgrades_that_do_not_take_back(newest: Headway, app: App) -> None:
    write(
        app,
        ("aaaa", "op.execute('create table a ()')", "raise NotImplementedError('no way back')"),
        (
            "bbbb",
            executes("create type size as enum ('s')", "create table b (s size)"),
            executes("drop table b"),
        ),
        ("cccc", executes("create table c ()"), "pass"),
    )
    told = newest("rehearse", app)
    revisions = by_id(told)
    assert [r["down"] for r in revisions.values()] == ["irreversible", "differs", "missing"]
    assert "no way back" in revisions["aaaa"]["down_reason"]
    assert "type public.size" in {c["what"] for c in revisions["bbbb"]["not_undone"]}
    assert told["down_and_up"] == "irreversible"


def test_rows(newest: Headway, app: App, database: Database) -> None:
    app.chain("aaaa")
    newest("upgrade", app)
    database.query("insert into t_aaaa values (1), (2)")
    app.revision(
        "bbbb",
        "aaaa",
        "rows = op.get_bind().execute(sa.text('select id from t_aaaa')).fetchall()\n"
        "assert len(rows) == 2",
    )
    code, told = newest.run("rehearse", "--config", app.config)
    assert code == 1
    assert told["outcome"] == "inconclusive"
    assert "bbbb" in told["not_rehearsed"][0]
    told = newest("rehearse", app, "--rows", "all")
    assert told["outcome"] == "passed"
    assert told["not_rehearsed"] == []
    assert by_id(told)["bbbb"]["did"]["reads_rows"]


def test_drift(headway: Headway, make_app: Callable[..., App], database: Database) -> None:
    env_py = MODELS + ENV_PY.replace(
        "connection=connection", "connection, target_metadata=metadata"
    )
    app = make_app(env_py=env_py)
    app.chain("aaaa")
    headway("upgrade", app)
    app.revision("bbbb", "aaaa", "op.create_table('stray', sa.Column('id', sa.Integer))")
    told = headway("rehearse", app)
    assert sorted(told["drift"]) == [
        "the database lacks column t_aaaa.note",
        "the models lack table stray",
    ]
    app.revision(
        "cccc",
        "bbbb",
        "op.drop_table('stray')\nop.add_column('t_aaaa', sa.Column('note', sa.Text))",
    )
    assert headway("rehearse", app)["drift"] == []


def test_no_right_to_create_databases(
    newest: Headway, make_app: Callable[..., App], database: Database
) -> None:
    role = f"{database.name}_owner"
    database.query(f"create role {role} login password '{database.password}'")
    database.query(f"alter database {database.name} owner to {role}")
    try:
        owner = replace(database, user=role)
        app = make_app(url=owner.url())
        database.query(f"grant create on schema public to {role}")
        app.chain("aaaa", "bbbb")
        newest("upgrade", app, "aaaa")
        code, told = newest.run("rehearse", "--config", app.config)
        assert code == 1
        assert told["outcome"] == "impossible"
        assert role in told["not_rehearsed"][0]
        assert "CREATEDB" in told["not_rehearsed"][0]
        database.query(f"alter role {role} createdb")
        assert newest("rehearse", app)["outcome"] == "passed"
    finally:
        database.query(f"alter database {database.name} owner to {database.user}")
        database.query(f"reassign owned by {role} to {database.user}; drop owned by {role}")
        database.query(f"drop role {role}")


def test_killed_in_the_middle(newest: Headway, app: App, database: Database) -> None:
    """What is killed leaves a database; the next run tells it from one in use, and drops it."""
    app.chain("aaaa")
    newest("upgrade", app)
    app.revision("bbbb", "aaaa", "op.execute('select pg_sleep(60)')")
    running = subprocess.Popen(
        [newest.python, "-m", "headway.cli", "rehearse", "--config", app.config],
        env={**os.environ, "PYTHONPATH": str(ENGINE)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    sleeping = "select pid from pg_stat_activity where query = 'select pg_sleep(60)'"
    deadline = time.monotonic() + 60
    while not database.query(sleeping):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (in_use,) = scratch_databases(database)
    app.revision("bbbb", "aaaa")
    assert newest("rehearse", app)["dropped"] == []
    assert scratch_databases(database) == [in_use]
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    while database.query(
        "select 1 from pg_locks l join pg_stat_activity a using (pid) where locktype = 'advisory' "
        f"and a.datname = '{database.name}'"
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert scratch_databases(database) == [in_use]
    assert newest("rehearse", app)["dropped"] == [in_use]


def test_a_database_that_is_not_ours_stays(newest: Headway, app: App, database: Database) -> None:
    name = f"headway_rehearsal_{database.name}"
    app.chain("aaaa")
    database.query(f"create database {name}")
    try:
        database.query(f"comment on database {name} is 'somebody else''s'")
        assert newest("rehearse", app)["dropped"] == []
        assert (name,) in database.query(SCRATCH)
    finally:
        database.query(f"drop database {name}")
