"""A migration and those who are in its way."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from tests.conftest import Database
from tests.integration.engine.conftest import Headway
from tests.integration.engine.test_lock import DRIVERS, session, until
from tests.unit.engine.apps import App

WAITS_FOR_TABLE = (
    "select from pg_locks where not granted and mode = 'AccessExclusiveLock' "
    "and relation = 't_aaaa'::regclass"
)


@contextmanager
def reader(database: Database, seconds: float) -> Iterator[int]:
    """Have a transaction read t_aaaa until somebody has waited `seconds` for it; give its pid."""
    with session(database) as connection:
        read = "select pg_backend_pid(), 'hush-hush', (select count(*) from t_aaaa)"
        pid: int = connection.execute(text(read)).scalar_one()

        def leave() -> None:
            until(database, WAITS_FOR_TABLE)
            time.sleep(seconds)
            connection.rollback()

        leaving = threading.Thread(target=leave)
        leaving.start()
        try:
            yield pid
        finally:
            leaving.join()


@contextmanager
def measured(database: Database) -> Iterator[list[float]]:
    """Read t_aaaa again and again beside; give how long each took."""
    seconds: list[float] = []
    over = threading.Event()

    def read() -> None:
        with session(database) as connection:
            while not over.wait(0.02):
                began = time.monotonic()
                connection.execute(text("select from t_aaaa limit 1"))
                connection.rollback()
                seconds.append(time.monotonic() - began)

    reading = threading.Thread(target=read)
    reading.start()
    try:
        yield seconds
    finally:
        over.set()
        reading.join()


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_long_reader_stalls_the_others_no_longer_than_the_timeout(
    headway: Headway, make_app: Callable[..., App], database: Database, driver: str
) -> None:
    app = make_app(url=database.url(driver), env_py=DRIVERS[driver])
    app.chain("aaaa")
    headway("upgrade", app)
    add = "op.add_column('t_aaaa', sa.Column('{}', sa.Integer))"
    app.revision("bbbb", "aaaa", add.format("b"))
    alembic = [str(headway.python.with_name("alembic")), "upgrade", "head"]
    with reader(database, 6), measured(database) as plain:
        subprocess.run(alembic, cwd=app.folder, check=True, capture_output=True)
    app.revision("cccc", "bbbb", add.format("c"))
    with reader(database, 6) as pid, measured(database) as ours:
        done = headway("upgrade", app, "--lock-timeout", "500ms")
    assert done["after"] == ["cccc"]
    assert max(plain) > 5
    assert max(ours) < 0.5 + 2  # what a busy machine takes for a statement included
    wait = done["waits"][0]
    assert (wait["cause"], wait["revision"]) == ("lock", "cccc")
    assert [(s["pid"], s["user"], s["state"]) for s in wait["sessions"]] == [
        (pid, "postgres", "idle in transaction")
    ]
    assert wait["sessions"][0]["transaction_seconds"] > 0
    assert "pg_backend_pid()" in wait["sessions"][0]["query"]
    assert "hush" not in wait["sessions"][0]["query"]


def test_one_who_does_not_leave_is_named_and_nothing_is_left(
    newest: Headway, app: App, database: Database
) -> None:
    app.chain("aaaa")
    newest("upgrade", app)
    app.revision("bbbb", "aaaa", "op.execute('create table rest ()')\nop.drop_table('t_aaaa')")
    app.chain("cccc", after="bbbb")
    with session(database) as other:
        other.execute(text("lock table t_aaaa in access share mode"))
        fault = newest.fault("upgrade", app, "--lock-timeout", "600ms", "--retry-for", "3")
    assert (fault["kind"], fault["data"]["sqlstate"]) == ("revision_failed", "55P03")
    for word in (
        "In the way: pid ",
        "idle in transaction",
        "lock table t_aaaa",
        "It was tried ",
        "Not applied: bbbb, cccc.",
    ):
        assert word in fault["message"]
    assert len(fault["data"]["waits"]) >= 1
    assert database.tables() == {"alembic_version", "t_aaaa"}
    assert newest("upgrade", app)["after"] == ["cccc"]


def test_a_deadlock_is_tried_again(newest: Headway, app: App, database: Database) -> None:
    app.chain("aaaa", "bbbb")
    newest("upgrade", app)
    app.revision("cccc", "bbbb", "op.execute('lock table t_aaaa')\nop.execute('lock table t_bbbb')")
    with session(database) as other:
        other.execute(text("set deadlock_timeout = '1min'"))
        other.execute(text("lock table t_bbbb"))

        def cross() -> None:
            until(
                database, "select from pg_locks where not granted and relation = 't_bbbb'::regclass"
            )
            other.execute(text("lock table t_aaaa"))
            other.rollback()

        crossing = threading.Thread(target=cross)
        crossing.start()
        done = newest("upgrade", app, "--lock-timeout", "30s")
        crossing.join()
    assert done["after"] == ["cccc"]
    assert [wait["cause"] for wait in done["waits"]] == ["deadlock"]


def test_what_left_its_transaction_is_not_tried_again(
    newest: Headway, app: App, database: Database
) -> None:
    app.chain("aaaa")
    newest("upgrade", app)
    app.revision(
        "bbbb",
        "aaaa",
        "with op.get_context().autocommit_block():\n"
        "    op.execute('create table kept ()')\n    op.execute('drop table t_aaaa')",
    )
    with session(database) as other:
        other.execute(text("lock table t_aaaa in access share mode"))
        fault = newest.fault("upgrade", app, "--lock-timeout", "300ms")
    assert fault["data"]["sqlstate"] == "55P03"
    assert fault["data"]["waits"] == []
    assert "bbbb had left its transaction" in fault["message"]


def test_another_fault_is_not_tried_again(newest: Headway, app: App) -> None:
    app.revision("aaaa", None, "op.execute('select 1/0')")
    fault = newest.fault("upgrade", app)
    assert (fault["data"]["sqlstate"], fault["data"]["waits"]) == ("22012", [])


def test_an_index_is_built_concurrently_whoever_stays_longer_than_the_timeout(
    newest: Headway, app: App, database: Database
) -> None:
    app.chain("aaaa")
    newest("upgrade", app)
    app.revision(
        "bbbb",
        "aaaa",
        "with op.get_context().autocommit_block():\n"
        "    op.execute('create index concurrently i on t_aaaa (id)')",
    )
    with session(database) as other:
        other.execute(text("insert into t_aaaa values (1)"))

        def leave() -> None:
            until(database, "select from pg_stat_progress_create_index where phase like 'waiting%'")
            time.sleep(2)
            other.commit()

        leaving = threading.Thread(target=leave)
        leaving.start()
        done = newest("upgrade", app, "--lock-timeout", "200ms")
        leaving.join()
    assert (done["after"], done["waits"], done["invalid_indexes"]) == (["bbbb"], [], [])
