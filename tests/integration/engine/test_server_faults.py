"""Faults of the database, each one sentence without the password."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.conftest import Database
from tests.integration.engine.conftest import Headway
from tests.integration.engine.test_env_styles import ASYNC
from tests.unit.engine.apps import ENV_PY, App, readable

DRIVERS = {"psycopg2": ENV_PY, "asyncpg": ASYNC}


@pytest.fixture(params=DRIVERS)
def fault_at(
    request: pytest.FixtureRequest,
    headway: Headway,
    make_app: Callable[..., App],
    database: Database,
) -> Callable[[str, str], dict[str, object]]:
    """Give a function that changes the URL and gives the fault of an upgrade."""

    def fault(right: str, wrong: str) -> dict[str, object]:
        url = database.url(request.param)
        assert right in url
        url = url.replace(right, wrong)
        app = make_app(url=url, env_py=DRIVERS[request.param])
        app.chain("aaaa")
        fault = headway.fault("upgrade", app)
        password = url.partition("postgres:")[2].partition("@")[0]
        assert password not in readable(fault)
        assert database.tables() == set()
        return fault

    return fault


def test_wrong_password(fault_at: Callable[..., dict[str, str]], database: Database) -> None:
    fault = fault_at(database.password, "hush-hush")
    assert fault["kind"] == "wrong_password"
    assert f"127.0.0.1:{database.port} as postgres" in fault["message"]


def test_database_that_does_not_exist(
    fault_at: Callable[..., dict[str, str]], database: Database
) -> None:
    fault = fault_at(f"/{database.name}", "/nowhere")
    assert fault["kind"] == "no_database"
    assert "nowhere" in fault["message"]


def test_unreachable_server(fault_at: Callable[..., dict[str, str]], database: Database) -> None:
    fault = fault_at(f":{database.port}/", ":1/")
    assert fault["kind"] == "unreachable"
    assert "127.0.0.1:1" in fault["message"]
    assert "refused" in fault["message"].lower()


def test_host_that_does_not_exist(fault_at: Callable[..., dict[str, str]]) -> None:
    fault = fault_at("@127.0.0.1:", "@no-such-host.invalid:")
    assert fault["kind"] == "unreachable"
    assert "no-such-host.invalid" in fault["message"]


def test_version_table_that_may_not_be_read(
    newest: Headway, make_app: Callable[..., App], database: Database
) -> None:
    role = f"nobody_{secrets.token_hex(4)}"
    database.query(f"create role {role} login password 'hush-hush'")
    try:
        database.query("create table alembic_version (version_num varchar(32))")
        app = make_app(
            url=f"postgresql+psycopg2://{role}:hush-hush@127.0.0.1:{database.port}/{database.name}"
        )
        app.chain("aaaa")
        fault = newest.fault("status", app)
        assert fault["kind"] == "database_error"
        assert "permission denied for table alembic_version (SQLSTATE 42501)" in fault["message"]
    finally:
        database.query(f"drop role {role}")


def test_database_ahead_of_the_code(headway: Headway, app: App, database: Database) -> None:
    app.chain("aaaa", "bbbb")
    headway("upgrade", app)
    (app.versions / "bbbb.py").unlink()
    before = database.dump()
    for command in ("plan", "upgrade"):
        fault = headway.fault(command, app)
        assert fault["kind"] == "database_ahead"
        assert (
            "at revision bbbb, which this code does not know (its head is aaaa)" in fault["message"]
        )
        assert "the code is older than the database" in fault["message"]
    status = headway("status", app)
    assert (status["unknown"], status["at_head"]) == (["bbbb"], False)
    assert database.dump() == before


def test_alembic_is_not_installed(tmp_path_factory: pytest.TempPathFactory, app: App) -> None:
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    fault = Headway(folder / "bin" / "python").fault("status", app)
    assert fault["kind"] == "no_alembic"
    assert str(folder) in fault["message"]
