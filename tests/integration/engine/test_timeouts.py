"""Timeouts on the connections that env.py makes, whichever driver it uses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import Database
from tests.integration.engine.conftest import Headway
from tests.integration.engine.test_env_styles import ASYNC
from tests.unit.engine.apps import ENV_PY, App

NOTE = """
op.execute("create table noted_{0} as select current_setting('lock_timeout') as lock, "
           "current_setting('statement_timeout') as statement, "
           "current_setting('application_name') as application")
"""
# Slow enough for a timeout of 200 ms, and usable in an index.
SLOW = (
    "create function slow(int) returns int immutable language sql as 'select $1 from pg_sleep(1)'"
)
INDEX = "op.execute('create index {} i on t_aaaa (slow(id))')"
CONCURRENTLY = "with op.get_context().autocommit_block():\n    " + INDEX.format("concurrently")


def noted(database: Database, revision: str) -> tuple[str, str, str]:
    lock, statement, application = database.query(f"select * from noted_{revision}")[0]
    return lock, statement, application


@pytest.mark.parametrize("driver", ["psycopg2", "asyncpg"])
def test_every_driver_gets_them(
    headway: Headway, make_app: Callable[..., App], database: Database, driver: str
) -> None:
    app = make_app(url=database.url(driver), env_py=ASYNC if driver == "asyncpg" else ENV_PY)
    app.revision("aaaa", None, NOTE.format("aaaa"))
    headway("upgrade", app, "--who", "eve@ci", "--release", "r'7")
    assert noted(database, "aaaa") == ("2s", "0", "headway eve@ci r'7")
    app.revision("bbbb", "aaaa", NOTE.format("bbbb"))
    headway("upgrade", app, "--lock-timeout", "500 ms", "--statement-timeout", "1min")
    assert noted(database, "bbbb")[:2] == ("500ms", "1min")
    app.revision("cccc", "bbbb", NOTE.format("cccc"))
    headway("upgrade", app, "--lock-timeout", "0")
    assert noted(database, "cccc")[0] == "0"


@pytest.mark.parametrize("driver", ["psycopg", "pg8000"])
def test_other_drivers(
    newest: Headway, make_app: Callable[..., App], database: Database, driver: str
) -> None:
    app = make_app(url=database.url(driver))
    app.revision("aaaa", None, NOTE.format("aaaa"))
    newest("upgrade", app)
    assert noted(database, "aaaa")[0] == "2s"


def test_a_command_of_the_apps_own_gets_them(newest: Headway, app: App, database: Database) -> None:
    app.revision("aaaa", None, NOTE.format("aaaa"))
    newest("upgrade", app, "--command", "alembic upgrade head", "--who", "eve@ci")
    assert noted(database, "aaaa") == ("2s", "0", "headway eve@ci")


def test_what_env_py_sets_itself_prevails(
    newest: Headway, make_app: Callable[..., App], database: Database
) -> None:
    named = database.url() + "?application_name=shop"
    app = make_app(
        url=named,
        env_py=ENV_PY.replace(
            "    context.configure",
            "    connection.exec_driver_sql(\"set lock_timeout = '7s'\")\n"
            "    connection.commit()\n    context.configure",
        ),
    )
    app.revision("aaaa", None, NOTE.format("aaaa"))
    newest("upgrade", app)
    assert noted(database, "aaaa") == ("7s", "0", "shop")


@pytest.mark.parametrize("driver", ["psycopg2", "asyncpg"])
def test_what_is_built_concurrently_is_exempt(
    headway: Headway, make_app: Callable[..., App], database: Database, driver: str
) -> None:
    app = make_app(url=database.url(driver), env_py=ASYNC if driver == "asyncpg" else ENV_PY)
    app.chain("aaaa")
    headway("upgrade", app)
    database.query(f"{SLOW}; insert into t_aaaa values (1)")
    short = ("--statement-timeout", "200ms")
    app.revision("bbbb", "aaaa", INDEX.format(""))
    fault = headway.fault("upgrade", app, *short)
    assert "canceling statement due to statement timeout (SQLSTATE 57014)" in fault["message"]
    app.revision("bbbb", "aaaa", f"{CONCURRENTLY}\n{NOTE.format('bbbb')}")
    assert headway("upgrade", app, *short)["after"] == ["bbbb"]
    assert noted(database, "bbbb")[:2] == ("2s", "200ms")


def test_a_number_without_a_unit_is_refused(newest: Headway, app: App) -> None:
    app.chain("aaaa")
    fault = newest.fault("upgrade", app, "--lock-timeout", "1800")
    assert fault["kind"] == "bad_duration"
    assert "lock_timeout is '1800': write a number and its unit" in fault["message"]
