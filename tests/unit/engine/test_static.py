"""What is read of revision files without executing them."""

from __future__ import annotations

from pathlib import Path

import pytest
from headway import static
from headway.errors import HeadwayError


def write(folder: Path, revision: str, down: str, more: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{revision}.py"
    path.write_text(
        f'''"""about {revision}"""\nimport nowhere\nrevision = "{revision}"\ndown_revision = {down}\n{more}'''
    )
    return path


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    write(tmp_path / "versions", "aaaa", "None")
    write(tmp_path / "versions", "bbbb", '"aaaa"')
    return tmp_path / "versions"


def test_plain_files_are_read_without_what_they_import(versions: Path) -> None:
    found = static.read(versions)
    assert found
    assert [(r.revision, r.message, r.down_revision) for r in found] == [
        ("aaaa", "about aaaa", ()),
        ("bbbb", "about bbbb", ("aaaa",)),
    ]
    static.check(versions, "heads")


@pytest.mark.parametrize(
    "unusual",
    [
        "revision = make()",
        "depends_on = ('shop',)",
        "branch_labels = ('shop',)",
        "revision = 'other'",
        "revision, down_revision = 'cccc', 'bbbb'",
        "globals()['revision'] = 'other'",
    ],
)
def test_what_is_not_plain_is_left_to_alembic(versions: Path, unusual: str) -> None:
    write(versions, "cccc", '"bbbb"', unusual)
    assert static.read(versions) is None
    write(versions, "dddd", '"gone"')
    static.check(versions, "heads")


def test_what_is_no_python_is_left_to_alembic(versions: Path) -> None:
    (versions / "cccc.py").write_text("revision = make(\n")
    assert static.read(versions) is None


def test_a_folder_below_is_left_to_alembic(versions: Path) -> None:
    (versions / "old").mkdir()
    assert static.read(versions) is None


def test_annotated_assignments_are_read(versions: Path) -> None:
    (versions / "c.py").write_text('revision: str = "cccc"\ndown_revision: str | None = "bbbb"\n')
    found = static.read(versions)
    assert found
    assert [r.revision for r in found] == ["aaaa", "bbbb", "cccc"]


def fault(versions: Path, target: str = "heads") -> HeadwayError:
    with pytest.raises(HeadwayError) as raised:
        static.check(versions, target)
    return raised.value


def test_two_heads_are_named_with_the_merge_command(versions: Path) -> None:
    write(versions, "cccc", '"aaaa"')
    assert 'alembic merge -m "merge" bbbb cccc' in fault(versions).message
    static.check(versions, "bbbb")
    write(versions, "dddd", '("bbbb", "cccc")')
    static.check(versions, "heads")


def test_an_absent_parent_is_named(versions: Path) -> None:
    path = write(versions, "cccc", '"gone"')
    assert f"{path} (revision cccc) follows revision gone" in fault(versions).message


def test_the_same_id_twice_is_named(versions: Path) -> None:
    (versions / "again.py").write_text((versions / "bbbb.py").read_text())
    assert fault(versions).kind == "duplicate_revision"


def test_no_folder_and_no_revision(tmp_path: Path) -> None:
    assert fault(tmp_path / "versions").kind == "no_versions_folder"
    (tmp_path / "versions").mkdir()
    assert fault(tmp_path / "versions").kind == "empty_history"
