"""Other tools beside Headway: yoyo, Django and dbmate, each with its own files of the same CREATE TABLEs.

`bench/setup` installs them under .cache/bench. Where there is no npm there is no dbmate.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url

from bench import record
from bench.clock import Command
from tests.unit.engine.apps import doubled

TOOLS = Path(__file__).parents[1] / ".cache" / "bench"
NAMES = ("yoyo", "Django", "dbmate")


@dataclass(frozen=True)
class Other:
    """A tool with its files in a folder, and the command that migrates the database it was pointed to."""

    folder: Path
    command: Command
    settings: str
    written: Callable[[URL], str]

    def point_to(self, url: str) -> None:
        """Write the settings with this database, which is named as for SQLAlchemy."""
        (self.folder / self.settings).write_text(self.written(make_url(url)))


def others(folder: Path, tables: Sequence[str]) -> dict[str, Other]:
    """Each tool that is installed, with a file for each table, one after the other."""
    made = {
        "yoyo": yoyo(folder / "yoyo", tables),
        "Django": django(folder / "django", tables),
        "dbmate": dbmate(folder / "dbmate", tables),
    }
    return {name: other for name, other in made.items() if other}


def versions() -> dict[str, str]:
    """What is installed."""
    python = TOOLS / "venv" / "bin" / "python"
    found = record.versions(python, "Django", "yoyo-migrations")
    for package in TOOLS.glob("npm/node_modules/dbmate/package.json"):
        found["dbmate"] = json.loads(package.read_text())["version"]
    del found["Python"]
    return found


def yoyo(folder: Path, tables: Sequence[str]) -> Other:
    """SQL files, each of which names the one before."""
    _write(
        folder / "migrations",
        {
            f"{table}.sql": (f"-- depends: {before}\n" if before else "") + _create(table)
            for before, table in _chain(tables)
        },
    )
    command = (TOOLS / "venv" / "bin" / "yoyo", "apply", "--batch", "--config", "yoyo.ini")
    return Other(folder, command, "yoyo.ini", _yoyo_ini)


def django(folder: Path, tables: Sequence[str]) -> Other:
    """An app's migrations: the SQL, and the model that Django keeps in its state for it."""
    _write(folder / "history", {"__init__.py": ""})
    _write(
        folder / "history" / "migrations",
        {"__init__.py": ""}
        | {f"{table}.py": _django_migration(table, before) for before, table in _chain(tables)},
    )
    command = (TOOLS / "venv" / "bin" / "python", "-m", "django", "migrate", "--no-input")
    where = ("--settings", "settings", "--pythonpath", folder)
    return Other(folder, (*command, *where), "settings.py", _django_settings)


def dbmate(folder: Path, tables: Sequence[str]) -> Other | None:
    """SQL files in the order of the numbers that they begin with."""
    programs = list(TOOLS.glob("npm/node_modules/@dbmate/*/bin/dbmate"))
    if not programs:
        return None
    _write(
        folder / "migrations",
        {
            f"{number:05}_{table}.sql": f"-- migrate:up\n{_create(table)}\n-- migrate:down\n"
            for number, table in enumerate(tables, 1)
        },
    )
    options = ("--no-dump-schema", "--migrations-dir", "migrations")
    return Other(folder, (programs[0], *options, "migrate"), ".env", _dbmate_env)


def _yoyo_ini(url: URL) -> str:
    return f"[DEFAULT]\nsources = migrations\ndatabase = {doubled(_plain(url))}\n"


def _dbmate_env(url: URL) -> str:
    return f"DATABASE_URL={_plain(url.set(query={'sslmode': 'disable'}))}\n"


def _django_settings(url: URL) -> str:
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": url.host,
        "PORT": url.port,
        "USER": url.username,
        "PASSWORD": url.password,
        "NAME": url.database,
    }
    return f"DATABASES = {{'default': {database!r}}}\nINSTALLED_APPS = ['history']\n"


def _django_migration(table: str, before: str | None) -> str:
    dependencies = [("history", before)] if before else []
    return textwrap.dedent(
        f"""\
        from django.db import migrations, models


        class Migration(migrations.Migration):
            dependencies = {dependencies!r}
            operations = [
                migrations.RunSQL(
                    {_create(table)!r},
                    state_operations=[
                        migrations.CreateModel(
                            {table!r},
                            fields=[("id", models.IntegerField(primary_key=True))],
                            options={{"db_table": {table!r}}},
                        )
                    ],
                )
            ]
        """
    )


def _chain(tables: Sequence[str]) -> list[tuple[str | None, str]]:
    return list(zip([None, *tables], tables, strict=False))


def _create(table: str) -> str:
    return f"CREATE TABLE {table} (id INTEGER);"


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
