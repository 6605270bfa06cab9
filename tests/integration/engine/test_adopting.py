"""Databases that have the schema and no version."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import Database
from tests.integration.engine.conftest import Headway
from tests.integration.engine.test_env_styles import ASYNC
from tests.integration.engine.test_rehearsal import scratch_databases
from tests.unit.engine.apps import App


@pytest.fixture(autouse=True)
def nothing_is_left(database: Database) -> Iterator[None]:
    yield
    assert scratch_databases(database) == []


def write(app: App) -> None:
    """Write three revisions: a table, a column and an index of it, a change of rows."""
    app.revision(
        "aaaa",
        None,
        "op.create_table('person', sa.Column('id', sa.Integer, primary_key=True),"
        " sa.Column('mood', sa.Enum('sad', 'glad', name='mood')))",
    )
    app.revision(
        "bbbb",
        "aaaa",
        "op.add_column('person', sa.Column('name', sa.Text, nullable=False))\n"
        "op.create_index('person_name', 'person', ['name'])",
    )
    app.revision("cccc", "bbbb", "op.execute(\"update person set name = 'nobody'\")")
    app.revision("dddd", "cccc", "op.create_table('visit', sa.Column('day', sa.Date))")


AT_AAAA = """
    create type mood as enum ('sad', 'glad');
    create table person (id serial primary key, mood mood);
"""
AT_BBBB = (
    AT_AAAA
    + "alter table person add name text not null default ''; alter table person alter name drop default;"
    "create index person_name on person (name);"
)


def test_deploying_onto_it_is_refused(headway: Headway, app: App, database: Database) -> None:
    write(app)
    database.query(AT_AAAA)
    before = database.dump()
    for command in ("upgrade", "plan", "rehearse"):
        fault = headway.fault(command, app)
        assert fault["kind"] == "not_adopted"
        assert "person" in fault["message"]
        assert "headway adopt" in fault["message"]
        assert fault["data"]["already_there"] == ["person"]
    status = headway("status", app)
    assert status["already_there"] == ["person"]
    assert "adopt" in status["warnings"][0]
    assert database.dump() == before


def test_tables_of_another_app_are_no_obstacle(
    newest: Headway, app: App, database: Database
) -> None:
    database.query("create table somebody_elses (id int)")
    app.chain("aaaa")
    assert newest("upgrade", app)["changed"]


def test_exact_match(headway: Headway, app: App, database: Database) -> None:
    write(app)
    database.query(AT_AAAA)
    before = database.dump()
    found = headway("adopt", app)
    assert [match["revisions"] for match in found["matches"]] == [["aaaa"]]
    assert not found["changed"]
    assert database.dump() == before
    fault = headway.fault("adopt", app, "dddd")
    assert fault["kind"] == "does_not_match"
    assert "aaaa" in fault["message"]
    assert database.dump() == before
    assert headway("adopt", app, "aaaa")["after"] == ["aaaa"]
    assert not headway("adopt", app, "aaaa")["changed"]
    assert headway("upgrade", app)["after"] == ["dddd"]
    assert database.tables() == {"alembic_version", "person", "visit"}


def test_matches_that_differ_in_rows_alone(newest: Headway, app: App, database: Database) -> None:
    write(app)
    database.query(AT_BBBB)
    found = newest("adopt", app)
    assert [match["revisions"] for match in found["matches"]] == [["bbbb"], ["cccc"]]


def test_nearest_match(newest: Headway, app: App, database: Database) -> None:
    write(app)
    database.query(AT_BBBB + "alter table person alter name type varchar(80)")
    code, found = newest.run("adopt", "--config", app.config)
    assert code == 1
    assert found["matches"] == []
    assert found["nearest"]["revisions"] == ["bbbb"]
    assert found["differences"] == [
        {
            "what": "column public.person.name",
            "before": "text not null",
            "after": "character varying(80) not null",
        }
    ]
    fault = newest.fault("adopt", app, "bbbb")
    assert "column public.person.name" in fault["message"]
    assert database.tables() == {"person"}
    assert newest("adopt", app, "bbbb", "--accept-differences")["after"] == ["bbbb"]


def test_nothing_in_common(newest: Headway, app: App, database: Database) -> None:
    write(app)
    database.query("create table stock (id int)")
    code, found = newest.run("adopt", "--config", app.config)
    assert code == 1
    assert found["matches"] == []
    assert found["nearest"] is None


def test_an_empty_database_is_upgraded(newest: Headway, app: App) -> None:
    write(app)
    assert newest.fault("adopt", app)["kind"] == "nothing_to_adopt"


def test_extension_that_somebody_else_made(newest: Headway, app: App, database: Database) -> None:
    database.query("create extension citext; create table t_aaaa (id citext)")
    app.revision("aaaa", None, "op.execute('create table t_aaaa (id citext)')")
    assert [m["revisions"] for m in newest("adopt", app)["matches"]] == [["aaaa"]]


def test_asyncpg(newest: Headway, make_app: Callable[..., App], database: Database) -> None:
    app = make_app(url=database.url("asyncpg"), env_py=ASYNC)
    write(app)
    database.query(AT_AAAA)
    assert newest.fault("upgrade", app)["kind"] == "not_adopted"
    assert newest("adopt", app, "aaaa")["after"] == ["aaaa"]


def test_a_revision_that_fails_in_between(newest: Headway, app: App, database: Database) -> None:
    database.query("create table t_aaaa (id int)")
    app.chain("aaaa")
    app.revision("bbbb", "aaaa", "op.execute('select 1/0')")
    found = newest("adopt", app)
    assert [m["revisions"] for m in found["matches"]] == [["aaaa"]]
    assert "bbbb fails" in found["stopped"]
