from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from tests.conftest import Database
from tests.unit.app.example import APP, PROJECT, imported


@dataclass(frozen=True)
class Developer:
    """A developer's copy of the project, whose app/alembic.ini names the test's database."""

    project: Path
    environment: dict[str, str]

    @property
    def app(self) -> Path:
        return self.project / "app"

    def run(
        self, *arguments: str, folder: str = ".", given: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with the project's venv on PATH and, as in a job, no terminal."""
        return subprocess.run(
            arguments,
            cwd=self.project / folder,
            env=self.environment | environment,
            input=given,
            start_new_session=True,
            check=False,
            capture_output=True,
            text=True,
        )

    def revisions(self) -> list[Path]:
        return sorted((self.app / "alembic/versions").glob("*.py"))

    def add_to_person(self, line: str) -> None:
        with (self.app / "models/orm.py").open("a") as orm:
            orm.write(f"    {line}\n")


@pytest.fixture
def developer(tmp_path: Path, database: Database) -> Developer:
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("app", "scripts"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=ignore)
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    ini = tmp_path / "app/alembic.ini"
    ini.write_text(
        ini.read_text().replace(
            "127.0.0.1:5432/evaluation_app", f"{database.host}:{database.port}/{database.name}"
        )
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    clean.pop("DATABASE_URL", None)
    venv = Path(sys.executable).parent
    path = f"{venv}:{os.environ['PATH']}"
    return Developer(tmp_path, clean | {"PATH": path, "HOME": str(tmp_path)})


@pytest.fixture
def alembic_config(database: Database) -> Iterator[Config]:
    """The example app's configuration for the test's database; pytest-alembic's tests use it too."""
    config = Config(APP / "alembic.ini")
    config.set_main_option("sqlalchemy.url", database.url().replace("%", "%%"))
    with imported("models.orm"):
        yield config


@pytest.fixture
def migrated(database: Database, alembic_config: Config) -> Database:
    """The test's database, at the example app's head."""
    command.upgrade(alembic_config, "head")
    return database


@pytest.fixture
def owner(migrated: Database) -> Iterator[Database]:
    """The migrated database as a deploy leaves it: everything is its owner's, who is no superuser."""
    name = f"{migrated.name}_owner"
    login = replace(migrated, user=name, password=f"p%a@s:{secrets.token_hex(4)}")
    migrated.query(f"create role {name} login password '{login.password}'")
    migrated.query(f"alter database {migrated.name} owner to {name}")
    migrated.query(f"alter schema public owner to {name}")
    for table in migrated.tables():
        migrated.query(f"alter table {table} owner to {name}")
    yield login
    migrated.query(f"reassign owned by {name} to {migrated.user}")
    migrated.query(f"drop owned by {name}")
    migrated.query(f"drop role {name}")


@pytest.fixture
def deployed(developer: Developer, owner: Database) -> Developer:
    """A developer who has deployed to this machine."""
    secret = developer.project / ".secrets/local/postgres_owner"
    secret.parent.mkdir(parents=True)
    secret.write_text(owner.password + "\n")
    return developer
