from __future__ import annotations

from pathlib import Path

import pytest
from headway.passfile import password_of

FILE = r"""
# a comment:1:live:me:not this
other:5432:live:me:wrong host
db:5433:live:me:wrong port
db:5432:elsewhere:me:wrong database
db:5432:live:me:a\:b\\c
*:*:*:other:anywhere
"""


@pytest.mark.parametrize(
    ("database", "reached", "password"),
    [
        ("live", {"host": "db", "port": 5432, "user": "me"}, "a:b\\c"),
        ("new", {"host": "db", "port": 5432, "user": "other"}, "anywhere"),
        ("new", {"host": "db", "port": 5432, "user": "me"}, None),
    ],
)
def test_the_line_that_fits(
    database: str,
    reached: dict[str, str | int],
    password: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "pgpass").write_text(FILE)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    assert password_of(database, reached) == password
    assert password_of(database, {**reached, "passfile": str(tmp_path / "none")}) is None
