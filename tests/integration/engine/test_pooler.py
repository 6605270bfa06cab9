"""A pooler between the migration and the server."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import Database, _account, _free_port
from tests.integration.engine.conftest import Headway
from tests.integration.engine.test_env_styles import ASYNC
from tests.unit.engine.apps import ENV_PY, App

DRIVERS = {"psycopg2": ENV_PY, "psycopg": ENV_PY, "asyncpg": ASYNC, "pg8000": ENV_PY}


@contextmanager
def pgbouncer(database: Database, mode: str, pool_size: int) -> Iterator[Database]:
    """Give the database by way of pgbouncer."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.fail("This test needs pgbouncer: install the package of that name.")
    with tempfile.TemporaryDirectory(prefix="headway-test-pgbouncer-") as name:
        folder, port = Path(name), _free_port()
        folder.chmod(0o755)
        (folder / "users").write_text(f'"{database.user}" "{database.password}"\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={database.host} port={database.port}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = plain\nunix_socket_dir =\n"
            f"auth_file = {folder}/users\npool_mode = {mode}\ndefault_pool_size = {pool_size}\n"
            "query_wait_timeout = 20\n"
        )
        user = ["-u", _account()] if os.geteuid() == 0 else []
        log = (folder / "log").open("wb")
        running = subprocess.Popen(
            [program, *user, folder / "pgbouncer.ini"], stdout=log, stderr=log
        )
        try:
            deadline = time.monotonic() + 30
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                assert running.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield replace(database, port=port)
        finally:
            running.terminate()
            running.wait(30)
            log.close()


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg", "pg8000"])
@pytest.mark.parametrize("pool_size", [1, 20])
def test_in_transaction_mode_it_is_refused(
    newest: Headway,
    make_app: Callable[..., App],
    database: Database,
    driver: str,
    pool_size: int,
) -> None:
    with pgbouncer(database, "transaction", pool_size) as pooled:
        app = make_app(url=pooled.url(driver))
        app.chain("aaaa")
        fault = newest.fault("upgrade", app)
        assert fault["kind"] == "transaction_pooling"
        assert "a pooler in transaction mode" in fault["message"]
        assert "Nothing was run" in fault["message"]
        assert "a pooler in transaction mode" in newest("status", app)["warnings"][0]
        assert "a pooler in transaction mode" in newest("plan", app)["warnings"][0]
    assert database.tables() == set()


def test_in_transaction_mode_without_the_lock_nothing_is_left_on_its_connections(
    newest: Headway, make_app: Callable[..., App], database: Database
) -> None:
    with pgbouncer(database, "transaction", 1) as pooled:
        app = make_app(url=pooled.url())
        app.chain("aaaa")
        done = newest("upgrade", app, "--no-lock")
        assert done["after"] == ["aaaa"]
        assert "a pooler in transaction mode" in done["warnings"][0]
        assert pooled.query("show lock_timeout") == [("0",)]


@pytest.mark.parametrize("driver", DRIVERS)
def test_in_session_mode_it_is_as_without(
    newest: Headway, make_app: Callable[..., App], database: Database, driver: str
) -> None:
    with pgbouncer(database, "session", 20) as pooled:
        app = make_app(url=pooled.url(driver), env_py=DRIVERS[driver])
        app.revision(
            "aaaa",
            None,
            "op.execute(\"create table noted as select current_setting('lock_timeout')\")",
        )
        done = newest("upgrade", app)
        assert (done["after"], done["warnings"]) == (["aaaa"], [])
        assert database.query("select * from noted") == [("2s",)]
        app.revision("bbbb", "aaaa")
        assert newest("upgrade", app, "--command", "alembic upgrade head")["after"] == ["bbbb"]


def test_it_is_not_rehearsed(
    newest: Headway, make_app: Callable[..., App], database: Database
) -> None:
    with pgbouncer(database, "session", 20) as pooled:
        app = make_app(url=pooled.url())
        app.chain("aaaa")
        code, told = newest.run("rehearse", "--config", app.config)
        assert (code, told["outcome"], told["revisions"]) == (1, "impossible", [])
        assert "a pooler stands in front of the server" in told["not_rehearsed"][0].lower()
    assert database.tables() == set()
