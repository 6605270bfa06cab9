"""Snapshots: made of the revisions, loaded into an empty database in their place, refused where they differ."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from headway import engine, process
from headway.project import Project

from tests.conftest import Database, throwaway_database
from tests.integration.engine.conftest import ENGINE, Headway
from tests.integration.engine.test_env_styles import ASYNC
from tests.unit.engine.apps import ENV_PY, App

ROLE = "headway_test_reader"

SHOP = """
op.execute("create schema stock")
op.execute("create extension pg_trgm with schema stock")
op.execute("create type mood as enum ('sad', 'glad')")
op.execute("create domain price as numeric(10, 2) check (value >= 0)")
op.create_table(
    "country",
    sa.Column("code", sa.String(2), primary_key=True),
    sa.Column("name", sa.Text, comment="as its people call it"),
)
op.execute("insert into country values ('it', 'L''Italia; -- SELECT 1;\\nINSERT INTO t VALUES (1);'), ('de', null)")
op.create_table(
    "customer",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("country", sa.String(2), sa.ForeignKey("country.code")),
    sa.Column("referred_by", sa.Integer, sa.ForeignKey("customer.id")),
    sa.Column("born", sa.DateTime(timezone=True)),
)
op.execute("insert into customer (country, born) select 'it', '2001-02-03 04:05:06+00' from generate_series(1, 12)")
op.execute("update customer set referred_by = 12 where id = 1")
op.execute("delete from customer where id = 5")
op.execute("create index country_name on country using gin (name stock.gin_trgm_ops)")
op.execute('''create table stock.event
    (at date, data jsonb, kept boolean generated always as (data is not null) stored) partition by range (at)''')
op.execute('''create table stock.event_2020
    partition of stock.event for values from ('2020-01-01') to ('2021-01-01')''')
op.execute('''insert into stock.event (at, data) values ('2020-05-05', '{"a": "b;c"}')''')
op.execute('''create table stock.numbered
    (id int generated always as identity (start 100), blob bytea default decode('00ff', 'hex'))''')
op.execute("insert into stock.numbered default values")
op.execute("create table stock.bare ()")
op.execute("insert into stock.bare default values")
op.execute("create sequence stock.ticket start 7 increment 3")
op.execute("create view adults as select id, country from customer where born < '2002-01-01 00:00:00+00'")
op.execute("create materialized view totals as select country, count(*) from customer group by 1")
op.execute('''create function touch() returns trigger language plpgsql as $f$
--
-- Name: not an entry; Type: TABLE; Schema: -; Owner: -
--

begin new.name := upper(new.name); return new; end $f$''')
op.execute("create function two() returns int begin atomic select 1; select 2; end")
op.execute("create trigger touched before insert on country for each row execute function touch()")
op.execute("create rule quiet as on delete to country do instead nothing")
op.execute("alter table customer enable row level security")
op.execute("create policy own on customer using (id > 0)")
op.execute("revoke execute on function two() from public")
"""
GRANTS = f"""
op.execute("grant usage on schema stock to {ROLE}")
op.execute("grant select (code), update on country to {ROLE} with grant option")
op.execute("grant execute on function two() to {ROLE}")
with op.get_context().autocommit_block():
    op.execute("create index concurrently customer_born on customer (born)")
"""


@pytest.fixture(scope="module")
def reader(postgres_server: Database) -> Iterator[str]:
    """Give a role that revisions grant rights to, dropped after all databases in which it has some."""
    postgres_server.query(f"drop role if exists {ROLE}")
    postgres_server.query(f"create role {ROLE}")
    yield ROLE
    postgres_server.query(f"drop role {ROLE}")


@pytest.fixture
def other(postgres_server: Database) -> Iterator[Database]:
    """Give one more empty database."""
    with throwaway_database(postgres_server) as database:
        yield database


@pytest.fixture(scope="module")
def snapshot_of_two(
    newest_python: Path, postgres_server: Database, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Give the snapshot of two revisions, made once."""
    with throwaway_database(postgres_server) as database:
        app = App.make(tmp_path_factory.mktemp("two"), database.url())
        app.chain("a1", "a2")
        Headway(newest_python)("snapshot", app)
        left = "select datname from pg_database where datname like 'headway_rehearsal%'"
        assert database.query(left) == []
        assert database.tables() == set()
    return file(app).read_text()


@pytest.fixture
def chain(app: App, snapshot_of_two: str) -> App:
    """Give an app with two revisions and their snapshot."""
    app.chain("a1", "a2")
    file(app).write_text(snapshot_of_two)
    return app


def file(app: App) -> Path:
    return app.folder / "alembic" / "snapshot.sql"


def reason(result: dict[str, object]) -> str:
    use = result["snapshot"]
    assert isinstance(use, dict)
    assert use["loaded"] == []
    return str(use["reason"])


def dump(database: Database) -> str:
    """Give schema and rows without the record of runs, the rows of each table in one order.

    They come in the order in which they lie in the table, which an UPDATE changes.
    """
    text = subprocess.run(
        [
            *(database.bindir / "pg_dump", "--inserts", "--exclude-schema=headway"),
            *("-h", database.host, "-p", str(database.port), "-U", database.user, database.name),
        ],
        env={**os.environ, "PGPASSWORD": database.password},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return "\n".join(sorted(line for line in text.splitlines() if "restrict" not in line))


def test_both_ways_make_the_same_database(
    headway: Headway, app: App, database: Database, other: Database, reader: str
) -> None:
    app.revision("a1", None, SHOP)
    app.revision("a2", "a1", GRANTS)
    made = headway("snapshot", app)
    assert (made["changed"], made["head"], made["revisions"]) == (True, "a2", 2)
    app.revision("a3", "a2", "op.execute(\"insert into country values ('fr', 'la France')\")")

    for place, options in ((database, ()), (other, ("--no-snapshot",))):
        # As a deploy sets up the database, before anything is in it.
        place.query(f"alter default privileges grant insert on tables to {reader}")
        app.point_to(place.url())
        result = headway("upgrade", app, *options)
        assert [a["revision"] for a in result["applied"]] == ["a1", "a2", "a3"]
        if place is database:
            assert result["snapshot"]["loaded"] == ["a1", "a2"]
            assert result["warnings"] == []
        else:
            assert result["snapshot"] is None
    assert database.query("select * from alembic_version") == [("a3",)]
    assert database.query("select version_num from alembic_version") == [("a3",)]
    assert dump(database) == dump(other)
    for sequence in ("customer_id_seq", "stock.ticket", "stock.numbered_id_seq"):
        value = f"select nextval('{sequence}')"
        assert database.query(value) == other.query(value)
    owner = "select distinct tableowner from pg_tables where schemaname in ('public', 'stock')"
    assert database.query(owner) == [(database.user,)]


def test_it_is_the_same_text_again(newest: Headway, app: App) -> None:
    app.revision("a1", None, SHOP)
    assert newest("snapshot", app)["changed"]
    first = file(app).read_text()
    assert newest("snapshot", app)["changed"] is False
    assert file(app).read_text() == first


def test_as_a_deploy_loads_it(
    newest: Headway, app: App, database: Database, other: Database, reader: str
) -> None:
    """By an owner with no more rights, beside an extension of a superuser's that no revision makes."""
    owner = replace(other, user="headway_test_owner", password=secrets.token_hex(8))
    other.query(f"drop role if exists {owner.user}")
    other.query(f"create role {owner.user} login password '{owner.password}'")
    for place in (database, other):
        place.query("create extension citext")
    app.revision("a1", None, "op.execute('create table word (word citext primary key)')")
    newest("snapshot", app)
    try:
        other.query(f"alter database {other.name} owner to {owner.user}")
        other.query(
            f"alter default privileges for role {owner.user} grant select on tables to {reader}"
        )
        app.point_to(owner.url())
        assert newest("upgrade", app)["snapshot"]["loaded"] == ["a1"]
        assert other.query(
            f"select tableowner, has_table_privilege('{reader}', 'word', 'select') from pg_tables"
            " where tablename = 'word'"
        ) == [(owner.user, True)]
    finally:
        other.query(f"reassign owned by {owner.user} to {database.user}")
        other.query(f"drop owned by {owner.user}")
        other.query(f"drop role {owner.user}")


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg", "asyncpg"])
def test_drivers(newest: Headway, chain: App, database: Database, driver: str) -> None:
    chain.point_to(database.url(driver))
    if driver == "asyncpg":
        chain.env_py.write_text(ASYNC)
    before = file(chain).read_text()
    file(chain).unlink()
    assert newest("snapshot", chain)["changed"]
    assert file(chain).read_text() == before
    assert newest("upgrade", chain)["snapshot"]["loaded"] == ["a1", "a2"]
    assert database.tables() == {"t_a1", "t_a2", "alembic_version"}


def test_a_driver_that_cannot_runs_the_revisions(
    newest: Headway, chain: App, database: Database
) -> None:
    chain.point_to(database.url("pg8000"))
    result = newest("upgrade", chain)
    assert result["after"] == ["a2"]
    assert database.tables() == {"t_a1", "t_a2", "alembic_version"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("with engine.connect()", "with engine.begin()"),
        ("connection=connection", "connection=connection, transaction_per_migration=False"),
    ],
)
def test_an_env_py_with_one_transaction_for_all(
    newest: Headway, chain: App, database: Database, before: str, after: str
) -> None:
    chain.env_py.write_text(ENV_PY.replace(before, after))
    chain.revision("a3", "a2", "op.execute('create table later (id int)')")
    assert newest("upgrade", chain)["snapshot"]["loaded"] == ["a1", "a2"]
    assert "later" in database.tables()


@pytest.mark.parametrize("style", [", isolation_level='AUTOCOMMIT'", ""])
def test_where_it_could_be_loaded_by_halves_the_revisions_run(
    newest: Headway, chain: App, style: str
) -> None:
    chain.env_py.write_text(ENV_PY.replace("NullPool", f"NullPool{style}"))
    result = newest("upgrade", chain, *([] if style else ["-x", "tenant=a"]))
    assert ("autocommit" if style else "x arguments") in reason(result)
    assert result["after"] == ["a2"]


def test_a_plan_says_so(newest: Headway, chain: App, database: Database) -> None:
    plan = newest("plan", chain)
    assert plan["snapshot"]["loaded"] == ["a1", "a2"]
    assert [p["revision"] for p in plan["pending"]] == ["a1", "a2"]
    assert newest("plan", chain, "--no-snapshot")["snapshot"] is None
    assert database.tables() == set()


def test_alembic_is_not_asked_whether_it_fits(chain: App, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(str(chain.config))
    asked: list[Project] = []
    run = process.run

    def noted(work: process.Work, of: Project) -> tuple[dict[str, Any], list[str]]:
        asked.append(of)
        return run(work, of)

    monkeypatch.setattr(process, "run", noted)
    assert engine.plan(project, sql=False, snapshot=False).snapshot is None
    fits = engine.plan(project, sql=False).snapshot
    assert asked == []
    assert fits == engine.plan(project).snapshot
    assert asked == [project]


def test_the_record_has_the_revisions(newest: Headway, chain: App, database: Database) -> None:
    newest("upgrade", chain)
    (run,) = newest("status", chain)["runs"]
    assert (run["outcome"], run["revisions"]) == ("applied", ["a1", "a2"])
    assert run["reason"] == f"{file(chain)} is loaded in place of 2 revisions."
    rows = database.query("select revision, sha256 is not null from headway.revision")
    assert rows == [("a1", True), ("a2", True)]


def test_only_an_empty_database(newest: Headway, chain: App, database: Database) -> None:
    database.query("create function mine() returns int language sql as 'select 1'")
    result = newest("upgrade", chain)
    assert reason(result) == "the database holds something already, function public.mine()"
    assert result["after"] == ["a2"]
    assert len(result["warnings"]) == 1


def test_a_database_with_a_revision(newest: Headway, chain: App) -> None:
    newest("upgrade", chain, "a1")
    result = newest("upgrade", chain)
    assert result["snapshot"] is None
    assert [a["revision"] for a in result["applied"]] == ["a2"]


def test_a_target_below(newest: Headway, chain: App, database: Database) -> None:
    result = newest("upgrade", chain, "a1")
    assert reason(result) == "the target does not lead as far as its head, a2"
    assert database.tables() == {"t_a1", "alembic_version"}


def test_no_snapshot(newest: Headway, app: App) -> None:
    app.chain("a1")
    result = newest("upgrade", app)
    assert reason(result) == "the app has none (headway snapshot makes it)"
    assert result["warnings"] == []


def test_an_edited_revision(newest: Headway, chain: App, database: Database) -> None:
    edited = chain.revision("a2", "a1", "op.execute('create table other (id int)')")
    why = f"{edited} was edited since it was made"
    code, state = newest.run("snapshot", "--check", "--config", chain.config)
    assert (code, state["current"], state["reason"]) == (4, False, why)
    result = newest("upgrade", chain)
    assert reason(result) == why
    assert result["warnings"] == [
        f"The snapshot {file(chain)} is not loaded, the revisions are run: {why}."
    ]
    assert database.tables() == {"t_a1", "other", "alembic_version"}


def test_a_later_revision(newest: Headway, chain: App, database: Database) -> None:
    assert newest("snapshot", chain, "--check")["current"]
    chain.revision("a3", "a2")
    code, state = newest.run("snapshot", "--check", "--config", chain.config)
    assert (code, state["reason"]) == (4, "it lacks 1 revision, a3 the first")
    result = newest("upgrade", chain)
    assert result["snapshot"]["loaded"] == ["a1", "a2"]
    assert [a["revision"] for a in result["applied"]] == ["a1", "a2", "a3"]
    assert "t_a3" in database.tables()


def test_a_later_revision_that_fails(newest: Headway, chain: App, database: Database) -> None:
    chain.revision("a3", "a2", "op.execute('select 1/0')")
    fault = newest.fault("upgrade", chain)
    assert (fault["kind"], fault["data"]["after"]) == ("revision_failed", ["a2"])
    assert fault["data"]["snapshot"]["loaded"] == ["a1", "a2"]
    assert database.tables() == {"t_a1", "t_a2", "alembic_version"}


def test_a_revision_that_is_gone(newest: Headway, chain: App) -> None:
    (chain.versions / "a2.py").unlink()
    assert reason(newest("upgrade", chain)) == "it stands for revision a2, which no file has"


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda text: text.replace("t_a1", "t_b1"), "its SQL does not match its checksum"),
        (lambda text: text[:-40], "its SQL does not match its checksum"),
        (lambda text: text.replace("-- head: a2\n", ""), "its first lines are damaged"),
        (lambda text: "select 1;", "it is not a snapshot of this version of Headway"),
    ],
)
def test_a_damaged_one(
    newest: Headway, chain: App, database: Database, edit: Callable[[str], str], why: str
) -> None:
    file(chain).write_text(edit(file(chain).read_text()))
    assert reason(newest("upgrade", chain)) == why
    assert database.tables() == {"t_a1", "t_a2", "alembic_version"}


def test_what_fails_leaves_nothing_and_the_revisions_run(
    newest: Headway, app: App, database: Database, reader: str
) -> None:
    app.revision(
        "a1",
        None,
        "op.create_table('t_a1', sa.Column('id', sa.Integer))\n"
        f"if op.get_bind().exec_driver_sql(\"select 1 from pg_roles where rolname = '{reader}'\").first():\n"
        f"    op.execute('grant select on t_a1 to {reader}')",
    )
    newest("snapshot", app)
    database.query(f"alter role {reader} rename to {reader}_gone")
    try:
        result = newest("upgrade", app)
    finally:
        database.query(f"alter role {reader}_gone rename to {reader}")
    assert f'role "{reader}" does not exist' in reason(result)
    assert result["after"] == ["a1"]
    assert [a["revision"] for a in result["applied"]] == ["a1"]
    assert len(result["warnings"]) == 1
    assert database.tables() == {"t_a1", "alembic_version"}
    assert database.query("select outcome, reason from headway.run") == [("applied", None)]


def test_another_search_path(newest: Headway, chain: App, database: Database) -> None:
    file(chain).write_text(file(chain).read_text().replace("-- schema: public", "-- schema: shop"))
    why = "it was made for the search path shop, and here it is public"
    assert reason(newest("plan", chain)) == why


def test_two_at_once(newest: Headway, chain: App, database: Database) -> None:
    command = [str(newest.python), "-m", "headway.cli", "upgrade", "--config", str(chain.config)]
    runs = [
        subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(ENGINE)}, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    said = [run.communicate()[0].decode() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sorted("is loaded in place" in text for text in said) == [False, True]
    assert database.query("select version_num from alembic_version") == [("a2",)]


def test_more_tables_than_one_transaction_may_lock(
    newest: Headway, chain: App, database: Database
) -> None:
    text = file(chain).read_text()
    file(chain).write_text(text.replace("-- relations: ", "-- relations: 9000"))
    result = newest("upgrade", chain)
    assert "the server has room for 6400 locks of all sessions" in reason(result)
    assert result["after"] == ["a2"]


REFUSED = {
    "create role headway_test_made": "makes or changes roles",
    "alter database {database} set work_mem = '5MB'": "changes the database itself",
    "create table x (id int); revoke select on x from public": "takes rights away",
    "alter default privileges grant select on tables to public": "sets default privileges",
    "create table x (id int); alter table x owner to postgres": "sets an owner",
    "select lo_create(0)": "large objects",
    "do $$ begin for n in 1..700 loop execute format('create table t%s (i serial primary key, t text)', n);"
    " end loop; end $$": "one transaction would lock 3502 tables, indexes and sequences",
    "create table x (t timestamptz default now()); insert into x default values": "two runs",
    "create table x (d date default current_date); insert into x default values": "two runs",
    "create table x (t timestamptz); insert into x values ('2020-01-01')": "two runs",
    "create table x (t text default current_database()); insert into x default values": "two runs",
    "create table x (u uuid default gen_random_uuid()); insert into x default values": "two runs",
    "create table x (t text default current_user); insert into x default values": "postgres, in it",
    "create table y (i int); insert into y values (1);"
    "create function few() returns boolean language plpgsql as 'begin return (select count(*) < 2 from y); end';"
    "create table x (i int check (few())); insert into x values (1)": "cannot be loaded",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_what_it_cannot_carry_is_refused(
    newest: Headway, app: App, database: Database, sql: str
) -> None:
    app.revision("a1", None, f"op.execute({sql.format(database=database.name)!r})")
    try:
        fault = newest.fault("snapshot", app)
    finally:
        database.query("drop role if exists headway_test_made")
    assert fault["kind"] == "not_snapshotable"
    assert REFUSED[sql] in fault["message"]
    assert not file(app).exists()


def test_a_revision_that_fails_is_named(newest: Headway, app: App) -> None:
    app.revision("a1", None, "op.execute('select 1/0')")
    fault = newest.fault("snapshot", app)
    assert fault["kind"] == "revision_failed"
    assert fault["message"].startswith(f"Revision a1 ({app.versions / 'a1.py'}) fails in an empty")


def test_several_heads(newest: Headway, app: App) -> None:
    app.revision("a1", None)
    app.revision("b1", None)
    assert newest.fault("snapshot", app)["kind"] == "not_snapshotable"


def test_a_role_that_may_not_create_databases(
    newest: Headway, app: App, postgres_server: Database, database: Database
) -> None:
    app.chain("a1")
    database.query("drop role if exists headway_test_poor")
    database.query("create role headway_test_poor login password 'x'")
    try:
        app.write_ini(
            "[alembic]\nscript_location = alembic\nsqlalchemy.url = postgresql+psycopg2://"
            f"headway_test_poor:x@127.0.0.1:{database.port}/{database.name}\n"
        )
        fault = newest.fault("snapshot", app)
    finally:
        database.query("drop role headway_test_poor")
    assert fault["kind"] == "no_createdb"
    assert "No snapshot can be made: the role headway_test_poor may not create" in fault["message"]
