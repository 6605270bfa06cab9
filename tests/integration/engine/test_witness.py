"""What the database has after a run is read on another connection, by env.py only where it must be."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import Database
from tests.integration.engine.conftest import Headway
from tests.integration.engine.test_lock import DRIVERS
from tests.unit.engine.apps import ENV_PY, App

COUNTING = """
with open({file!r}, "a") as file:
    file.write("run\\n")
"""


@pytest.fixture
def deployer(database: Database) -> Iterator[str]:
    """Give a role that may do nothing itself; the role owner_<name>, which it may take on, migrates."""
    name = f"deployer_{secrets.token_hex(4)}"
    database.query(
        f"create role {name} login noinherit password 'hush-hush'; create role owner_{name}; "
        f"grant owner_{name} to {name}; grant create on schema public to owner_{name}"
    )
    try:
        yield name
    finally:
        database.query(f"drop owned by owner_{name}; drop role owner_{name}; drop role {name}")


@pytest.mark.parametrize("driver", DRIVERS)
def test_env_py_is_run_to_look_and_to_migrate_and_no_more(
    newest: Headway, make_app: Callable[..., App], database: Database, driver: str
) -> None:
    app = make_app(url=database.url(driver), env_py=DRIVERS[driver])
    counted = app.folder / "runs"
    app.env_py.write_text(COUNTING.format(file=str(counted)) + app.env_py.read_text())
    app.chain("aaaa", "bbbb")
    done = newest("upgrade", app)
    assert (done["after"], done["warnings"]) == (["bbbb"], [])
    assert counted.read_text().count("run") == 2
    assert database.query("select outcome, after from headway.run") == [("applied", ["bbbb"])]


def test_what_env_py_imports_of_the_app_is_imported_once_where_the_probe_looks(
    newest: Headway, make_app: Callable[..., App], database: Database
) -> None:
    app = make_app(env_py="import models\n" + ENV_PY)
    app.write_ini(app.config.read_text() + "prepend_sys_path = .\n")
    counted = app.folder / "runs"
    (app.folder / "models.py").write_text(COUNTING.format(file=str(counted)))
    app.chain("aaaa", "bbbb")
    assert newest("upgrade", app)["after"] == ["bbbb"]
    assert counted.read_text().count("run") == 1


def test_a_version_table_that_only_a_role_of_env_pys_may_read(
    newest: Headway, make_app: Callable[..., App], database: Database, deployer: str
) -> None:
    url = f"postgresql+psycopg2://{deployer}:hush-hush@127.0.0.1:{database.port}/{database.name}"
    takes_it_on = f"connection.exec_driver_sql('set role owner_{deployer}'); connection.commit()"
    app = make_app(
        url=url, env_py=ENV_PY.replace("    context.conf", f"    {takes_it_on}\n    context.conf")
    )
    app.chain("aaaa", "bbbb")
    assert newest("upgrade", app, "aaaa")["after"] == ["aaaa"]
    done = newest("upgrade", app)
    assert (done["before"], done["after"]) == (["aaaa"], ["bbbb"])
    assert [a["revision"] for a in done["applied"]] == ["bbbb"]


def test_what_another_has_done_in_the_end_is_what_is_told(
    newest: Headway, make_app: Callable[..., App], database: Database
) -> None:
    """Verified is what is there, not what the run believes: here env.py takes it back afterwards."""
    app = make_app(
        env_py="import sqlalchemy"
        + ENV_PY
        + "with engine.begin() as connection:\n"
        + "    if sqlalchemy.inspect(connection).has_table('alembic_version'):\n"
        + "        connection.exec_driver_sql(\"update alembic_version set version_num = 'aaaa'\")\n"
    )
    app.chain("aaaa", "bbbb")
    fault = newest.fault("upgrade", app)
    assert (fault["kind"], fault["data"]["after"]) == ("not_committed", ["aaaa"])
    assert "Not applied: bbbb" in fault["message"]
