"""Several runners at one database, and those who wait."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from headway.lock import key
from headway.results import VersionTable
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import Connection

from tests.conftest import Database
from tests.integration.engine.conftest import Headway
from tests.integration.engine.test_env_styles import ASYNC, TENANT
from tests.unit.engine.apps import ENV_PY, App

DRIVERS = {"psycopg2": ENV_PY, "asyncpg": ASYNC}


def race(runners: int, headway: Headway, app: App, *more: str) -> list[tuple[int, dict[str, Any]]]:
    """Upgrade by several processes at once, and give the exit code and the answer of each."""
    with ThreadPoolExecutor(runners) as pool:
        runs = [
            pool.submit(headway.run, "upgrade", "--config", app.config, *more)
            for _ in range(runners)
        ]
        return [run.result() for run in runs]


@contextmanager
def session(database: Database) -> Iterator[Connection]:
    """Give a session of somebody else's."""
    engine = create_engine(database.url(), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def until(database: Database, condition: str) -> None:
    """Wait until a query gives a row."""
    deadline = time.monotonic() + 60
    while not database.query(condition):
        assert time.monotonic() < deadline, condition
        time.sleep(0.05)


@pytest.mark.parametrize("used", [False, True], ids=["empty", "used"])
@pytest.mark.parametrize("runners", [2, 5])
def test_one_runner_does_it_and_the_others_find_it_done(
    newest: Headway, app: App, database: Database, runners: int, used: bool
) -> None:
    app.chain("aaaa")
    if used:
        newest("upgrade", app)
    app.chain("bbbb", "cccc", "dddd", after="aaaa")
    for revision in ("bbbb", "cccc"):
        path = app.versions / f"{revision}.py"
        path.write_text(
            path.read_text().replace("    op.", "    op.execute('select pg_sleep(.3)'); op.")
        )
    answers = race(runners, newest, app)
    assert [code for code, _ in answers] == [0] * runners, answers
    changed = [answer for _, answer in answers if answer["changed"]]
    assert len(changed) == 1
    assert changed[0]["before"] == (["aaaa"] if used else [])
    assert {tuple(answer["after"]) for _, answer in answers} == {("dddd",)}
    assert all(
        a["before"] == a["after"] and not a["applied"] for _, a in answers if not a["changed"]
    )


@pytest.mark.parametrize("driver", DRIVERS)
def test_an_index_built_concurrently_while_another_runner_waits(
    headway: Headway, make_app: Callable[..., App], database: Database, driver: str
) -> None:
    app = make_app(url=database.url(driver), env_py=DRIVERS[driver])
    app.chain("aaaa")
    headway("upgrade", app)
    app.revision(
        "bbbb",
        "aaaa",
        "op.execute('select pg_sleep(3)')\nwith op.get_context().autocommit_block():\n"
        "    op.execute('create index concurrently i on t_aaaa (id)')",
    )
    answers = race(2, headway, app)
    assert [code for code, _ in answers] == [0, 0], answers
    assert sorted(answer["changed"] for _, answer in answers) == [False, True]
    waiter = next(answer for _, answer in answers if not answer["changed"])
    assert [wait["cause"] for wait in waiter["waits"]] == ["migration"]


def test_one_who_waits_is_told_for_whom_and_gives_up_in_time(
    newest: Headway, app: App, database: Database
) -> None:
    app.revision(
        "aaaa", None, "op.execute('create table here ()')\nop.execute('select pg_sleep(60)')"
    )
    holder = subprocess.Popen(
        [newest.python, "-m", "headway.cli", "upgrade", "--config", app.config,
         "--who", "eve@ci", "--release", "2025-7"],
        env={"PYTHONPATH": str(Path(__file__).parents[3] / "plugins" / "module_utils")},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(
            database,
            "select from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()",
        )
        done = subprocess.run(
            [newest.python, "-m", "headway.cli", "upgrade", "--config", app.config,
             "--lock-wait", "1", "--format", "json"],
            env={"PYTHONPATH": str(Path(__file__).parents[3] / "plugins" / "module_utils")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        fault = json.loads(done.stdout)
        assert (done.returncode, fault["kind"]) == (1, "locked")
        for word in ("of public.alembic_version", "eve@ci 2025-7 (pid ", "since 20", "select pg_sleep(60)",
                     "from 127.0.0.1", "Nothing was run"):  # fmt: skip
            assert word in fault["message"]
        assert "headway: waiting for another migration" in done.stderr
        assert fault["data"]["before"] == fault["data"]["after"] == []
        assert not fault["data"]["changed"]
    finally:
        database.query("select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(60)%' "
                       "and pid <> pg_backend_pid()")  # fmt: skip
        holder.wait(60)


def test_a_runner_that_was_killed_leaves_no_lock(
    newest: Headway, app: App, database: Database
) -> None:
    app.revision(
        "aaaa",
        None,
        "op.execute('select pg_sleep(1)')\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    )
    fault = newest.fault("upgrade", app)
    assert fault["kind"] == "process_ended"
    app.revision("aaaa")
    assert newest("upgrade", app, "--lock-wait", "20")["changed"]


def test_nothing_pending_needs_no_lock(newest: Headway, app: App, database: Database) -> None:
    app.chain("aaaa")
    newest("upgrade", app)
    with session(database) as other:
        number = key(VersionTable("", "public", "alembic_version"))
        other.execute(text(f"select pg_advisory_lock({number})"))
        assert not newest("upgrade", app, "--lock-wait", "0")["changed"]
        app.chain("bbbb", after="aaaa")
        assert newest.fault("upgrade", app, "--lock-wait", "0")["kind"] == "locked"
        assert newest("upgrade", app, "--no-lock")["changed"]


def test_two_steps_at_once_are_one_step(newest: Headway, app: App) -> None:
    app.chain("aaaa", "bbbb", "cccc")
    path = app.versions / "aaaa.py"
    path.write_text(
        path.read_text().replace("    op.", "    op.execute('select pg_sleep(2)'); op.", 1)
    )
    answers = race(2, newest, app, "+1")
    assert [code for code, _ in answers] == [0, 0], answers
    assert {tuple(answer["after"]) for _, answer in answers} == {("aaaa",)}


def test_tenants_of_one_database_do_not_wait_for_each_other(
    newest: Headway, make_app: Callable[..., App], database: Database
) -> None:
    app = make_app(env_py=TENANT)
    # Each waits until the other one is there as well.
    app.revision(
        "aaaa",
        None,
        """
        import time
        op.execute("select pg_advisory_lock_shared(7)")
        ask = sa.text("select count(*) from pg_locks where locktype = 'advisory' and objid = 7")
        for _ in range(300):
            if op.get_bind().execute(ask).scalar() == 2: break
            time.sleep(.1)
        else:
            raise RuntimeError('alone')
        time.sleep(.5)
        """,
    )
    database.query("create schema acme; create schema widgets")
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(newest.run, "upgrade", "--config", app.config, "-x", f"tenant={tenant}")
            for tenant in ("acme", "widgets")
        ]
        assert [run.result()[0] for run in runs] == [0, 0], [run.result() for run in runs]


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_command_of_the_apps_own_runs_under_the_lock(
    newest: Headway, make_app: Callable[..., App], database: Database, driver: str
) -> None:
    app = make_app(url=database.url(driver), env_py=DRIVERS[driver])
    app.chain("aaaa")
    answers = race(2, newest, app, "--command", "echo ran; sleep 1; alembic upgrade head")
    assert [code for code, _ in answers] == [0, 0], answers
    assert sorted("ran" in answer["log"] for _, answer in answers) == [False, True]
