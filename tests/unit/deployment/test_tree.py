from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest
from deployment import tree


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    (root / "models").mkdir(parents=True)
    (root / "models" / "orm.py").write_text("x = 1\n")
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    (root / "alembic.ini").write_text("[alembic]\n")
    return root


def test_digest_is_of_names_content_and_executable_bits(app: Path) -> None:
    before = tree.digest(app)
    os.utime(app / "run", (1, 1))
    (app / "models" / "orm.py").chmod(0o600)
    assert tree.digest(app) == before
    (app / "models" / "orm.py").write_text("x = 2\n")
    changed = tree.digest(app)
    (app / "run").chmod(0o644)
    assert len({before, changed, tree.digest(app)}) == 3


def test_digest_leaves_out_what_is_never_deployed(app: Path) -> None:
    before = tree.digest(app, without=["alembic.ini"])
    for folder in (".git", "models/__pycache__", ".venv", "node_modules"):
        (app / folder).mkdir()
        (app / folder / "file").write_text("x")
    (app / "alembic.ini").write_text("[alembic]\nsqlalchemy.url = x\n")
    assert tree.digest(app, without=["alembic.ini"]) == before


def test_digest_sees_where_a_link_points(app: Path) -> None:
    (app / "link").symlink_to("models")
    before = tree.digest(app)
    (app / "link").unlink()
    (app / "link").symlink_to("run")
    assert tree.digest(app) != before


def test_pack_gives_the_same_archive_for_the_same_content(app: Path, tmp_path: Path) -> None:
    tree.pack(app, tmp_path / "one.tar.gz")
    os.utime(app / "run", (1, 1))
    tree.pack(app, tmp_path / "two.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_what_is_unpacked_has_the_digest_of_what_was_packed(app: Path, tmp_path: Path) -> None:
    (app / "link").symlink_to("models")
    tree.pack(app, tmp_path / "app.tar.gz")
    with tarfile.open(tmp_path / "app.tar.gz") as archive:
        archive.extractall(tmp_path / "there", filter="data")
    assert tree.digest(tmp_path / "there") == tree.digest(app)


def test_a_pack_that_fails_leaves_nothing(app: Path, tmp_path: Path) -> None:
    (tmp_path / "archives" / "app.tar.gz").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        tree.pack(app, tmp_path / "archives" / "app.tar.gz")
    assert [path.name for path in (tmp_path / "archives").iterdir()] == ["app.tar.gz"]
