"""Upgrades on a real server."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.conftest import Database
from tests.integration.engine.conftest import Headway
from tests.unit.engine.apps import ENV_PY, App, readable

HARD_PASSWORD = "p%a@s:s/w#o?r d'\"\\é"  # noqa: S105 - a test's


def revisions(items: list[dict[str, str]]) -> list[str]:
    return [item["revision"] for item in items]


def test_look_run_and_run_again(headway: Headway, app: App, database: Database) -> None:
    app.chain("aaaa", "bbbb")
    empty = database.dump()
    assert headway("status", app)["current"] == []
    planned = headway("plan", app)
    assert (planned["current"], planned["after"], planned["sql_complete"]) == ([], ["bbbb"], True)
    assert "CREATE TABLE t_aaaa" in planned["pending"][0]["sql"]
    assert database.dump() == empty
    assert database.tables() == set()

    done = headway("upgrade", app)
    assert (done["before"], done["after"], done["changed"]) == ([], ["bbbb"], True)
    assert revisions(done["applied"]) == ["aaaa", "bbbb"]
    assert all(applied["seconds"] > 0 for applied in done["applied"])
    assert database.tables() == {"alembic_version", "t_aaaa", "t_bbbb"}

    full = database.dump()
    again = headway("upgrade", app)
    assert (again["before"], again["after"], again["changed"]) == (["bbbb"], ["bbbb"], False)
    assert again["applied"] == []
    assert database.dump() == full


def test_the_planned_sql_does_what_the_run_does(
    headway: Headway, app: App, database: Database
) -> None:
    app.chain("aaaa")
    app.revision(
        "bbbb",
        "aaaa",
        """
        op.add_column("t_aaaa", sa.Column("note", sa.String(20), server_default="50%"))
        op.bulk_insert(sa.table("t_aaaa", sa.column("id", sa.Integer), sa.column("note", sa.String)),
                       [{"id": 1, "note": "it's %d"}])
        op.execute("update t_aaaa set note = note || '%' where note like '%d'")
        """,
    )
    planned = headway("plan", app)
    database.query("".join(pending["sql"] for pending in planned["pending"]))
    by_hand = database.dump()
    assert "it's %d%" in by_hand
    assert headway("status", app)["at_head"]
    database.query("drop table t_aaaa, alembic_version")
    headway("upgrade", app, "--no-record")
    assert database.dump() == by_hand


def test_a_failure_in_the_middle_keeps_those_before_and_a_rerun_resumes(
    headway: Headway, app: App, database: Database
) -> None:
    app.chain("aaaa", "bbbb")
    broken = app.revision(
        "cccc",
        "bbbb",
        "op.create_table('new', sa.Column('id', sa.Integer))\nop.execute('create table t_aaaa ()')",
    )
    app.chain("dddd", "eeee", after="cccc")
    fault = headway.fault("upgrade", app)
    assert fault["kind"] == "revision_failed"
    for word in (
        f"Revision cccc ({broken}) failed",
        'relation "t_aaaa" already exists (SQLSTATE 42P07)',
        "Applied and kept: aaaa, bbbb.",
        "Not applied: cccc, dddd, eeee.",
        "The database is at bbbb",
        "a rerun resumes",
    ):
        assert word in fault["message"]
    data = fault["data"]
    assert (data["before"], data["after"], data["sqlstate"]) == ([], ["bbbb"], "42P07")
    assert revisions(data["applied"]) == ["aaaa", "bbbb"]
    assert revisions(data["pending"]) == ["cccc", "dddd", "eeee"]
    assert database.tables() == {"alembic_version", "t_aaaa", "t_bbbb"}

    broken.unlink()
    app.chain("cccc", after="bbbb")
    done = headway("upgrade", app)
    assert revisions(done["applied"]) == ["cccc", "dddd", "eeee"]


def test_a_failure_at_commit_is_of_the_revision(headway: Headway, app: App) -> None:
    app.revision(
        "aaaa",
        None,
        """
        op.execute("create table p (id int primary key)")
        op.execute("create table c (p int references p deferrable initially deferred)")
        op.execute("insert into c values (1)")
        """,
    )
    fault = headway.fault("upgrade", app)
    assert "Revision aaaa" in fault["message"]
    assert "violates foreign key constraint" in fault["message"]
    assert fault["data"]["sqlstate"] == "23503"
    assert fault["data"]["after"] == []


def test_autocommit_block(headway: Headway, app: App, database: Database) -> None:
    app.chain("aaaa")
    concurrently = "with op.get_context().autocommit_block():\n    op.execute('{}')"
    app.revision("bbbb", "aaaa", concurrently.format("create index concurrently i on t_aaaa (id)"))
    app.chain("cccc", after="bbbb")
    assert headway("upgrade", app)["after"] == ["cccc"]
    assert database.query("select indisvalid from pg_index where indexrelid = 'i'::regclass") == [
        (True,)
    ]
    app.revision("dddd", "cccc", concurrently.format("create index concurrently i on t_aaaa (id)"))
    fault = headway.fault("upgrade", app)
    assert 'relation "i" already exists' in fault["message"]
    assert "had left its transaction" not in fault["message"]  # it had kept nothing


@pytest.mark.parametrize(
    "statements",
    [
        "with op.get_context().autocommit_block():\n"
        "    op.execute('create table kept ()')\n    op.execute('create table t_aaaa ()')",
        "op.execute('create table kept ()')\nwith op.get_context().autocommit_block():\n"
        "    op.execute('create table t_aaaa ()')",
        "op.execute('commit')\nop.execute('create table kept ()')\nop.execute('create table t_aaaa ()')",
    ],
    ids=["in the block", "before the block", "by hand"],
)
def test_a_failure_outside_the_transaction_names_what_is_kept(
    newest: Headway, app: App, database: Database, statements: str
) -> None:
    app.chain("aaaa")
    app.revision("bbbb", "aaaa", statements)
    fault = newest.fault("upgrade", app)
    assert "bbbb had left its transaction (autocommit_block) and committed" in fault["message"]
    assert fault["data"]["after"] == ["aaaa"]
    assert database.tables() == {"alembic_version", "t_aaaa", "kept"}


UNIQUE = "op.execute('create unique index concurrently i on t_aaaa (id)')"


def test_an_index_that_a_failure_left_invalid_is_named(
    headway: Headway, app: App, database: Database
) -> None:
    app.chain("aaaa")
    headway("upgrade", app)
    database.query("insert into t_aaaa values (1), (1)")
    app.revision("bbbb", "aaaa", f"with op.get_context().autocommit_block():\n    {UNIQUE}")
    fault = headway.fault("upgrade", app)
    assert "It left public.i invalid: drop it" in fault["message"]
    assert fault["data"]["invalid_indexes"] == ["public.i"]
    assert headway("status", app)["invalid_indexes"] == ["public.i"]
    again = headway.fault("upgrade", app)
    assert "already exists" in again["message"]
    assert again["data"]["invalid_indexes"] == []  # not of this run


def test_an_invalid_index_is_a_fault_also_where_the_revision_is_applied(
    newest: Headway, app: App, database: Database
) -> None:
    app.chain("aaaa")
    newest("upgrade", app)
    database.query("insert into t_aaaa values (1), (1)")
    app.revision(
        "bbbb",
        "aaaa",
        f"""
        with op.get_context().autocommit_block():
            try:
                {UNIQUE}
            except sa.exc.IntegrityError:
                pass
        """,
    )
    fault = newest.fault("upgrade", app)
    assert fault["kind"] == "invalid_index"
    assert "up to bbbb are applied, but they left public.i invalid" in fault["message"]
    assert fault["data"]["after"] == ["bbbb"]
    assert not newest("upgrade", app)["changed"]


def test_an_unfinished_index_of_a_partitioned_table_is_no_fault(newest: Headway, app: App) -> None:
    app.revision(
        "aaaa",
        None,
        "op.execute('create table p (id int) partition by range (id)')\n"
        "op.execute('create table p1 partition of p for values from (0) to (9)')\n"
        "op.execute('create index i on only p (id)')",
    )
    assert newest("upgrade", app)["invalid_indexes"] == []


def test_a_hard_password(headway: Headway, app: App, database: Database) -> None:
    role = f"hard_{secrets.token_hex(4)}"
    literal = HARD_PASSWORD.replace("'", "''")
    database.query(f"create role {role} login superuser password '{literal}'")
    try:
        url = f"postgresql+psycopg2://{role}:{quote(HARD_PASSWORD, safe='')}@127.0.0.1:{database.port}/{database.name}"
        app.point_to(url)
        app.chain("aaaa")
        app.env_py.write_text(ENV_PY + f"\nprint('I use', {url!r}, {HARD_PASSWORD!r})\n")
        done = headway("upgrade", app)
        assert done["after"] == ["aaaa"]
        assert "I use" in readable(done["log"])
        for part in ("p%a", "p%25a", "s:s/w", "s%3As"):
            assert part not in readable(done)
    finally:
        database.query(f"drop owned by {role}; drop role {role}")


SILENT_ROLLBACK = ENV_PY.replace(
    "    context.configure",
    "    connection.exec_driver_sql('select 1')\n    context.configure",
)
NEVER_COMMITS = ENV_PY.replace(
    "    context.configure",
    "    connection.begin()\n    context.configure",
)


@pytest.mark.parametrize("env_py", [SILENT_ROLLBACK, NEVER_COMMITS], ids=["statement", "begin"])
def test_env_py_whose_transaction_is_never_committed(
    headway: Headway, make_app: Callable[..., App], database: Database, env_py: str
) -> None:
    if env_py is SILENT_ROLLBACK and headway.alembic < (1, 16):
        pytest.skip("in SQLAlchemy 1.4 a statement begins no transaction")
    app = make_app(env_py=env_py)
    app.chain("aaaa", "bbbb")
    fault = headway.fault("upgrade", app)
    assert fault["kind"] == "not_committed"
    for word in ("env.py did not commit", "context.configure()", "Not applied: aaaa, bbbb"):
        assert word in fault["message"]
    assert fault["data"]["after"] == []
    assert database.tables() == set()


def test_the_transaction_of_env_py_and_an_autocommit_block(
    newest: Headway, make_app: Callable[..., App]
) -> None:
    app = make_app(env_py=SILENT_ROLLBACK)
    app.revision("aaaa", None, "with op.get_context().autocommit_block():\n    pass")
    fault = newest.fault("upgrade", app)
    assert fault["kind"] == "revision_failed"
    assert "context.configure()" in fault["message"]


def test_a_connection_kept_open_cannot_pretend(
    newest: Headway, make_app: Callable[..., App], database: Database
) -> None:
    """One connection for the whole process, never committed, shows itself its own changes."""
    app = make_app(
        env_py="import sys\nsys.path.insert(0, '.')\nfrom app_db import connection\n"
        "from alembic import context\ncontext.configure(connection=connection)\ncontext.run_migrations()\n"
    )
    (app.folder / "app_db.py").write_text(
        f"from sqlalchemy import create_engine\nconnection = create_engine({database.url()!r}).connect()\n"
        "connection.begin()\n"
    )
    app.chain("aaaa")
    fault = newest.fault("upgrade", app)
    assert fault["kind"] == "not_committed"
    assert database.tables() == set()


def test_env_py_that_begins_and_commits_by_itself(
    headway: Headway, make_app: Callable[..., App], database: Database
) -> None:
    app = make_app(env_py=ENV_PY.replace("engine.connect()", "engine.begin()"))
    app.chain("aaaa", "bbbb")
    assert headway("upgrade", app)["after"] == ["bbbb"]


def test_env_py_without_a_transaction_is_committed_all_the_same(
    headway: Headway, make_app: Callable[..., App]
) -> None:
    app = make_app(
        env_py=ENV_PY.replace(
            "    with context.begin_transaction():\n        context", "    context"
        )
    )
    app.chain("aaaa", "bbbb")
    assert headway("upgrade", app)["after"] == ["bbbb"]


def test_3000_tables_on_default_server_settings(
    newest: Headway, app: App, database: Database
) -> None:
    """In one transaction their locks are more than the server has room for."""
    ids = [f"r{number:04}" for number in range(3000)]
    for revision, after in zip(ids, [None, *ids], strict=False):
        app.revision(
            revision,
            after,
            f"op.create_table('t_{revision}', sa.Column('id', sa.Integer, primary_key=True),"
            " sa.Column('note', sa.Text))",
        )
    assert database.query("show max_locks_per_transaction") == [("64",)]
    own_way = app.env_py.read_text()
    app.env_py.write_text(
        own_way.replace(
            "connection=connection", "connection=connection, transaction_per_migration=False"
        )
    )
    fault = newest.fault("upgrade", app)
    assert (fault["data"]["sqlstate"], fault["data"]["after"]) == ("53200", [])
    assert "out of shared memory" in fault["message"]
    app.env_py.write_text(own_way)
    done = newest("upgrade", app)
    assert done["after"] == [ids[-1]]
    assert len(done["applied"]) == 3000
    assert len(database.tables()) == 3001
