"""A scratch database that one with more rights makes for the role that migrates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Database
from tests.integration.engine.conftest import Headway
from tests.integration.engine.test_modules import Ansible, ansible  # noqa: F401 - a fixture
from tests.integration.engine.test_rehearsal import executes, scratch_databases
from tests.unit.engine.apps import App


@pytest.fixture
def owner(database: Database) -> Iterator[Database]:
    """Give the database as a role of its own that owns it and has no other rights."""
    role = f"{database.name}_owner"
    database.query(f"create role {role} login password '{database.password}'")
    database.query(f"alter database {database.name} owner to {role}")
    database.query(f"grant create on schema public to {role}")
    yield replace(database, user=role)
    database.query(f"alter database {database.name} owner to {database.user}")
    database.query(f"reassign owned by {role} to {database.user}")
    database.query(f"drop owned by {role}")
    database.query(f"drop role {role}")


def scratch(database: Database, folder: Path) -> dict[str, Any]:
    """Give the module's options."""
    return {
        "database": database.name,
        "directory": str(folder),
        "server": {
            "backend": "service",
            "host": database.host,
            "port": database.port,
            "user": database.user,
            "password": database.password,
        },
    }


def test_a_superusers_scratch_database(
    ansible: Ansible,  # noqa: F811
    newest: Headway,
    make_app: Callable[..., App],
    database: Database,
    owner: Database,
    tmp_path: Path,
) -> None:
    database.query("create extension pageinspect")  # which only a superuser may create
    app = make_app(url=owner.url())
    app.chain("aaaa")
    newest("upgrade", app)
    app.revision(
        "bbbb",
        "aaaa",
        executes("alter table t_aaaa add note text"),
        downgrade=executes("alter table t_aaaa drop note"),
    )
    made, _ = ansible("postgres_scratch", **scratch(database, tmp_path / "backups"))
    assert scratch_databases(database) == [made["name"]]
    rehearsal, _ = ansible("alembic_rehearse", config=str(app.config), scratch=made["name"])
    assert rehearsal["outcome"] == "passed", rehearsal
    assert rehearsal["not_rehearsed"] == []
    assert rehearsal["down_and_up"] == "same"
    assert not rehearsal["changed"]
    assert scratch_databases(database) == []
    gone, _ = ansible(
        "postgres_scratch",
        state="absent",
        **{**scratch(database, tmp_path / "backups"), "name": made["name"]},
    )
    assert not gone["changed"]


def test_one_that_waits_for_its_run_is_no_leftover(
    ansible: Ansible,  # noqa: F811
    database: Database,
    tmp_path: Path,
) -> None:
    options = scratch(database, tmp_path / "backups")
    first, _ = ansible("postgres_scratch", **options)
    second, _ = ansible("postgres_scratch", **options, rows="empty")
    assert second["dropped"] == []
    assert set(scratch_databases(database)) == {first["name"], second["name"]}
    for made in (first, second):
        ansible("postgres_scratch", **options, state="absent", name=made["name"])
    assert scratch_databases(database) == []


def test_the_live_database_is_not_dropped_by_its_name(
    ansible: Ansible,  # noqa: F811
    database: Database,
    tmp_path: Path,
) -> None:
    ansible(
        "postgres_scratch",
        **scratch(database, tmp_path / "backups"),
        state="absent",
        name=database.name,
    )
    assert database.query("select 1") == [(1,)]
