"""What a killed test run leaves is removed by the next one, whatever became of its server."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg2
import pytest

from tests import conftest


@pytest.fixture
def ended() -> int:
    """Give the id of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_server_that_still_runs_is_stopped(monkeypatch: pytest.MonkeyPatch, ended: int) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(FileNotFoundError))  # its folder is gone already
        with monkeypatch.context() as of_a_killed_run:
            of_a_killed_run.setattr(os, "getpid", lambda: ended)
            server = stack.enter_context(conftest.throwaway_server())
        assert server.query("select 1") == [(1,)]
        conftest.remove_leftovers(server.bindir)
        assert list(_left_by(ended)) == []
        with pytest.raises(psycopg2.OperationalError, match="refused"):
            psycopg2.connect(server.url().replace("+psycopg2", ""))


def test_a_server_that_went_with_its_machine_is_not_looked_for_by_its_pid(
    ended: int, postgres_server: conftest.Database
) -> None:
    folder = Path(tempfile.mkdtemp(prefix=f"{conftest.PREFIX}{ended}-"))
    with socket.socket(socket.AF_UNIX) as was_listened_on:
        was_listened_on.bind(str(folder / ".s.PGSQL.5432"))
    (folder / "data").mkdir()
    (folder / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder}/data\n")
    conftest.remove_leftovers(postgres_server.bindir)
    assert list(_left_by(ended)) == []


def _left_by(pid: int) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"{conftest.PREFIX}{pid}-*"))
