"""Many databases with one set of migrations."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Database, throwaway_database
from tests.integration.engine.conftest import ENGINE, Headway
from tests.integration.engine.test_env_styles import ASYNC, FROM_ENVIRONMENT, TENANT
from tests.integration.engine.test_lock import until
from tests.unit.engine.apps import App, doubled

NAMES = ("a", "b", "c", "d", "e")

Databases = dict[str, Database]
Many = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def databases(postgres_server: Database) -> Iterator[Databases]:
    """Give five empty databases by name."""
    with ExitStack() as stack:
        yield {n: stack.enter_context(throwaway_database(postgres_server)) for n in NAMES}


@pytest.fixture
def many(newest: Headway, app: App, tmp_path: Path) -> Many:
    """Give a function that runs a command over the databases given: its exit code and its answer."""

    def run(command: str, databases: Any, *more: str, **environment: str) -> Any:
        file = tmp_path / "databases.json"
        file.write_text(json.dumps(databases))
        given = ("--config", str(app.config), "--databases", str(file), *more)
        return newest.run(command, *given, **environment)

    return run


def by_url(databases: Databases) -> list[dict[str, str]]:
    return [{"name": name, "url": database.url()} for name, database in databases.items()]


def outcomes(answer: dict[str, Any]) -> dict[str, str]:
    found = answer.get("data", answer)
    return {result["name"]: result["outcome"] for result in found["databases"]}


def one(answer: dict[str, Any], name: str) -> dict[str, Any]:
    found = answer.get("data", answer)
    result: dict[str, Any] = next(r for r in found["databases"] if r["name"] == name)
    return result


def test_in_waves_and_again(many: Many, app: App, databases: Databases) -> None:
    app.chain("aaaa", "bbbb")
    waves = ("--waves", "1,40%,100%")
    code, planned = many("status", by_url(databases), *waves)
    assert code == 0
    assert planned["waves"] == [["a"], ["b", "c"], ["d", "e"]]
    assert one(planned, "c")["pending"] == ["aaaa", "bbbb"]
    assert all(not database.tables() for database in databases.values())
    assert many("status", by_url(databases), "--check")[0] == 2

    code, done = many("upgrade", by_url(databases), *waves)
    assert code == 0, done
    assert done["changed"]
    assert outcomes(done) == dict.fromkeys(NAMES, "done")
    assert [one(done, name)["wave"] for name in NAMES] == [1, 2, 2, 3, 3]
    assert one(done, "e")["applied"] == ["aaaa", "bbbb"]
    assert one(done, "e")["after"] == ["bbbb"]
    for database in databases.values():
        assert database.tables() == {"alembic_version", "t_aaaa", "t_bbbb"}
        assert database.query("select outcome from headway.run") == [("applied",)]

    code, again = many("upgrade", by_url(databases), *waves)
    assert code == 0
    assert not again["changed"]
    assert outcomes(again) == dict.fromkeys(NAMES, "at_head")
    assert again["waves"] == []
    assert many("status", by_url(databases), "--check")[0] == 0


def test_a_failure_stops_it_and_a_rerun_resumes(many: Many, app: App, databases: Databases) -> None:
    app.chain("aaaa")
    assert many("upgrade", by_url(databases))[0] == 0
    app.chain("bbbb", after="aaaa")
    databases["b"].query("create table t_bbbb ()")
    code, stopped = many("upgrade", by_url(databases), "--waves", "1,2", "--workers", "1")
    assert (code, stopped["kind"]) == (1, "databases_failed")
    assert outcomes(stopped) == {
        "a": "done",
        "b": "failed",
        "c": "not_tried",
        "d": "not_tried",
        "e": "not_tried",
    }
    failed = one(stopped, "b")
    assert (failed["kind"], failed["pending"]) == ("revision_failed", ["bbbb"])
    assert "bbbb" in failed["reason"]
    assert failed["reason"] in stopped["message"]
    assert databases["c"].tables() == {"alembic_version", "t_aaaa"}

    databases["b"].query("drop table t_bbbb")
    code, resumed = many("upgrade", by_url(databases))
    assert code == 0
    assert outcomes(resumed) == {**dict.fromkeys(NAMES, "done"), "a": "at_head"}


def test_failures_that_may_be(many: Many, app: App, databases: Databases) -> None:
    app.chain("aaaa")
    assert many("upgrade", by_url(databases))[0] == 0
    app.chain("bbbb", after="aaaa")
    databases["b"].query("create table t_bbbb ()")
    nowhere = {"name": "nowhere", "url": f"{databases['a'].url()}_is_not_there"}
    listed = [nowhere, *by_url(databases)]
    code, none = many("upgrade", listed, "--max-failures", "0")
    assert code == 1
    assert outcomes(none) == {**dict.fromkeys(NAMES, "not_tried"), "nowhere": "failed"}
    assert one(none, "nowhere")["kind"] == "no_database"

    code, allowed = many("upgrade", listed, "--max-failures", "2")
    assert code == 0, allowed
    expected = {**dict.fromkeys(NAMES, "done"), "b": "failed", "nowhere": "failed"}
    assert outcomes(allowed) == expected


def test_tenants_of_one_database(many: Many, app: App, database: Database, tmp_path: Path) -> None:
    app.env_py.write_text(TENANT)
    app.chain("aaaa")
    database.query("create schema acme; create schema widgets")
    tenants = [{"name": t, "x_arguments": [f"tenant={t}"]} for t in ("acme", "widgets")]
    code, done = many("upgrade", tenants)
    assert code == 0, done
    assert outcomes(done) == {"acme": "done", "widgets": "done"}
    assert database.tables("acme") == database.tables("widgets") == {"migrations", "t_aaaa"}
    recorded = database.query("select version_tables from headway.run order by 1")
    assert recorded == [(["acme.migrations"],), (["widgets.migrations"],)]


@pytest.mark.parametrize("env_py", [None, ASYNC], ids=["psycopg2", "asyncpg"])
def test_a_query_on_a_catalogue(
    many: Many, app: App, databases: Databases, env_py: str | None
) -> None:
    app.chain("aaaa")
    driver = "asyncpg" if env_py else "psycopg2"
    if env_py:
        app.env_py.write_text(env_py)
    catalogue = databases.pop("a")
    catalogue.query("create table tenant (name text, db text, live bool)")
    for name, database in databases.items():
        values = f"'{name}', '{database.name}', {name != 'e'}"
        catalogue.query(f"insert into tenant values ({values})")
    query = "select name, db as database from tenant where live order by name"
    given = {"query": query, "url": catalogue.url(driver)}
    code, done = many("upgrade", given)
    assert code == 0, done
    assert outcomes(done) == {"b": "done", "c": "done", "d": "done"}
    assert not databases["e"].tables()

    code, refused = many("status", {**given, "query": "select nonsense"})
    assert (code, refused["kind"]) == (1, "catalogue_refuses")
    code, empty = many("status", {**given, "query": f"{query} limit 0"})
    assert (code, empty["kind"]) == (1, "no_databases")


def test_tenants_from_a_query(many: Many, app: App, database: Database) -> None:
    app.env_py.write_text(TENANT)
    app.chain("aaaa")
    database.query("create schema acme; create schema widgets")
    query = (
        "select nspname as name, 'tenant=' || nspname as x_argument from pg_namespace "
        "where nspname in ('acme', 'widgets') order by 1"
    )
    code, done = many("upgrade", {"query": query, "url": database.url()})
    assert code == 0, done
    assert outcomes(done) == {"acme": "done", "widgets": "done"}


def test_a_command_names_them(many: Many, app: App, databases: Databases) -> None:
    app.chain("aaaa")
    lines = "\n".join(map(json.dumps, by_url(databases)))
    (app.folder / "tenants").write_text(f"{lines}\n")
    code, done = many("upgrade", {"command": "echo loading >&2; cat tenants"})
    assert code == 0, done
    assert outcomes(done) == dict.fromkeys(NAMES, "done")

    code, failed = many("status", {"command": "cat tenants; exit 3"})
    assert (code, failed["kind"]) == (1, "databases_command")
    assert "exited with 3" in failed["message"]
    code, garbage = many("status", {"command": "echo tenant a"})
    assert (code, garbage["kind"]) == (1, "databases_command")


def test_an_env_py_that_does_not_take_the_url(
    many: Many, app: App, databases: Databases, database: Database
) -> None:
    """Else all of them would be one and the same."""
    app.env_py.write_text(FROM_ENVIRONMENT)
    app.chain("aaaa")
    code, refused = many("upgrade", by_url(databases), DATABASE_URL=database.url())
    assert code == 1
    assert {r["kind"] for r in refused["data"]["databases"]} == {"url_not_taken"}
    assert not database.tables()
    named = [{"name": n, "environment": {"DATABASE_URL": d.url()}} for n, d in databases.items()]
    code, done = many("upgrade", named)
    assert code == 0, done
    assert outcomes(done) == dict.fromkeys(NAMES, "done")


def test_x_arguments_that_env_py_does_not_heed(many: Many, app: App, database: Database) -> None:
    app.chain("aaaa")
    tenants = [{"name": t, "x_arguments": [f"tenant={t}"]} for t in ("acme", "widgets")]
    code, refused = many("upgrade", tenants)
    assert code == 1
    assert outcomes(refused) == {"acme": "not_tried", "widgets": "failed"}
    assert one(refused, "widgets")["kind"] == "same_database"
    assert not database.tables()


@pytest.mark.parametrize("form", ["text", "json"])
def test_passwords_are_in_nothing_printed(
    app: App, databases: Databases, newest: Headway, form: str
) -> None:
    """Where things go well, where a database fails, where there is none; nor on a command line."""
    app.revision("aaaa", None, "print(op.get_bind().engine.url); op.execute('select 1')")
    app.revision("bbbb", "aaaa", "op.create_table('t', sa.Column('id', sa.Integer))")
    databases["c"].query("create table t ()")
    password, quoted = "s:e/c%r e@t", "s%3Ae%2Fc%25r%20e%40t"
    role = f"many_{form}"  # goes with the server: it owns what it makes
    databases["a"].query(f"create role {role} superuser login password '{password}'")
    login = f"postgresql+psycopg2://{role}:{quoted}@127.0.0.1"
    listed = [{"name": n, "url": f"{login}:{d.port}/{d.name}"} for n, d in databases.items()]
    listed += [{"name": "nowhere", "url": f"{listed[0]['url']}_nowhere"}]
    shown = ""
    for command in (["upgrade", "--max-failures", "9"], ["status"], ["upgrade"]):
        done = subprocess.run(
            [newest.python, "-m", "headway.cli", *command, "--config", app.config,
             "--databases", "-", "--format", form],
            env={**os.environ, "PYTHONPATH": str(ENGINE)},
            input=json.dumps(listed),
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        shown += done.stdout + done.stderr
    assert "nowhere" in shown
    assert f"database {databases['c'].name}" in shown
    for secret in (password, quoted, doubled(quoted), "s:e", "c%r"):
        assert secret not in shown


def test_a_killed_run_is_resumed(
    many: Many, app: App, databases: Databases, newest: Headway, tmp_path: Path
) -> None:
    """The databases in work come to their end, the others are not touched."""
    app.revision("aaaa", None, "op.execute('select pg_sleep(2)'); op.execute('create table t ()')")
    file = tmp_path / "these.json"
    file.write_text(json.dumps(by_url(databases)))
    with subprocess.Popen(
        [
            newest.python,
            "-m",
            "headway.cli",
            "upgrade",
            "--config",
            app.config,
            "--databases",
            file,
        ],
        env={**os.environ, "PYTHONPATH": str(ENGINE)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        until(databases["a"], "select from pg_stat_activity where query like '%pg_sleep(2)%' "
              f"and datname = '{databases['a'].name}' and pid <> pg_backend_pid()")  # fmt: skip
        run.send_signal(signal.SIGKILL)
    code, resumed = many("upgrade", by_url(databases), "--waves", "100%")
    assert code == 0, resumed
    assert {one(resumed, name)["after"][0] for name in NAMES} == {"aaaa"}
    for database in databases.values():
        assert database.tables() == {"alembic_version", "t"}


def test_two_runs_at_once(
    many: Many, app: App, databases: Databases, newest: Headway, tmp_path: Path
) -> None:
    """Each database is upgraded by one of them; who comes later finds it done."""
    app.revision("aaaa", None, "op.execute('select pg_sleep(.5)'); op.execute('create table t ()')")
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(many, "upgrade", by_url(databases)) for _ in range(2)]
        answers = [run.result() for run in runs]
    assert [code for code, _ in answers] == [0, 0], answers
    for name in NAMES:
        assert sorted(one(a, name)["outcome"] for _, a in answers) == ["at_head", "done"]
        assert databases[name].query("select count(*) from headway.run") == [(1,)]
