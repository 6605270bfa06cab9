"""PostgreSQL's own programs on this host, and how they reach a server that a driver reaches."""

from __future__ import annotations

import glob
import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import HeadwayError

# Give the output of a program with these arguments. Raises an exception with its words.
Run = Callable[[str, Sequence[str]], str]

_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
# What is passed on of a driver's parameters: its own libpq may be newer than the programs'.
_PARAMETERS = (
    *("host", "hostaddr", "port", "user", "passfile", "options", "target_session_attrs"),
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "krbsrvname"),
)
_WORDS = 400  # characters of a program's words that go into a sentence


def fitting(server_major: int) -> Path:
    """Give the folder of those nearest to a server: of its major version or a newer one.

    Raises HeadwayError where there are none: pg_dump refuses a server newer than itself.
    """
    found: dict[int, Path] = {}
    on_path = os.environ.get("PATH", "").split(":")
    for folder in map(Path, [*(f for p in _FOLDERS for f in sorted(glob.glob(p))), *on_path]):
        if (major := _major(folder)) is not None:
            found.setdefault(major, folder)
    majors = [major for major in found if major >= server_major]
    if not majors:
        raise HeadwayError(
            "no_pg_dump",
            f"the server is PostgreSQL {server_major}, and pg_dump and pg_restore of that version "
            f"or a newer one are not on this host: install postgresql-client-{server_major} or "
            f"postgresql{server_major}.",
        )
    return found[min(majors)]


def runner(folder: Path, environment: Mapping[str, str]) -> Run:
    """Give what runs the programs of a folder, with these variables over this process's own."""

    def run(program: str, arguments: Sequence[str]) -> str:
        done = subprocess.run(
            [str(folder / program), *arguments],
            env={**os.environ, "LC_ALL": "C", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            words = " ".join(done.stderr.split())[-_WORDS:]
            raise HeadwayError("program_failed", f"{program} failed: {words or 'it said nothing'}")
        return done.stdout

    return run


def conninfo(parameters: Mapping[str, str], database: str) -> str:
    """Give libpq's connection string, without a password."""
    values = {**parameters, "dbname": database}
    values.pop("password", None)
    return " ".join(f"{name}={_quoted(value)}" for name, value in values.items())


def libpq_parameters(driver: Any, given: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """Give how libpq reaches what a driver's connection has reached, and the password.

    `given` is what the driver was given, for those that are not made of libpq.
    """
    password = str(given.get("password") or "")
    if hasattr(driver, "get_dsn_parameters"):  # psycopg2
        given, password = driver.get_dsn_parameters(), driver.info.password or ""
    elif hasattr(getattr(driver, "info", None), "get_parameters"):  # psycopg
        given, password = driver.info.get_parameters(), driver.info.password or ""
    return {name: str(given[name]) for name in _PARAMETERS if given.get(name)}, password


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _major(folder: Path) -> int | None:
    if not (folder / "pg_dump").exists() or not (folder / "pg_restore").exists():
        return None
    done = subprocess.run(
        [str(folder / "pg_dump"), "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found[1]) if found else None
