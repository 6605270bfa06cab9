"""The ways in which apps write their env.py and their alembic.ini."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.integration.engine.conftest import Headway
from tests.unit.engine.apps import ENV_PY, App, doubled

FROM_ENVIRONMENT = ENV_PY.replace(
    "section = context.config.get_section(context.config.config_ini_section)\n",
    'import os\nsection = {"sqlalchemy.url": os.environ["DATABASE_URL"]}\n',
)

ASYNC = """
import asyncio
from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    url = context.config.get_main_option("sqlalchemy.url")
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()

asyncio.run(main())
"""

TENANT = ENV_PY.replace(
    "    context.configure(connection=connection)",
    '    tenant = context.get_x_argument(as_dictionary=True)["tenant"]\n'
    "    connection.exec_driver_sql(f'set search_path to \"{tenant}\"')\n"
    "    getattr(connection, 'commit', lambda: None)()\n"
    "    connection.dialect.default_schema_name = tenant\n"
    "    context.configure(connection=connection, version_table='migrations',"
    " version_table_schema=tenant)",
)


def walk(headway: Headway, app: App, *more: str, **environment: str) -> None:
    """Plan, upgrade and rerun, the same for every style."""
    planned = headway("plan", app, *more, **environment)
    assert planned["sql_complete"], planned
    assert headway("upgrade", app, *more, **environment)["changed"]
    assert not headway("upgrade", app, *more, **environment)["changed"]
    assert headway("status", app, *more, **environment)["at_head"]


def test_url_from_the_environment(
    headway: Headway, make_app: Callable[..., App], database: Database
) -> None:
    app = make_app(url="driver://user:pass@localhost/dbname", env_py=FROM_ENVIRONMENT)
    app.chain("aaaa")
    walk(headway, app, DATABASE_URL=database.url())
    fault = headway.fault("status", app)
    assert "KeyError: 'DATABASE_URL'" in fault["message"]


def test_async_env_py(headway: Headway, make_app: Callable[..., App], database: Database) -> None:
    app = make_app(url=database.url("asyncpg"), env_py=ASYNC)
    app.chain("aaaa", "bbbb")
    walk(headway, app)
    app.revision("cccc", "bbbb", "op.execute('create table t_aaaa ()')")
    fault = headway.fault("upgrade", app)
    assert 'relation "t_aaaa" already exists (SQLSTATE 42P07)' in fault["message"]


def test_psycopg_3(newest: Headway, make_app: Callable[..., App], database: Database) -> None:
    app = make_app(url=database.url("psycopg"))
    app.chain("aaaa")
    walk(newest, app)
    app.revision("bbbb", "aaaa", "op.execute('create table t_aaaa ()')")
    fault = newest.fault("upgrade", app)
    assert 'relation "t_aaaa" already exists (SQLSTATE 42P07)' in fault["message"]


@pytest.mark.parametrize("template", ["generic", "async", "pyproject", "multidb"])
def test_what_alembic_init_writes(
    headway: Headway, tmp_path: Path, database: Database, template: str
) -> None:
    if template == "pyproject" and headway.alembic < (1, 16):
        pytest.skip("this alembic has no such template")
    app = App(tmp_path / "app")
    app.folder.mkdir()
    (app.folder / "pyproject.toml").touch()
    alembic = str(headway.python.with_name("alembic"))
    init = [alembic, "init", "-t", template, "alembic"]
    subprocess.run(init, cwd=app.folder, capture_output=True, check=True)
    url = database.url("asyncpg" if template == "async" else "psycopg2")
    app.write_ini(
        app.config.read_text()
        .replace("driver://user:pass@localhost/dbname", doubled(url))
        .replace("databases = engine1, engine2", "databases = engine1")
    )
    app.chain("aaaa", "bbbb")
    if template == "multidb":
        for path in app.versions.glob("*.py"):
            path.write_text(path.read_text().replace("upgrade()", "upgrade(engine_name)"))
    walk(headway, app)


def test_several_sections(headway: Headway, app: App, database: Database) -> None:
    app.config.write_text(
        app.config.read_text()
        + "\n[reports]\nscript_location = alembic\nversion_locations = %(here)s/reports\n"
        + f"sqlalchemy.url = {doubled(database.url())}\n"
    )
    (app.folder / "reports").mkdir()
    app.revision("rrrr", folder=app.folder / "reports")
    app.chain("aaaa")
    assert headway("plan", app)["after"] == ["aaaa"]
    walk(headway, app, "--name", "reports")
    assert database.tables() == {"alembic_version", "t_rrrr"}


def test_a_schema_for_each_tenant(
    headway: Headway, make_app: Callable[..., App], database: Database
) -> None:
    app = make_app(env_py=TENANT)
    app.chain("aaaa")
    database.query("create schema acme; create schema widgets")
    walk(headway, app, "-x", "tenant=acme")
    assert database.tables("acme") == {"migrations", "t_aaaa"}
    assert database.tables("widgets") == database.tables() == set()
    assert headway("status", app, "-x", "tenant=widgets")["current"] == []
    walk(headway, app, "-x", "tenant=widgets")


def test_another_version_table_and_schema(
    headway: Headway, make_app: Callable[..., App], database: Database
) -> None:
    app = make_app(
        env_py=ENV_PY.replace(
            "connection=connection",
            "connection=connection, version_table='v', version_table_schema='meta'",
        )
    )
    app.chain("aaaa")
    database.query("create schema meta")
    walk(headway, app)
    assert database.tables("meta") == {"v"}
    assert database.tables() == {"t_aaaa"}


def test_ids_computed_at_import(headway: Headway, app: App) -> None:
    app.chain("0001")
    path = app.revision("0002", "0001")
    path.write_text(
        path.read_text()
        .replace("revision = '0002'", "import pathlib\nrevision = pathlib.Path(__file__).stem", 1)
        .replace("down_revision = '0001'", "down_revision = f'{int(revision) - 1:04}'")
    )
    walk(headway, app)


def test_annotated_ids_and_tuples(headway: Headway, app: App) -> None:
    app.chain("aaaa", "bbbb")
    app.revision("cccc", "aaaa")
    path = app.revision("dddd", ("bbbb", "cccc"))
    path.write_text(path.read_text().replace("revision = 'dddd'", "revision: str = 'dddd'", 1))
    status = headway("status", app)
    assert status["history"][-1]["down_revision"] == ["bbbb", "cccc"]
    assert status["branches"] == [{"revision": "aaaa", "into": ["bbbb", "cccc"]}]
    walk(headway, app)


def test_labels_and_dependencies(headway: Headway, app: App) -> None:
    app.chain("aaaa")
    app.revision("bbbb", None, branch_labels=["reports"], depends_on="aaaa")
    app.revision("cccc", "bbbb")
    status = headway("status", app)
    assert status["heads"] == ["cccc"]
    assert status["history"][1]["branch_labels"] == ["reports"]
    walk(headway, app)


@pytest.mark.parametrize(
    ("locations", "separator"),
    [
        ("%(here)s/one %(here)s/two", ""),
        ("%(here)s/one:%(here)s/two", "version_path_separator = os"),
        ("one;two", "version_path_separator = ;"),
        ("one\n  two", "version_path_separator = newline"),
        ("%(here)s/one:%(here)s/two", "path_separator = os"),
    ],
)
def test_several_version_locations(
    headway: Headway, app: App, locations: str, separator: str
) -> None:
    if separator.startswith("path_") and headway.alembic < (1, 16):
        pytest.skip("path_separator is of alembic 1.16")
    if "newline" in separator and headway.alembic < (1, 13, 3):
        pytest.skip("newline is of alembic 1.13.3")
    app.config.write_text(f"{app.config.read_text()}version_locations = {locations}\n{separator}\n")
    for name in ("one", "two"):
        (app.folder / name).mkdir()
    app.revision("aaaa", folder=app.folder / "one")
    app.revision("bbbb", "aaaa", folder=app.folder / "two")
    walk(headway, app)


def test_revisions_in_folders_of_folders(headway: Headway, app: App) -> None:
    app.config.write_text(app.config.read_text() + "recursive_version_locations = true\n")
    (app.versions / "2025" / "march").mkdir(parents=True)
    app.chain("aaaa")
    app.revision("bbbb", "aaaa", folder=app.versions / "2025" / "march")
    walk(headway, app)


def test_compiled_revisions_without_their_source(headway: Headway, app: App) -> None:
    app.config.write_text(app.config.read_text() + "sourceless = true\n")
    app.chain("aaaa", "bbbb")
    subprocess.run([headway.python, "-m", "compileall", "-q", "-b", app.versions], check=True)
    for path in app.versions.glob("*.py"):
        path.unlink()
    walk(headway, app)


def test_migrations_inside_a_package(headway: Headway, app: App, database: Database) -> None:
    package = app.folder / "src" / "shop"
    (package / "migrations").parent.mkdir(parents=True)
    (app.folder / "alembic").rename(package / "migrations")
    (package / "__init__.py").touch()
    (package / "migrations" / "__init__.py").touch()
    app.write_ini(
        "[alembic]\nscript_location = shop:migrations\nprepend_sys_path = src\n"
        f"sqlalchemy.url = {doubled(database.url())}\n"
    )
    app.revision("aaaa", folder=package / "migrations" / "versions")
    walk(
        headway,
        app,
        PYTHONPATH=f"{Path(__file__).parents[3]}/plugins/module_utils:{package.parent}",
    )


def test_pyproject_toml(headway: Headway, app: App, database: Database) -> None:
    app.chain("aaaa")
    app.config.unlink()
    toml = app.folder / "pyproject.toml"
    toml.write_text('[tool.alembic]\nscript_location = "%(here)s/alembic"\n')
    app.env_py.write_text(FROM_ENVIRONMENT)
    by_toml = ["--config", str(toml)]
    code, values = headway.run("upgrade", *by_toml, DATABASE_URL=database.url())
    if headway.alembic < (1, 16):
        assert (code, values["kind"]) == (1, "config_unsupported")
    else:
        assert (code, values["after"]) == (0, ["aaaa"])


def test_env_py_that_prints_and_logs(headway: Headway, make_app: Callable[..., App]) -> None:
    app = make_app(
        env_py="import logging\nlogging.basicConfig(level='INFO')\nprint('{not json')\n" + ENV_PY
    )
    app.chain("aaaa")
    log = headway("upgrade", app)["log"]
    assert "{not json" in log
    assert any("Running upgrade  -> aaaa, make aaaa" in line for line in log)
