"""The way back: what it takes back, what it refuses, and what it says is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from headway.lock import key
from headway.results import VersionTable
from sqlalchemy import text

from tests.conftest import Database
from tests.integration.engine.conftest import Headway
from tests.integration.engine.test_env_styles import TENANT
from tests.integration.engine.test_lock import DRIVERS, session
from tests.unit.engine.apps import App


def shop(app: App) -> None:
    """Write four revisions that all have a way back."""
    app.revision(
        "aaaa",
        upgrade="op.create_table('person', sa.Column('id', sa.Integer))",
        downgrade="op.drop_table('person')",
    )
    app.revision(
        "bbbb",
        "aaaa",
        upgrade="op.add_column('person', sa.Column('email', sa.Text))",
        downgrade="op.drop_column('person', 'email')",
    )
    app.revision(
        "cccc",
        "bbbb",
        upgrade="op.create_index('person_email', 'person', ['email'])",
        downgrade="op.drop_index('person_email')",
    )
    app.revision(
        "dddd",
        "cccc",
        upgrade="op.create_table('Order', sa.Column('id', sa.Integer))",
        downgrade="op.drop_table('Order')",
    )


@pytest.mark.parametrize("driver", DRIVERS)
def test_one_and_three_back_and_forward_again(
    headway: Headway, make_app: Callable[..., App], database: Database, driver: str
) -> None:
    app = make_app(url=database.url(driver), env_py=DRIVERS[driver])
    shop(app)
    headway("upgrade", app)
    whole = database.dump().replace("headway", "")
    one = headway("downgrade", app, "-1")
    assert (one["changed"], one["direction"]) == (True, "down")
    assert (one["before"], one["after"]) == (["dddd"], ["cccc"])
    assert [a["revision"] for a in one["applied"]] == ["dddd"]
    assert one["applied"][0]["seconds"] > 0
    assert "Order" not in database.tables()
    headway("upgrade", app)
    three = headway("downgrade", app, "aaaa")
    assert [a["revision"] for a in three["applied"]] == ["dddd", "cccc", "bbbb"]
    assert three["after"] == ["aaaa"]
    assert not headway("downgrade", app, "aaaa")["changed"]
    assert headway("upgrade", app)["after"] == ["dddd"]
    assert "person_email" in whole
    assert database.query("select 1 from pg_class where relname = 'person_email'") == [(1,)]
    assert headway("downgrade", app, "base")["after"] == []
    assert database.tables() == {"alembic_version"}


def test_it_is_written_down(newest: Headway, app: App, database: Database) -> None:
    shop(app)
    newest("upgrade", app)
    newest("downgrade", app, "bbbb", "--who", "eve@ci", "--release", "2025-6")
    assert database.query(
        "select direction, target, before, after, who, release, outcome from headway.run "
        "order by started desc limit 1"
    ) == [("down", "bbbb", ["dddd"], ["bbbb"], "eve@ci", "2025-6", "applied")]
    assert database.query(
        "select revision from headway.revision join headway.run on id = run "
        "where direction = 'down' order by position"
    ) == [("dddd",), ("cccc",)]
    last = newest("status", app)["runs"][0]
    assert (last["direction"], last["revisions"]) == ("down", ["dddd", "cccc"])


def test_a_plan_says_what_is_lost_and_changes_nothing(
    headway: Headway, app: App, database: Database
) -> None:
    shop(app)
    headway("upgrade", app)
    database.query("insert into person (id, email) values (1, 'ada@example.com')")
    before = database.dump()
    plan = headway("plan", app, "base", "--down")
    assert database.dump() == before
    assert [p["revision"] for p in plan["pending"]] == ["dddd", "cccc", "bbbb", "aaaa"]
    assert (plan["current"], plan["after"], plan["sql_complete"]) == (["dddd"], [], True)
    assert "ALTER TABLE person DROP COLUMN email" in plan["pending"][2]["sql"]
    assert [tuple(loss.values()) for loss in plan["losses"]] == [
        ("dddd", 'table "Order"', False),
        ("bbbb", "column person.email", True),
        ("aaaa", "table person", True),
    ]


def test_what_holds_rows_is_refused_until_the_loss_is_accepted(
    newest: Headway, app: App, database: Database
) -> None:
    shop(app)
    newest("upgrade", app)
    database.query("insert into person (id) values (1)")
    assert newest("downgrade", app, "aaaa")["changed"]  # the column is empty
    newest("upgrade", app)
    database.query("update person set email = 'ada@example.com'")
    before = database.dump()
    fault = newest.fault("downgrade", app, "aaaa")
    assert fault["kind"] == "data_loss"
    assert "bbbb drops column person.email: holds rows" in fault["message"]
    assert "dddd" not in fault["message"].split(":", 1)[1]
    assert database.dump() == before
    assert newest("downgrade", app, "aaaa", "--accept-loss")["after"] == ["aaaa"]


@pytest.mark.parametrize(
    ("downgrade", "holds_rows"),
    [
        ("op.execute('drop table if exists person')", True),
        ("op.execute('-- all of it\\nDROP TABLE person')", True),
        ("op.execute('drop table empty')", False),
        ("op.execute('delete from person where id > 5')", True),
        ("op.execute('truncate person')", True),
        ("op.execute(sa.table('person').delete())", True),
        ("op.execute('alter table person drop column id')", None),
        ("op.execute('alter table person drop id cascade')", None),
        ("op.execute('drop schema old cascade')", None),
        ("op.execute('do $$ begin delete from person; end $$')", None),
        ("op.execute('select forget_everybody()')", None),
        ("op.get_bind().execute(sa.text('drop table person'))", True),
        ("with op.batch_alter_table('person') as batch: batch.drop_column('id')", True),
        ("op.drop_table('person', schema='public')", True),
    ],
)
def test_what_counts_as_a_loss(
    newest: Headway, app: App, database: Database, downgrade: str, holds_rows: bool | None
) -> None:
    app.revision("aaaa", downgrade=downgrade)
    newest("upgrade", app)
    database.query("create table person (id int); create table empty (); create schema old")
    database.query("insert into person values (9)")
    (loss,) = newest("plan", app, "base", "--down")["losses"]
    assert loss["holds_rows"] is holds_rows


@pytest.mark.parametrize(
    "downgrade",
    [
        "op.drop_index('i')",
        "op.drop_constraint('c', 'person')",
        "op.alter_column('person', 'id', nullable=True)",
        "op.rename_table('person', 'people')",
        "op.add_column('person', sa.Column('name', sa.Text))",
        "op.execute('alter table person drop constraint c')",
        "op.execute('alter table person alter id drop not null, alter id drop default')",
        "op.execute('drop view v; drop function f(); drop type mood')",
        "op.execute('create function f() returns int language sql as $$ delete from person; select 1 $$')",
        "op.execute(\"comment on table person is 'drop table person; delete from person'\")",
        "op.execute('alter table person add foreign key (id) references other on delete cascade')",
        "sa.Enum(name='mood').drop(op.get_bind(), checkfirst=False)",
    ],
)
def test_what_spares_the_data(newest: Headway, app: App, downgrade: str) -> None:
    app.revision("aaaa", downgrade=downgrade)
    newest("upgrade", app)
    plan = newest("plan", app, "base", "--down")
    assert (plan["losses"], plan["sql_complete"]) == ([], True)


def test_a_downgrade_that_reads_rows_may_lose_anything(newest: Headway, app: App) -> None:
    app.revision(
        "aaaa",
        downgrade="""
        for row in op.get_bind().execute(sa.text('select 1')).fetchall():
            op.execute('drop table t_aaaa')
        """,
    )
    newest("upgrade", app)
    fault = newest.fault("downgrade", app, "base")
    assert "aaaa drops what only the run can tell" in fault["message"]
    assert newest("downgrade", app, "base", "--accept-loss")["after"] == []


NO_WAY_BACK: dict[str, tuple[str | None, str]] = {
    "absent": (None, "there is none"),
    "raises": ('"""No."""\nraise NotImplementedError("no")', "it raises NotImplementedError"),
}


@pytest.mark.parametrize("how", NO_WAY_BACK)
def test_no_way_back(headway: Headway, app: App, database: Database, how: str) -> None:
    downgrade, why = NO_WAY_BACK[how]
    shop(app)
    path = app.revision("eeee", "dddd", downgrade=downgrade)
    app.revision("ffff", "eeee", downgrade="op.drop_table('t_ffff')")
    lines = path.read_text().splitlines()
    number = 1 + next((n for n, line in enumerate(lines) if "raise" in line), 0)
    headway("upgrade", app)
    before = database.dump()
    plan = headway("plan", app, "cccc", "--down")
    assert [p["revision"] for p in plan["pending"]] == ["ffff", "eeee", "dddd"]
    assert [p["sql"] is not None for p in plan["pending"]] == [True, False, True]
    assert [n["revision"] for n in plan["no_downgrade"]] == ["eeee"]
    fault = headway.fault("downgrade", app, "cccc", "--accept-loss")
    assert fault["kind"] == "no_downgrade"
    assert f"eeee has no downgrade() ({path}, line {number}: {why})" in fault["message"]
    assert database.dump() == before
    assert headway("downgrade", app, "eeee")["after"] == ["eeee"]


def test_an_empty_downgrade_is_run_only_where_it_is_accepted(
    newest: Headway, app: App, database: Database
) -> None:
    app.chain("aaaa", "bbbb")
    newest("upgrade", app)
    fault = newest.fault("downgrade", app, "aaaa")
    assert "bbbb has no downgrade()" in fault["message"]
    assert "it is empty" in fault["message"]
    assert newest("downgrade", app, "aaaa", "--accept-loss")["after"] == ["aaaa"]
    assert "t_bbbb" in database.tables()


def test_a_merge_has_a_way_back(newest: Headway, app: App) -> None:
    shop(app)
    app.revision("eeee", "cccc", downgrade="op.drop_table('t_eeee')")
    app.revision("ffff", ("dddd", "eeee"), upgrade="pass")
    newest("upgrade", app)
    done = newest("downgrade", app, "cccc")
    assert done["after"] == ["cccc"]
    assert {a["revision"] for a in done["applied"]} == {"dddd", "eeee", "ffff"}


def test_a_failure_in_the_middle_keeps_what_is_done_and_a_rerun_goes_on(
    headway: Headway, app: App, database: Database
) -> None:
    shop(app)
    app.revision("eeee", "dddd", downgrade="op.drop_table('t_eeee')")
    headway("upgrade", app)
    database.query('create view sees as select * from "Order"')
    fault = headway.fault("downgrade", app, "aaaa")
    assert fault["kind"] == "revision_failed"
    assert "The downgrade() of revision dddd" in fault["message"]
    assert "Taken back: eeee. Still applied: dddd, cccc, bbbb." in fault["message"]
    assert fault["data"]["after"] == ["dddd"]
    assert database.query(
        "select outcome, after from headway.run order by started desc limit 1"
    ) == [("failed", ["dddd"])]
    database.query("drop view sees")
    done = headway("downgrade", app, "aaaa")
    assert [a["revision"] for a in done["applied"]] == ["dddd", "cccc", "bbbb"]


def test_locks_timeouts_and_retries_are_those_of_an_upgrade(
    newest: Headway, app: App, database: Database
) -> None:
    shop(app)
    newest("upgrade", app)
    with session(database) as other:
        number = key(VersionTable("", "public", "alembic_version"))
        other.execute(text(f"select pg_advisory_lock({number})"))
        assert newest.fault("downgrade", app, "cccc", "--lock-wait", "0")["kind"] == "locked"
    with session(database) as other:
        other.exec_driver_sql("lock table person")
        # Whether the column holds anything cannot be seen, so it may.
        loss = newest.fault("downgrade", app, "aaaa")["data"]["losses"][1]
        assert (loss["what"], loss["holds_rows"]) == ("column person.email", None)
        hasty = ("--accept-loss", "--retry-for", "0", "--lock-timeout", "200ms")
        fault = newest.fault("downgrade", app, "aaaa", *hasty)
    assert fault["data"]["sqlstate"] == "55P03"
    assert fault["data"]["after"] == ["cccc"]
    assert newest("downgrade", app, "aaaa")["after"] == ["aaaa"]


def test_env_py_that_does_not_commit_is_found_out(newest: Headway, app: App) -> None:
    shop(app)
    newest("upgrade", app)
    env = app.env_py.read_text()
    app.env_py.write_text(
        env.replace(
            "context.configure(", "connection.exec_driver_sql('select 1')\n    context.configure("
        )
    )
    fault = newest.fault("downgrade", app, "-1")
    assert fault["kind"] == "not_committed"
    assert fault["data"]["after"] == ["dddd"]


def test_targets_that_do_not_lead_down(newest: Headway, app: App) -> None:
    shop(app)
    newest("upgrade", app, "bbbb")
    assert newest.fault("downgrade", app, "heads")["kind"] == "unknown_target"
    assert newest.fault("downgrade", app, "gone")["kind"] == "unknown_target"
    assert newest.fault("downgrade", app, "dddd")["kind"] == "unreachable_target"
    assert newest.fault("upgrade", app, "-1")["kind"] == "unknown_target"


def test_branches_go_back_each_by_itself(newest: Headway, app: App, database: Database) -> None:
    shop(app)
    app.revision("xxxx", None, downgrade="op.drop_table('t_xxxx')", branch_labels=("stock",))
    newest("upgrade", app, "dddd", "stock@head")
    assert database.query("select version_num from alembic_version order by 1") == [
        ("dddd",),
        ("xxxx",),
    ]
    assert newest("downgrade", app, "stock@base")["after"] == ["dddd"]
    newest("upgrade", app, "heads", "--allow-several-heads")
    assert newest("downgrade", app, "cccc")["after"] == ["cccc", "xxxx"]


def test_tenants_go_back_together(
    newest: Headway, make_app: Callable[..., App], database: Database
) -> None:
    app = make_app(env_py=TENANT)
    app.revision("aaaa", downgrade="op.drop_table('t_aaaa')")
    app.revision("bbbb", "aaaa", downgrade="op.drop_table('t_bbbb')")
    for tenant in ("red", "blue"):
        database.query(f"create schema {tenant}")
        newest("upgrade", app, "-x", f"tenant={tenant}")
    database.query("insert into blue.t_bbbb values (1)")
    assert newest("downgrade", app, "aaaa", "-x", "tenant=red")["after"] == ["aaaa"]
    fault: dict[str, Any] = newest.fault("downgrade", app, "aaaa", "-x", "tenant=blue")
    assert fault["kind"] == "data_loss"
    assert database.tables("red") == {"migrations", "t_aaaa"}
