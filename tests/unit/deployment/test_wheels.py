from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from deployment import wheels


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    return tmp_path / "venv"


def distribution(venv: Path, name: str, tag: str, **files: str) -> None:
    info = venv / "lib" / "python3.11" / "site-packages" / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nTag: {tag}\n")
    for file, content in files.items():
        (info / file.replace("_json", ".json")).write_text(content)


def test_what_was_compiled_here_is_told_from_what_was_published(venv: Path) -> None:
    distribution(venv, "psycopg2", "cp311-cp311-linux_x86_64")
    distribution(venv, "sqlalchemy", "cp311-cp311-manylinux2014_x86_64")
    distribution(venv, "greenlet", "cp311-cp311-musllinux_1_2_x86_64")
    distribution(venv, "alembic", "py3-none-any")
    assert wheels.compiled(venv) == ["psycopg2==1.0"]


def test_what_came_from_a_path_is_not_looked_for_in_an_index(venv: Path) -> None:
    distribution(venv, "own", "cp311-cp311-linux_x86_64", direct_url_json="{}")
    assert wheels.compiled(venv) == []


def test_wheels_are_described_as_hashed_requirements(tmp_path: Path) -> None:
    (tmp_path / "psycopg2-2.9.13-cp311-cp311-linux_x86_64.whl").write_bytes(b"compiled")
    (tmp_path / "alembic-1.20-py3-none-any.whl").write_bytes(b"published")
    assert wheels.described(tmp_path) == [
        {
            "file": "psycopg2-2.9.13-cp311-cp311-linux_x86_64.whl",
            "requirement": "psycopg2==2.9.13",
            "sha256": hashlib.sha256(b"compiled").hexdigest(),
        }
    ]


def test_where_nothing_was_compiled_there_is_no_wheel(tmp_path: Path) -> None:
    assert wheels.described(tmp_path / "none") == []
