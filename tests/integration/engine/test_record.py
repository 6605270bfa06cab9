"""What is written down in the database."""

from __future__ import annotations

import hashlib
import secrets
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from tests.conftest import Database
from tests.integration.engine.conftest import Headway
from tests.integration.engine.test_env_styles import TENANT
from tests.integration.engine.test_lock import DRIVERS, session
from tests.unit.engine.apps import ENV_PY, App

NAMED = ("--who", "eve@ci", "--release", "2025-7")


@pytest.fixture
def role(database: Database) -> Iterator[str]:
    """Give a role that may log in, with rights on nothing but public."""
    name = f"app_{secrets.token_hex(4)}"
    database.query(f"create role {name} login password 'hush-hush'")
    database.query(f"grant create, usage on schema public to {name}")
    try:
        yield name
    finally:
        database.query(f"drop owned by {name}; drop role {name}")


def url_of(role: str, database: Database) -> str:
    return f"postgresql+psycopg2://{role}:hush-hush@127.0.0.1:{database.port}/{database.name}"


@pytest.mark.parametrize("driver", DRIVERS)
def test_runs_and_revisions(
    headway: Headway, make_app: Callable[..., App], database: Database, driver: str
) -> None:
    app = make_app(url=database.url(driver), env_py=DRIVERS[driver])
    app.chain("aaaa", "bbbb")
    assert headway("status", app)["runs"] == []
    assert headway("upgrade", app, *NAMED)["warnings"] == []
    app.revision("cccc", "bbbb", "op.execute('select 1/0')")
    headway.fault("upgrade", app)
    assert database.query(
        "select direction, target, before, after, who, role, release, retries, outcome, "
        "seconds > 0, started < now() from headway.run order by started"
    ) == [
        ("up", "heads", [], ["bbbb"], "eve@ci", "postgres", "2025-7", 0, "applied", True, True),
        ("up", "heads", ["bbbb"], ["bbbb"], *database.query("select who from headway.run where outcome = 'failed'")[0],
         "postgres", "", 0, "failed", True, True),
    ]  # fmt: skip
    sha256 = [
        hashlib.sha256((app.versions / f"{r}.py").read_bytes()).hexdigest()
        for r in ("aaaa", "bbbb")
    ]
    assert database.query(
        "select position, revision, message, sha256, seconds > 0 from headway.revision order by 1"
    ) == [(1, "aaaa", "make aaaa", sha256[0], True), (2, "bbbb", "make bbbb", sha256[1], True)]
    status = headway("status", app)
    failed, applied = status["runs"]
    assert (failed["outcome"], applied["outcome"]) == ("failed", "applied")
    assert "division by zero" in failed["reason"]
    assert applied["revisions"] == ["aaaa", "bbbb"]
    assert status["edited"] == []


def test_nothing_pending_writes_nothing_down(newest: Headway, app: App, database: Database) -> None:
    app.chain("aaaa")
    newest("upgrade", app)
    newest("upgrade", app)
    assert database.query("select count(*) from headway.run") == [(1,)]


def test_looking_creates_nothing_and_neither_does_a_run_without_record(
    newest: Headway, app: App, database: Database
) -> None:
    app.chain("aaaa")
    newest("status", app)
    newest("plan", app)
    newest("upgrade", app, "--no-record")
    assert database.query("select 1 from pg_namespace where nspname = 'headway'") == []


def test_a_run_that_was_killed_is_told(newest: Headway, app: App, database: Database) -> None:
    app.chain("aaaa")
    app.revision("bbbb", "aaaa", "import os\nos._exit(9)")
    newest.fault("upgrade", app)
    assert database.query("select outcome, after from headway.run") == [("failed", ["aaaa"])]
    assert database.query("select revision from headway.revision") == [("aaaa",)]
    # One whose caller was killed as well could say nothing at all.
    database.query("update headway.run set outcome = 'running', seconds = null")
    app.revision("bbbb", "aaaa")
    newest("upgrade", app)
    assert [run["outcome"] for run in newest("status", app)["runs"]] == ["applied", "interrupted"]


def test_an_applied_revision_that_was_edited(newest: Headway, app: App) -> None:
    app.chain("aaaa", "bbbb")
    newest("upgrade", app)
    path = app.versions / "aaaa.py"
    path.write_text(path.read_text() + "# later\n")
    status = newest("status", app)
    assert [(e["revision"], e["file"]) for e in status["edited"]] == [("aaaa", str(path))]
    assert "Revision aaaa was applied on 20" in status["warnings"][0]
    app.chain("cccc", after="bbbb")
    fault = newest.fault("upgrade", app, "--edited", "error")
    assert fault["kind"] == "edited_revision"
    assert newest.fault("plan", app, "--edited", "error")["kind"] == "edited_revision"
    assert "its file" in newest("plan", app)["warnings"][0]
    done = newest("upgrade", app)
    assert (done["after"], len(done["warnings"])) == (["cccc"], 1)
    assert newest("upgrade", app, "--edited", "off")["warnings"] == []


def test_one_that_is_pending_again_is_not_edited(
    newest: Headway, app: App, database: Database
) -> None:
    app.chain("aaaa", "bbbb")
    newest("upgrade", app)
    database.query("update alembic_version set version_num = 'aaaa'; drop table t_bbbb")
    app.revision("bbbb", "aaaa", "op.execute('create table anew ()')")
    assert newest("status", app)["edited"] == []
    assert newest("upgrade", app)["warnings"] == []
    assert newest("status", app)["edited"] == []


def test_each_tenant_has_its_own_runs(
    newest: Headway, make_app: Callable[..., App], database: Database
) -> None:
    app = make_app(env_py=TENANT)
    app.chain("aaaa")
    database.query("create schema acme; create schema widgets")
    newest("upgrade", app, "-x", "tenant=acme")
    assert len(newest("status", app, "-x", "tenant=acme")["runs"]) == 1
    assert newest("status", app, "-x", "tenant=widgets")["runs"] == []
    assert database.query("select version_tables from headway.run") == [(["acme.migrations"],)]


def test_the_apps_role_has_no_rights_there(
    newest: Headway, app: App, database: Database, role: str
) -> None:
    database.query(f"alter default privileges grant all on tables to {role}")
    database.query(f"alter default privileges grant all on schemas to {role}")
    app.chain("aaaa")
    newest("upgrade", app)
    assert database.query(
        f"select has_table_privilege('{role}', 't_aaaa', 'select'), "
        f"has_schema_privilege('{role}', 'headway', 'usage'), "
        f"has_table_privilege('{role}', 'headway.run', 'select')"
    ) == [(True, False, False)]


def test_a_role_without_the_right_is_warned_and_migrates(
    newest: Headway, make_app: Callable[..., App], database: Database, role: str
) -> None:
    app = make_app(url=url_of(role, database))
    app.chain("aaaa")
    done = newest("upgrade", app)
    assert done["after"] == ["aaaa"]
    assert done["warnings"] == [
        "The run is not written down in the schema headway of the database: "
        f"permission denied for database {database.name}."
    ]
    database.query(f"create schema headway authorization {role}")
    app.chain("bbbb", after="aaaa")
    assert newest("upgrade", app)["warnings"] == []
    database.query("drop schema headway cascade")
    # Nor is it hindered by a record that it may not read.
    database.query(
        "create schema headway; create table headway.run (); create table headway.revision ()"
    )
    app.chain("cccc", after="bbbb")
    done = newest("upgrade", app)
    assert (done["after"], len(done["warnings"])) == (["cccc"], 1)
    assert newest("status", app)["runs"] == []


def test_a_lock_on_the_record_is_a_warning(newest: Headway, app: App, database: Database) -> None:
    app.chain("aaaa")
    newest("upgrade", app)
    app.chain("bbbb", after="aaaa")
    with session(database) as other:
        other.execute(text("lock table headway.run in share mode"))
        done = newest("upgrade", app)
    assert done["after"] == ["bbbb"]
    assert "lock timeout" in done["warnings"][0]


def test_a_read_only_database_can_be_looked_at(
    newest: Headway, app: App, database: Database
) -> None:
    app.chain("aaaa")
    newest("upgrade", app)
    database.query(f"alter database {database.name} set default_transaction_read_only = on")
    assert len(newest("status", app)["runs"]) == 1
    assert newest("plan", app)["pending"] == []


AUTOGENERATES = ENV_PY.replace(
    "connection=connection",
    "connection=connection, target_metadata=MetaData(), include_schemas=True",
).replace("from sqlalchemy import", "from sqlalchemy import MetaData,")


def test_autogenerate_sees_the_record_only_where_all_schemas_are_asked_for(
    newest: Headway, make_app: Callable[..., App], database: Database
) -> None:
    """docs/engine.md tells to leave it out by include_name; this is that."""
    app = make_app(env_py=AUTOGENERATES)
    app.revision("aaaa", None, "pass")
    newest("upgrade", app)

    def check() -> Any:
        alembic = str(newest.python.with_name("alembic"))
        return subprocess.run(
            [alembic, "check"], cwd=app.folder, capture_output=True, text=True, check=False
        )

    assert "headway" in check().stdout + check().stderr
    app.env_py.write_text(
        AUTOGENERATES.replace(
            "include_schemas=True",
            'include_schemas=True, include_name=lambda name, kind, parents: (kind, name) != ("schema", "headway")',
        )
    )
    assert check().returncode == 0, check().stderr
