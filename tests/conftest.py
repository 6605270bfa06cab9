"""A PostgreSQL server of the tests' own, and a database for each test."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import NullPool, create_engine
from xdist.scheduler import LoadScopeScheduling

from tests.images.kinds import kinds

PREFIX = "headway-test-postgres-"
SUPERUSER = "postgres"

MOLECULE = "test_molecule"
LONGEST = ("check", "container", "external")  # of its scenarios


def pytest_report_header() -> list[str]:
    """Say which test hosts are real and which are stand-ins."""
    return kinds()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the longest begin first, so that no worker is left with them alone."""
    items.sort(key=_begins)


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]
    """Has a file's tests on one worker, and each of molecule's scenarios on any."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if MOLECULE in file else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduler:
    """Give the scheduler for several workers."""
    return Scheduler(config, log)


def _begins(item: pytest.Item) -> int:
    if item.path.stem == MOLECULE:
        return 0 if any(name in item.name for name in LONGEST) else 2
    return 1 if "hosts" in item.path.parts else 3


@dataclass(frozen=True)
class Database:
    """A database on the tests' server, and who may log in to it."""

    name: str
    port: int
    user: str
    password: str
    bindir: Path
    host: str = "127.0.0.1"

    def url(self, driver: str = "psycopg2") -> str:
        """Give SQLAlchemy's URL, every part of it percent-encoded."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"postgresql+{driver}://{login}@{self.host}:{self.port}/{self.name}"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Give the rows of a statement, which is committed."""
        engine = create_engine(self.url(), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect().execution_options(no_parameters=True) as connection:
            result = connection.exec_driver_sql(sql)
            return [tuple(row) for row in result] if result.returns_rows else []

    def tables(self, schema: str = "public") -> set[str]:
        """Give the names of the tables in a schema."""
        sql = f"select tablename from pg_tables where schemaname = '{schema}'"
        return {row[0] for row in self.query(sql)}

    def dump(self) -> str:
        """Give schema and rows as pg_dump has them, without what differs between two dumps."""
        text = subprocess.run(
            [
                self.bindir / "pg_dump",
                "-h",
                self.host,
                "-p",
                str(self.port),
                "-U",
                self.user,
                self.name,
            ],
            env={**os.environ, "PGPASSWORD": self.password},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        return "\n".join(line for line in text.splitlines() if "restrict" not in line)


@contextlib.contextmanager
def throwaway_server() -> Iterator[Database]:
    """Start a server on loopback and a socket, with default settings, and stop it at the end."""
    bindir = _bindir()
    remove_leftovers(bindir)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    password = secrets.token_urlsafe(12)
    (folder / "password").write_text(password)
    if os.geteuid() == 0:
        for path in (folder, folder / "password"):
            shutil.chown(path, _account(), pwd.getpwnam(_account()).pw_gid)
    data, port = folder / "data", _free_port()
    try:
        _run(bindir, "initdb", "-D", data, "-U", SUPERUSER, "-A", "scram-sha-256",
             f"--pwfile={folder / 'password'}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        with (data / "postgresql.auto.conf").open("a") as settings:
            settings.write(
                f"listen_addresses = '127.0.0.1'\nport = {port}\n"
                f"unix_socket_directories = '{folder}'\nfsync = off\n"
            )
        _run(bindir, "pg_ctl", "start", "-w", "-D", data, "-l", folder / "log")
        yield Database(SUPERUSER, port, SUPERUSER, password, bindir)
    finally:
        _stop(bindir, data)
        shutil.rmtree(folder)


@contextlib.contextmanager
def throwaway_database(server: Database) -> Iterator[Database]:
    """Give an empty database of a server, dropped at the end."""
    name = f"test_{secrets.token_hex(4)}"
    server.query(f"create database {name}")
    try:
        yield Database(name, server.port, server.user, server.password, server.bindir)
    finally:
        server.query(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Database]:
    """Give a server of the tests' own."""
    with throwaway_server() as server:
        yield server


@pytest.fixture
def database(postgres_server: Database) -> Iterator[Database]:
    """Give an empty database, dropped after the test."""
    with throwaway_database(postgres_server) as database:
        yield database


def _bindir() -> Path:
    """Give the folder of the newest PostgreSQL server's programs."""
    folders = glob.glob("/usr/lib/postgresql/*/bin") + glob.glob("/usr/pgsql-*/bin")
    for folder in sorted(map(Path, folders), key=lambda f: int(f.parent.name.split("-")[-1]))[::-1]:
        if (folder / "initdb").exists():
            return folder
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    pytest.fail("These tests need PostgreSQL's server programs (initdb): install postgresql.")


def _account() -> str:
    """Give the account for the server where the tests run as root, which initdb refuses."""
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return "nobody"


def _run(bindir: Path, program: str, *arguments: Any) -> None:
    user = _account() if os.geteuid() == 0 else None
    with tempfile.TemporaryFile() as output:  # not a pipe, which the server would hold open
        done = subprocess.run(
            [bindir / program, *map(str, arguments)],
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
        output.seek(0)
        if done.returncode:
            pytest.fail(f"{program} failed: {output.read().decode()}")


def _stop(bindir: Path, data: Path) -> None:
    if (data / "postmaster.pid").exists():
        _run(bindir, "pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)


def remove_leftovers(bindir: Path) -> None:
    """Stop and remove the servers of test runs that were killed; several runs may do so at once."""
    everyones = Path(tempfile.gettempdir())
    with (everyones / f"{PREFIX}leftovers").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for folder in everyones.glob(f"{PREFIX}[0-9]*"):
            with contextlib.suppress(FileNotFoundError):  # whose owner ends just now
                if folder.stat().st_uid not in (os.geteuid(), _account_uid()):
                    continue
                if _alive(int(folder.name.removeprefix(PREFIX).split("-")[0])):
                    continue
                if _listens(folder):
                    _stop(bindir, folder / "data")
                shutil.rmtree(folder)


def _listens(folder: Path) -> bool:
    """Tell whether a server answers on its own socket; its recorded pid may be another's by now."""
    for path in folder.glob(".s.PGSQL.*[0-9]"):
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(path)) == 0
    return False


def _account_uid() -> int:
    return pwd.getpwnam(_account()).pw_uid


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
