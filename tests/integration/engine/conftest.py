"""The engine under the interpreters of apps, old and new, each a venv kept under .cache."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Database
from tests.unit.engine.apps import App

ROOT = Path(__file__).parents[3]
ENGINE = ROOT / "plugins" / "module_utils"

OLDEST = ("alembic==1.13.3", "SQLAlchemy==1.4.54", "psycopg2-binary", "asyncpg", "greenlet")
MIDDLE = (
    "alembic==1.16.5",
    "SQLAlchemy==2.0.44",
    "psycopg2-binary",
    "psycopg[binary]",
    "asyncpg",
    "greenlet",
)
NEWEST = (
    "alembic==1.20.*",
    "SQLAlchemy[asyncio]==2.1.*",
    "psycopg2-binary",
    "psycopg[binary]",
    "asyncpg",
    "pg8000",
)


@dataclass(frozen=True)
class Headway:
    """The `headway` command under an app's interpreter."""

    python: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def alembic(self) -> tuple[int, ...]:
        """The version of the app's alembic."""
        packages = self.python.parents[1].glob("lib/python3*/site-packages/alembic-*.dist-info")
        return tuple(
            map(int, next(packages).name.removesuffix(".dist-info").split("-")[1].split("."))
        )

    def run(self, *arguments: str | Path, **environment: str) -> tuple[int, dict[str, Any]]:
        """Give the exit code, and what `--format json` prints: a result or a fault."""
        done = subprocess.run(
            [self.python, "-m", "headway.cli", *map(str, arguments), "--format", "json"],
            env={**os.environ, "PYTHONPATH": str(ENGINE), **self.environment, **environment},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.stdout, done.stderr
        values: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, values

    def __call__(self, command: str, app: App, *more: str, **environment: str) -> dict[str, Any]:
        """Give the result of a command that works."""
        code, values = self.run(command, "--config", app.config, *more, **environment)
        assert code == 0, values
        return values

    def fault(self, command: str, app: App, *more: str, **environment: str) -> dict[str, Any]:
        """Give the fault of a command that does not: a sentence, without a line break."""
        code, values = self.run(command, "--config", app.config, *more, **environment)
        assert code == 1, values
        assert values["kind"] != "internal", values
        assert "\n" not in values["message"]
        return values


def venv(requirements: tuple[str, ...]) -> Path:
    """Give the Python of a venv with these requirements, made once.

    From the system's Python where there is one, since other accounts cannot execute one that
    lies in somebody's home.
    """
    base = next(p for p in map(Path, ("/usr/bin/python3", sys.executable)) if p.exists())
    key = hashlib.sha256(repr((str(base), requirements)).encode()).hexdigest()[:12]
    folder = ROOT / ".cache" / "test-venvs" / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may want the same
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([base, "-m", "venv", folder], check=True)
            pip = ("install", "--quiet", "--disable-pip-version-check", *requirements)
            subprocess.run([str(folder / "bin" / "pip"), *pip], check=True)
            (folder / "complete").touch()
    return folder / "bin" / "python"


@pytest.fixture(scope="session", params=[OLDEST, MIDDLE, NEWEST], ids=lambda r: r[0])
def python(request: pytest.FixtureRequest) -> Path:
    """Give the Python of an app: the oldest versions supported, those between, the newest."""
    return venv(request.param)


@pytest.fixture(scope="session")
def newest_python() -> Path:
    return venv(NEWEST)


@pytest.fixture
def headway(python: Path) -> Headway:
    return Headway(python)


@pytest.fixture
def newest(newest_python: Path) -> Headway:
    """Give the command under the newest versions, for what does not hang on versions."""
    return Headway(newest_python)


@pytest.fixture
def make_app(tmp_path: Path, database: Database) -> Callable[..., App]:
    """Give a function that writes an app whose ini has the URL of the test's database."""

    def make(**more: Any) -> App:
        return App.make(tmp_path / "app", **{"url": database.url(), **more})

    return make


@pytest.fixture
def app(make_app: Callable[..., App]) -> App:
    return make_app()
