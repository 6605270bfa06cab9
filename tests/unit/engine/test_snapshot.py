"""What of a snapshot is known without a server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from headway.snapshot import Snapshot, read, write
from headway.uncarried import speaks_of_who, uncarried

SNAPSHOT = Snapshot(
    head="b",
    sha256={"a": "1" * 64, "b with blanks": "2" * 64},
    schemas=("public", "some shop"),
    relations=3,
    body="select 1;\r\n\n\n-- head: c\nselect 'ü';\n",
)


def test_it_comes_back_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "snapshot.sql"
    assert write(SNAPSHOT, file)
    assert read(file) == SNAPSHOT
    assert not write(SNAPSHOT, file)
    file.chmod(0o600)
    assert write(replace(SNAPSHOT, head="a"), file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_other_line_ends_are_not_its_own(tmp_path: Path) -> None:
    file = tmp_path / "snapshot.sql"
    file.write_bytes(SNAPSHOT.text.replace("\n", "\r\n").encode())
    with pytest.raises(ValueError, match="is not a snapshot"):
        read(file)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE ROLE shop",
        "create user shop",
        "GRANT reader, writer TO shop",
        "do $$ begin create role shop; exception when others then null; end $$",
        "ALTER DATABASE shop SET search_path = x",
        "comment on database shop is 'x'",
        "alter system set work_mem = '1MB'",
        "REVOKE SELECT ON person FROM PUBLIC",
        "revoke execute on function f() from shop",
        "revoke all on function f() from public, shop",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "grant usage on schema public to public",
        "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO shop",
        "alter table person owner to shop",
        "create user mapping for shop server s",
    ],
)
def test_not_carried(statement: str) -> None:
    assert list(uncarried(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE person (role text, owner text, database text, subscriber int)",
        "grant select on person to shop with grant option",
        "grant usage on schema public to shop",
        "revoke execute on function f() from public",
        "revoke all on all functions in schema public from public;",
        "create policy own on person to shop using (true)",
    ],
)
def test_carried(statement: str) -> None:
    assert list(uncarried(statement)) == []


def test_who_runs_it() -> None:
    assert speaks_of_who("create table t (by text default CURRENT_USER)")
    assert not speaks_of_who("create table t (current_users int)")
