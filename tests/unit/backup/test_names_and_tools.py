"""What of backups needs no server: names, numbers, the choice of tools."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from backup import tools
from backup.errors import BackupError
from backup.store import Store, readable, stamp


@pytest.mark.parametrize("database", ["shop", "..", "a/b", ".hidden", "%2E", "späti", "x" * 63])
def test_each_database_has_a_folder_of_its_own_below_the_directory(
    database: str, tmp_path: Path
) -> None:
    folder = Store(tmp_path, database).folder
    assert folder.parent == tmp_path
    assert folder != Store(tmp_path, database + "x").folder
    assert not folder.name.startswith(".")


def test_names_are_in_utc_and_sort_by_time(tmp_path: Path) -> None:
    store = Store(tmp_path, "shop")
    store.folder.mkdir()
    now = datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert stamp(now) == "20260228T233000Z"
    names = [store.new_partial(now).name for _ in range(3)]
    assert len(set(names)) == 3
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (7_600_000, "7.6 MB"), (2e12, "2.0 TB")],
)
def test_bytes_as_people_read_them(count: float, text: str) -> None:
    assert readable(count) == text


def programs(folder: Path, version: str) -> str:
    """Make stand-ins for the tools of a version; give their folder."""
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return str(folder)


def test_the_tools_nearest_to_the_server_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [programs(tmp_path / v, v) for v in ("14.20", "16.11 (Debian 16.11-1)", "17.2")]
    monkeypatch.setattr(tools, "FOLDERS", (str(tmp_path / "*"), ""))
    assert tools.on_this_host(14).folder == Path(found[0])
    assert tools.on_this_host(15).folder == Path(found[1])
    with pytest.raises(BackupError, match=r"needs pg_dump and pg_restore of 18 or newer.* 17:"):
        tools.on_this_host(18)
    monkeypatch.setattr(tools, "FOLDERS", ("",))
    with pytest.raises(BackupError, match="this host has none of them"):
        tools.on_this_host(15)


def test_an_engine_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "ENGINES", ("no-such-engine",))
    with pytest.raises(BackupError, match="no-such-engine is installed here"):
        tools.in_container("some-postgres", "/var/run/docker.sock", 5432)
