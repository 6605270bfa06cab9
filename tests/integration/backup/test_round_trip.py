"""A backup is whole, is kept, and comes back as it was."""

from __future__ import annotations

import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from backup import restore
from backup.errors import BackupError
from backup.server import quoted
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tests.conftest import Database
from tests.integration.backup.conftest import Bench, bench, drop_beside

ODD = 'it\'s "odd" = é%s/../x?y#z'


def test_all_of_a_database_comes_back_and_the_one_before_is_kept(full: Bench) -> None:
    before = full.everything()
    full.backup()
    full.database.query("drop table visit; update person set mood = 'sad'; drop view glad")
    ruined = full.everything()
    kept = full.bring_back()
    assert full.everything() == before
    assert full.databases() == {full.database.name, kept}
    earlier = bench(replace(full.database, name=kept), full.store.directory)
    assert earlier.everything().replace(kept, full.database.name) == ruined


def test_a_backup_says_what_it_is_of(full: Bench) -> None:
    backup = full.backup()
    known = backup.to_dict()
    assert known["revisions"] == ["c6cc06acee49"]
    assert known["bytes"] == sum(f.stat().st_size for f in backup.dump.iterdir())
    assert known["database_bytes"] > 7_000_000
    assert full.store.choose("").to_dict() == known


def test_only_its_own_account_reads_a_backup_and_sha256sum_checks_it(
    full: Bench, tmp_path: Path
) -> None:
    lenient = full.with_program(tmp_path / "tools", "pg_dump", 'umask 022; exec REAL "$@"')
    folder = lenient.backup().folder
    assert stat.S_IMODE(full.store.folder.stat().st_mode) == 0o700
    for path in full.store.folder.rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert set(checked.splitlines()) == {
        f"{path.relative_to(folder)}: OK"
        for path in folder.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    }


def test_an_empty_database_needs_no_backup(empty: Bench) -> None:
    taken = empty.take()
    assert (taken.backup, taken.holds_anything) == (None, False)
    assert empty.store.backups() == []


@pytest.mark.parametrize(("keep", "kept"), [(2, 2), (0, 1), (-1, 1)])
def test_the_oldest_go_and_one_always_stays(full: Bench, keep: int, kept: int) -> None:
    names = [full.backup().name for _ in range(3)]
    assert names == sorted(set(names))
    taken = full.take(keep=keep)
    assert taken.backup is not None
    left = [backup.name for backup in full.store.backups()]
    assert left == [*names, taken.backup.name][-kept:]
    assert list(taken.dropped) == [*names, taken.backup.name][:-kept]


def test_what_changes_while_it_is_dumped_is_not_in_it(full: Bench, tmp_path: Path) -> None:
    meanwhile = "create table late (n int); delete from person where id > 2"
    script = f"""
        {full.tools.folder}/psql -q "${{@: -1}}" -c '{meanwhile}' || exit
        exec REAL "$@"
    """
    full.with_program(tmp_path / "tools", "pg_dump", script).backup()
    found = "select to_regclass('late') is not null, count(*) from person"
    assert full.database.query(found) == [(True, 2)]
    full.bring_back()
    assert full.database.query(found) == [(False, 500)]


def test_a_name_may_have_anything_in_it(postgres_server: Database, tmp_path: Path) -> None:
    made = bench(replace(postgres_server, name=ODD), tmp_path / "backups")
    with made.server.session() as session:
        session.run(f"drop database if exists {quoted(ODD)}")
        session.run(f"create database {quoted(ODD)}")
    try:
        with made.server.session(ODD) as session:
            session.run("create table person as select 1 as id")
            assert made.backup().folder.parent.parent == made.store.directory
            session.run("drop table person")
        kept = made.bring_back()
        with made.server.session(ODD) as session:
            assert session.rows("select id from person") == [(1,)]
        assert made.databases() == {ODD, kept}
    finally:
        drop_beside(made)
        with made.server.session() as session:
            session.run(f"drop database {quoted(ODD)} with (force)")


def test_a_database_that_is_gone_comes_back_with_its_rights(full: Bench) -> None:
    before = full.everything()
    full.backup()
    with full.server.session() as session:
        session.run(f"drop database {full.database.name}")
    assert full.bring_back() == ""
    assert full.everything() == before
    assert full.databases() == {full.database.name}


def test_who_is_connected_is_sent_away_and_lands_in_the_restored_one(full: Bench) -> None:
    full.backup()
    full.database.query("delete from alembic_version")
    pool = create_engine(full.database.url(), pool_pre_ping=False)
    with pool.connect() as connection:
        connection.execute(text("select 1"))
        full.bring_back()
        with pytest.raises(OperationalError):
            connection.execute(text("select 1"))
    with pool.connect() as connection:
        found = connection.execute(text("select version_num from alembic_version")).all()
    pool.dispose()
    assert found == [("c6cc06acee49",)]


def test_what_is_kept_is_dropped_when_told_and_nothing_else_is(full: Bench) -> None:
    name = full.database.name
    full.backup()
    kept = full.bring_back()
    with pytest.raises(BackupError, match="is not one that a restore"):
        restore.drop(full.server, name, name)
    with pytest.raises(BackupError, match="is not one that a restore"):
        restore.drop(full.server, name, "postgres")
    assert restore.drop(full.server, name, kept)
    assert not restore.drop(full.server, name, kept)
    assert full.databases() == {name}
