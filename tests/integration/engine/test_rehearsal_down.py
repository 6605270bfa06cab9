"""Rehearsals of a downgrade: what they tell of it, and that the live database is only read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import Database
from tests.integration.engine.conftest import Headway
from tests.integration.engine.test_downgrade import shop
from tests.integration.engine.test_env_styles import TENANT
from tests.integration.engine.test_modules import Ansible, ansible  # noqa: F401 - a fixture
from tests.integration.engine.test_rehearsal import (
    by_id,
    executes,
    locks,
    scratch_databases,
)
from tests.unit.engine.apps import App


@pytest.fixture(autouse=True)
def nothing_is_left(database: Database) -> Iterator[None]:
    yield
    assert scratch_databases(database) == []


def lost(rehearsal: dict[str, Any]) -> list[tuple[str, int | None]]:
    """Give what a rehearsal says is gone, and of how many rows."""
    return [
        (lost["what"], lost["rows"])
        for revision in rehearsal["revisions"]
        for lost in revision["did"]["lost"]
    ]


def test_three_revisions(headway: Headway, app: App, database: Database) -> None:
    shop(app)
    headway("upgrade", app)
    database.query("insert into person values (1, 'ada@example.com')")
    before, told = database.dump(), headway("rehearse", app, "aaaa", "--down")
    assert (told["outcome"], told["direction"], told["down_and_up"]) == ("passed", "down", "same")
    assert told["not_rehearsed"] == []
    revisions = by_id(told)
    assert list(revisions) == ["dddd", "cccc", "bbbb"]
    assert revisions["bbbb"]["did"]["statements"] == ["ALTER TABLE person DROP COLUMN email"]
    assert locks(revisions["bbbb"]) == {"public.person": "ACCESS EXCLUSIVE"}
    assert revisions["bbbb"]["did"]["seconds"] > 0
    assert lost(told) == [('table public."Order"', None), ("column public.person.email", None)]
    assert {r["down"] for r in revisions.values()} == {"same"}
    assert database.dump() == before
    assert headway("downgrade", app, "aaaa", "--accept-loss")["after"] == ["aaaa"]


def test_what_is_lost_is_counted(newest: Headway, app: App, database: Database) -> None:
    shop(app)
    newest("upgrade", app)
    database.query('insert into "Order" values (1), (2)')
    database.query("insert into person values (1, 'ada@example.com'), (2, null)")
    before = database.dump()
    told = newest("rehearse", app, "base", "--down", "--rows", "all")
    assert told["outcome"] == "passed"
    assert lost(told) == [
        ('table public."Order"', 2),
        ("column public.person.email", 1),
        ("table public.person", 2),
    ]
    assert told["down_and_up"] == "same"
    assert database.dump() == before


def test_losses_that_no_statement_shows_are_counted(
    newest: Headway, app: App, database: Database
) -> None:
    app.chain("aaaa")
    newest("upgrade", app)
    database.query(
        "create table person (id int, email text, nick text); create table gone (id int)"
    )
    database.query("insert into person values (1, 'a', 'b'), (2, 'c', null), (3, null, null)")
    database.query("insert into gone values (1)")
    database.query(
        "create function clean() returns trigger language plpgsql as "
        "$$ begin delete from person where id = 3; return null; end $$;"
        "create trigger clean after insert on gone execute function clean()"
    )
    app.revision(
        "bbbb",
        "aaaa",
        "pass",
        downgrade=executes(
            "insert into gone values (2)",
            "update person set email = null where id < 3",
            "alter table person rename nick to name",
            "alter table gone rename to still_here",
        ),
    )
    newest("upgrade", app)
    assert newest("plan", app, "aaaa", "--down")["losses"] == []
    told = newest("rehearse", app, "aaaa", "--down", "--rows", "all")
    assert lost(told) == [
        ("rows of table public.person", 1),
        ("values of column public.person.email", 2),
    ]
    assert told["down_and_up"] == "differs"
    assert told["revisions"][0]["down"] == "missing"


def test_a_downgrade_that_fails(newest: Headway, app: App, database: Database) -> None:
    shop(app)
    newest("upgrade", app)
    database.query("create view sees as select email from person")
    before = database.dump()
    code, told = newest.run("rehearse", "--config", app.config, "aaaa", "--down")
    assert code == 1
    assert (told["outcome"], told["failed_revision"], told["sqlstate"]) == (
        "failed",
        "bbbb",
        "2BP01",
    )
    assert "view sees depends on" in told["reason"]
    assert [r["revision"] for r in told["revisions"]] == ["dddd", "cccc"]
    assert told["pending"] == ["bbbb"]
    assert database.dump() == before
    database.query("drop view sees")
    assert newest("rehearse", app, "aaaa", "--down")["outcome"] == "passed"


def test_one_that_has_no_downgrade_fails(newest: Headway, app: App) -> None:
    shop(app)
    app.revision("eeee", "dddd", downgrade=None)
    newest("upgrade", app)
    code, told = newest.run("rehearse", "--config", app.config, "cccc", "--down")
    assert (code, told["outcome"], told["failed_revision"]) == (1, "failed", "eeee")
    assert "no downgrade()" in told["reason"]


def test_one_that_cannot_be_applied_again_is_told(newest: Headway, app: App) -> None:
    shop(app)
    app.revision(
        "eeee",
        "dddd",
        executes("create table if not exists kept (id int)", "create type mood as enum ('glad')"),
        downgrade=executes("drop table kept"),
    )
    newest("upgrade", app)
    told = newest("rehearse", app, "dddd", "--down")
    assert (told["outcome"], told["down_and_up"]) == ("passed", "differs")
    assert told["revisions"][0]["down"] == "irreversible"
    assert 'Up again fails at eeee: type "mood" already exists' in " ".join(told["not_rehearsed"])


def test_tenants(newest: Headway, make_app: Callable[..., App], database: Database) -> None:
    app = make_app(env_py=TENANT)
    for revision, after in (("aaaa", None), ("bbbb", "aaaa")):
        app.revision(revision, after, downgrade=f"op.drop_table('t_{revision}')")
    database.query("create schema red")
    newest("upgrade", app, "-x", "tenant=red")
    told = newest("rehearse", app, "aaaa", "--down", "-x", "tenant=red")
    assert (told["outcome"], told["down_and_up"]) == ("passed", "same")
    assert lost(told) == [("table red.t_bbbb", None)]
    assert "t_bbbb" in database.tables("red")


def test_nothing_to_take_back(newest: Headway, app: App) -> None:
    shop(app)
    newest("upgrade", app)
    told = newest("rehearse", app, "dddd", "--down")
    assert (told["outcome"], told["revisions"]) == ("passed", [])


def test_a_target_up_may_be_named(newest: Headway, app: App) -> None:
    shop(app)
    told = newest("rehearse", app, "bbbb")
    assert [r["revision"] for r in told["revisions"]] == ["aaaa", "bbbb"]


def test_what_another_release_knows_stays(
    ansible: Ansible,  # noqa: F811
    newest: Headway,
    app: App,
    database: Database,
) -> None:
    shop(app)
    newest("upgrade", app)
    database.query("insert into person values (1, 'ada@example.com')")
    told, _ = ansible(
        "alembic_rehearse",
        config=str(app.config),
        direction="down",
        stays=["aaaa", "xxxx"],
        rows="all",
    )
    assert told["outcome"] == "passed", told
    assert [r["revision"] for r in told["revisions"]] == ["dddd", "cccc", "bbbb"]
    assert told["loses"] == ["bbbb loses column public.person.email (1 row)"]
    assert "3 revisions taken back in" in told["summary"]
    assert "drops column public.person.email (1 row)" in told["summary"]
    assert told["summary"].endswith("up again: same schema")
