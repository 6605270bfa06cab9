"""The example app's snapshot is the one of its revisions as they are."""

from __future__ import annotations

import subprocess

from tests.conftest import Database
from tests.integration.app.conftest import Developer
from tests.unit.app.example import PROJECT

SNAPSHOT = PROJECT / "app/alembic/snapshot.sql"


def test_it_is_current() -> None:
    done = subprocess.run(
        [PROJECT / "scripts/snapshot", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_made_anew_it_is_the_same(developer: Developer, database: Database) -> None:
    copy = developer.app / "alembic/snapshot.sql"
    copy.unlink()
    login = {"PGUSER": database.user, "PGPASSWORD": database.password}
    engine = str(PROJECT / "plugins/module_utils")
    made = developer.run("scripts/snapshot", PYTHONPATH=engine, **login)
    assert made.returncode == 0, made.stderr
    assert copy.read_text() == SNAPSHOT.read_text()
