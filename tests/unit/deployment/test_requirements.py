from __future__ import annotations

from pathlib import Path

import pytest
from deployment.requirements import Requirements, RequirementsError


def read(path: Path) -> Requirements:
    wanted = Requirements()
    wanted.read(path)
    return wanted


def test_included_files_and_constraints_are_taken_in(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "prod.txt").write_text(
        "# why\n-r base/all.txt\n--constraint=pins.txt\n\ngunicorn\n"
    )
    (tmp_path / "base" / "all.txt").write_text("fastapi\n")
    (tmp_path / "pins.txt").write_text("fastapi==0.1\n")
    wanted = read(tmp_path / "prod.txt")
    assert (wanted.lines, wanted.constraints) == (["fastapi", "gunicorn"], ["fastapi==0.1"])


def test_a_file_that_is_not_there_is_named_with_its_includer(tmp_path: Path) -> None:
    (tmp_path / "prod.txt").write_text("-r gone.txt\n")
    with pytest.raises(
        RequirementsError, match=r"gone\.txt, which .*prod\.txt includes, does not exist"
    ):
        read(tmp_path / "prod.txt")


def test_a_file_that_includes_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "prod.txt").write_text("-r prod.txt\n")
    with pytest.raises(RequirementsError, match="includes itself"):
        read(tmp_path / "prod.txt")


@pytest.mark.parametrize(
    ("line", "install", "chosen"),
    [
        ("psycopg2-binary==2.9.9", "source", "psycopg2==2.9.9"),
        ("psycopg2==2.9.9", "binary", "psycopg2-binary==2.9.9"),
        (
            "Psycopg2-Binary >= 2.9 ; python_version > '3'",
            "source",
            "psycopg2 >= 2.9 ; python_version > '3'",
        ),
        ("psycopg2", "source", "psycopg2"),
        ("psycopg2_binary>=2.9", "source", "psycopg2>=2.9"),
    ],
)
def test_psycopg2_is_named_as_asked(line: str, install: str, chosen: str) -> None:
    wanted = Requirements(["alembic", line])
    wanted.choose_psycopg2(install)
    assert wanted.lines == ["alembic", chosen]


@pytest.mark.parametrize("other", ["psycopg[binary]", "psycopg2-pool-extra", "asyncpg"])
def test_psycopg2_is_added_where_nothing_names_it(other: str) -> None:
    wanted = Requirements([other])
    wanted.choose_psycopg2("source")
    assert wanted.lines == [other, "psycopg2"]


def test_lines_with_hashes_are_left_alone() -> None:
    wanted = Requirements(["psycopg2-binary==2.9.9 --hash=sha256:00"])
    wanted.choose_psycopg2("source")
    assert wanted.lines == ["psycopg2-binary==2.9.9 --hash=sha256:00"]


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("-e .", "."),
        ("--editable=./libs/pricing", "./libs/pricing"),
        (".[pg]  # with its extra", ".[pg]  # with its extra"),
        ("vendor/pricing-1-py3-none-any.whl", "vendor/pricing-1-py3-none-any.whl"),
    ],
)
def test_what_lies_in_the_source_is_installed_as_it_is(line: str, taken: str) -> None:
    wanted = Requirements()
    wanted.take(line)
    assert wanted.lines == [taken]
    assert wanted.local


@pytest.mark.parametrize(
    "line",
    [
        "shop==1",
        "shop @ https://example.com/shop.whl",
        "-e git+https://example.com/shop.git#egg=shop",
        "--index-url https://example.com/simple",
        "psycopg2 ; python_version > '3.9'",
        "zope.interface>=5",
    ],
)
def test_what_comes_from_elsewhere_is_not_local(line: str) -> None:
    wanted = Requirements()
    wanted.take(line)
    assert wanted.lines == [line]
    assert not wanted.local
