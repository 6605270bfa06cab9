"""The example app's snapshot is the one of its revisions as they are."""

from __future__ import annotations

import subprocess

from tests.conftest import Database
from tests.integration.app.conftest import Developer
from tests.unit.app.example import PROJECT

SNAPSHOT = PROJECT / "app/alembic/snapshot.sql"
ENGINE = str(PROJECT / "plugins/module_utils")


def test_it_is_current() -> None:
    done = subprocess.run(
        [PROJECT / "scripts/snapshot", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_made_anew_it_is_the_same(developer: Developer, database: Database) -> None:
    copy = developer.app / "alembic/snapshot.sql"
    copy.unlink()
    login = {"PGUSER": database.user, "PGPASSWORD": database.password}
    made = developer.run("scripts/snapshot", PYTHONPATH=ENGINE, **login)
    assert made.returncode == 0, made.stderr
    assert copy.read_text() == SNAPSHOT.read_text()


def test_the_owner_of_the_deployed_database_makes_it(
    deployed: Developer, owner: Database, migrated: Database
) -> None:
    copy = deployed.app / "alembic/snapshot.sql"
    copy.unlink()
    refused = deployed.run("scripts/snapshot", PYTHONPATH=ENGINE)
    assert refused.returncode == 1
    assert f"`ALTER ROLE {owner.user} CREATEDB` lets it." in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not copy.exists()

    migrated.query(f"alter role {owner.user} createdb")
    made = deployed.run("scripts/snapshot", PYTHONPATH=ENGINE)
    assert made.returncode == 0, made.stderr
    assert copy.read_text() == SNAPSHOT.read_text()
