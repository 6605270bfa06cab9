"""What goes wrong leaves everything as it was, and says so."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from backup import restore, take
from backup.errors import BackupError
from backup.store import Store, free_bytes

from tests.integration.backup.conftest import Bench

MODULES = Path(__file__).parents[3] / "plugins" / "module_utils"


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, for at most half a minute."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextlib.contextmanager
def other_process(bench: Bench, work: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a statement of Python with `server`, `tools`, `store` of a bench; killed at the end."""
    program = f"""
        import signal
        from pathlib import Path
        from backup import restore, take
        from backup.server import Server
        from backup.store import Store
        from backup.tools import LocalTools
        server = Server({bench.server.host!r}, {bench.server.port}, {bench.server.user!r},
                        {bench.server.password!r})
        tools = LocalTools(Path({str(bench.tools.folder)!r}))
        store = Store(Path({str(bench.store.directory)!r}), {bench.store.database!r})
        # What a shell runs in the background has it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        {work}
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": str(MODULES)},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def sessions(bench: Bench, application: str, *, waiting: bool = False) -> int:
    """Count the sessions on the server whose name begins so; only those `waiting` for a lock."""
    ((count,),) = bench.database.query(
        f"select count(*) from pg_stat_activity where application_name like '{application}%'"
        + " and wait_event_type = 'Lock'" * waiting
    )
    return int(count)


TAKE = "take.take(server, lambda: tools, store, keep=5, jobs=2, room=100)"
BESIDE = "restore.restore_beside(server, tools, store, '', jobs=2)"


def test_a_killed_backup_leaves_none_and_the_next_run_clears_up(full: Bench) -> None:
    with full.server.session(full.database.name) as locker:
        locker.run("begin; lock table person")
        with other_process(full, TAKE) as victim:
            # Earlier it would still have to take the snapshot, which goes with the victim.
            until(lambda: sessions(full, "headway backup", waiting=True) > 0)
            victim.kill()
            victim.wait()
            # Its pg_dump lives on and waits for the table.
            assert sessions(full, "headway backup") > 0
            assert full.store.backups() == []
            (left,) = full.store.leftovers()
            locker.run("rollback")
            backup = full.backup()
            until(lambda: sessions(full, "headway backup") == 0)
    assert [each.name for each in full.store.backups()] == [backup.name]
    assert full.store.leftovers() == []
    assert not left.exists()
    restore.look(full.server, full.store, "")


def test_an_interrupted_backup_leaves_nothing(full: Bench) -> None:
    with full.server.session(full.database.name) as locker:
        locker.run("begin; lock table person")
        with other_process(full, TAKE) as victim:
            until(lambda: sessions(full, "headway backup") > 0)
            victim.send_signal(signal.SIGINT)
            assert victim.wait(30) != 0
        locker.run("rollback")
    assert (full.store.backups(), full.store.leftovers()) == ([], [])


def test_a_table_that_is_locked_for_long_is_not_waited_for_without_end(
    full: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(take, "LOCK_WAIT", "100ms")
    with full.server.session(full.database.name) as locker:
        locker.run("begin; lock table person")
        with pytest.raises(BackupError, match=r"statement timeout.*LOCK TABLE public\.person"):
            full.take()
    assert (full.store.backups(), full.store.leftovers()) == ([], [])


def test_only_one_at_a_time(full: Bench) -> None:
    with full.store.locked(), pytest.raises(BackupError, match="Another backup or restore of"):
        full.take()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_none_and_keeps_what_was(full: Bench, small_disk: Path) -> None:
    full = replace(full, store=Store(small_disk, full.store.database))
    first, free = full.take(room=0).backup, free_bytes(small_disk)
    full.database.query(
        "create table noise as select gen_random_bytes from "
        "(select sha256((n::text)::bytea) as gen_random_bytes from generate_series(1, 100000) n) x"
    )
    with pytest.raises(BackupError, match=r"could not be backed up to .*No space left on device"):
        full.take(room=0)
    assert full.store.backups() == [first]
    assert (full.store.leftovers(), free_bytes(small_disk)) == ([], free)
    restore.look(full.server, full.store, "")


def test_too_little_room_is_refused_before_with_both_numbers(full: Bench) -> None:
    with pytest.raises(BackupError, match=r"has [\d.]+ GB left.* which has [\d.]+ MB, may take"):
        full.take(room=100_000_000)
    assert (full.store.backups(), full.store.leftovers()) == ([], [])


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ('exec REAL --exclude-table=person "$@"', r"the dump lacks .* 8 of \d+ objects"),
        (
            'exec REAL --exclude-table-data=person "$@"',
            "the dump lacks rows of table public.person",
        ),
        ('REAL "$@" && rm ${6#--file=}/3*.dat.gz', r"the dump lacks file 3\d+.dat"),
        ("echo 'pg_dump: error: it is raining' >&2; exit 1", "pg_dump failed: .*it is raining"),
    ],
)
def test_a_dump_that_is_not_whole_is_no_backup(
    full: Bench, tmp_path: Path, script: str, sentence: str
) -> None:
    with pytest.raises(BackupError, match=sentence):
        full.with_program(tmp_path / "tools", "pg_dump", script).take()
    assert (full.store.backups(), full.store.leftovers()) == ([], [])


def flip(path: Path) -> None:
    """Change one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: flip(folder / "dump" / "toc.dat"), "dump/toc.dat has changed"),
        (lambda folder: next((folder / "dump").glob("*.gz")).unlink(), r"dump/.*\.gz is missing"),
        (lambda folder: (folder / "dump" / "more").touch(), "dump/more has changed"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json cannot be read"),
        (lambda folder: (folder / "SHA256SUMS").write_text("x"), "dump/.* has changed"),
    ],
)
def test_a_damaged_backup_is_refused_before_anything_is_touched(
    full: Bench, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(full.backup().folder)
    before, databases = full.everything(), full.databases()
    with pytest.raises(BackupError, match=sentence):
        full.bring_back()
    assert (full.everything(), full.databases()) == (before, databases)


def test_a_restore_that_fails_leaves_all_as_it_was(full: Bench) -> None:
    full.database.query("create role headway_gone; grant select on person to headway_gone")
    full.backup()
    full.database.query("drop owned by headway_gone; drop role headway_gone")
    before = full.everything()
    with pytest.raises(BackupError, match=r'role "headway_gone" does not exist.*is as it was'):
        full.bring_back()
    assert full.everything() == before
    assert full.databases() == {full.database.name}


def test_a_restore_that_lacks_something_is_not_put_in_place(full: Bench, tmp_path: Path) -> None:
    full.backup()
    script = 'exec REAL --schema=public "$@"'
    lossy = full.with_program(tmp_path / "tools", "pg_restore", script)
    with pytest.raises(BackupError, match="could not be restored"):
        lossy.bring_back()
    assert full.databases() == {full.database.name}


def test_a_swap_that_fails_leaves_all_as_it_was(full: Bench) -> None:
    full.backup()
    before, prepared = full.everything(), full.beside().restored
    taken = prepared.replace("_restore_", "_before_restore_")
    full.database.query(f"create database {taken}")
    with pytest.raises(BackupError, match=r"already exists.*is as it was"):
        restore.go_live(full.server, full.store.database, prepared, wait=5)
    assert full.everything() == before
    assert full.databases() == {full.database.name, taken}


def test_a_killed_restore_is_cleared_away_by_the_next(full: Bench, tmp_path: Path) -> None:
    full.backup()
    stuck = full.with_program(tmp_path / "tools", "pg_restore", "sleep 60")
    with other_process(stuck, BESIDE):
        until(lambda: len(full.databases()) == 2)
        # As a swap leaves it that is killed before its transaction.
    with full.server.session() as session:
        until(lambda: session.value(
            "select count(*) from pg_stat_activity where application_name like 'headway%%'"
        ) == 0)  # fmt: skip
        session.run(f"alter database {full.database.name} with allow_connections false")
    kept = full.bring_back()
    assert full.databases() == {full.database.name, kept}
    assert full.database.query("select version_num from alembic_version") == [("c6cc06acee49",)]


def test_a_backup_of_a_newer_server_is_refused(full: Bench) -> None:
    backup = full.backup()
    manifest = {**backup.manifest, "server_major": 99}
    (backup.folder / "manifest.json").write_text(json.dumps(manifest))
    subprocess.run(
        "find dump manifest.json -type f | xargs sha256sum > SHA256SUMS",
        shell=True,
        cwd=backup.folder,
        check=True,
    )
    with pytest.raises(BackupError, match="is of PostgreSQL 99, and the server is"):
        full.beside()


def test_there_is_no_such_backup(full: Bench) -> None:
    with pytest.raises(BackupError, match=r"holds no backup of .*make backup"):
        full.beside()
    name = full.backup().name
    with pytest.raises(BackupError, match=f"holds no backup 2001; there are {name}"):
        full.beside("2001")


def test_no_password_is_on_a_command_line_or_in_a_message(full: Bench, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    script = f'cat /proc/$$/cmdline /proc/$PPID/cmdline >> {seen}; exec REAL "$@"'
    full.with_program(tmp_path / "dump", "pg_dump", script).backup()
    full.with_program(tmp_path / "restore", "pg_restore", script).beside()
    assert full.database.name in seen.read_text()
    assert full.server.password not in seen.read_text()
    assert full.server.password not in repr(full.server)
    wrong = replace(full.server, password="not this one")  # noqa: S106 (a wrong one)
    with pytest.raises(BackupError, match="does not let postgres in") as fault:
        take.look(wrong, full.store, 100)
    assert wrong.password not in str(fault.value)
