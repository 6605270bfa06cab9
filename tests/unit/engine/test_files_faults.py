"""Each fault of the files is one sentence that names what and where, and touches nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from headway import engine
from headway.errors import HeadwayError
from headway.project import Project

from tests.unit.engine.apps import App, files


def fault_of(project: Project) -> HeadwayError:
    """Give the fault of a plan, the same as an upgrade's and a status's: all look first."""
    with pytest.raises(HeadwayError) as raised:
        engine.plan(project)
    fault = raised.value
    assert fault.kind != "internal", fault.data["log"]
    assert "\n" not in fault.message
    assert "Traceback" not in fault.message
    return fault


def broken(app: App, expected: str, *words: str, section: str = "alembic") -> None:
    before = files(app)
    fault = fault_of(Project(str(app.config), section))
    assert (fault.kind, [w for w in words if w not in fault.message]) == (expected, []), fault
    assert files(app) == before
    assert not (app.folder.parent / "database.sqlite").exists()


def test_no_config(tmp_path: Path) -> None:
    fault = fault_of(Project(str(tmp_path / "alembic.ini")))
    assert fault.kind == "no_config"
    assert str(tmp_path / "alembic.ini") in fault.message


def test_config_is_a_folder(tmp_path: Path) -> None:
    assert fault_of(Project(str(tmp_path))).kind == "config_unreadable"


def test_no_section(app: App) -> None:
    app.write_ini("[alembic]\n[other]\n")
    broken(app, "no_section", "[tenants]", "[alembic], [other]", section="tenants")


def test_ini_syntax(app: App) -> None:
    app.write_ini("[alembic]\nscript_location = alembic\nnonsense\n")
    broken(app, "config_syntax", str(app.config), "line 3")


def test_ini_is_not_text(app: App) -> None:
    app.config.write_bytes(b"[alembic]\nsqlalchemy.url = \xe9\n")
    broken(app, "config_syntax", "UTF-8")


def test_a_percent_that_stands_alone_is_named_without_the_password(app: App) -> None:
    app.write_ini(
        "[alembic]\nscript_location = alembic\nsqlalchemy.url = postgresql://u:p%ab@h/d\n"
    )
    broken(app, "config_percent", "sqlalchemy.url", "%%")
    assert "%ab" not in fault_of(Project(str(app.config))).message


def test_no_script_location(app: App) -> None:
    app.write_ini("[alembic]\nsqlalchemy.url = x\n")
    broken(app, "no_script_location", "[alembic]", str(app.config))


def test_script_location_does_not_exist(app: App) -> None:
    app.write_ini("[alembic]\nscript_location = migrations\n")
    broken(app, "no_script_location", str(app.folder / "migrations"), "does not exist")


def test_script_location_in_a_package_that_is_not_installed(app: App) -> None:
    app.write_ini("[alembic]\nscript_location = no_such_package:migrations\n")
    broken(app, "no_script_location", "no_such_package", sys.executable)


def test_no_env_py(app: App) -> None:
    app.revision("a")
    app.env_py.unlink()
    broken(app, "no_env_py", str(app.env_py.parent))


def test_no_versions_folder(app: App) -> None:
    app.versions.rmdir()
    broken(app, "no_versions_folder", str(app.versions))


def test_empty_history(app: App) -> None:
    (app.versions / "__init__.py").touch()
    (app.versions / "README").touch()
    broken(app, "empty_history", str(app.versions), "alembic revision")


def test_missing_parent(app: App) -> None:
    app.revision("a")
    path = app.revision("b", "gone")
    broken(app, "missing_parent", str(path), "revision gone")


def test_two_files_with_the_same_revision(app: App) -> None:
    one = app.revision("a")
    other = one.with_name("copy_of_a.py")
    other.write_text(one.read_text())
    broken(app, "duplicate_revision", "id a", str(one), str(other))


def test_the_same_revision_computed_at_import(app: App) -> None:
    one = app.revision("a")
    other = one.with_name("b.py")
    other.write_text(one.read_text().replace("revision = 'a'", "revision = chr(97)", 1))
    broken(app, "duplicate_revision", str(one), str(other))


def test_cycle(app: App) -> None:
    app.revision("a")
    app.revision("b", "d")
    app.revision("c", "b")
    path = app.revision("d", "c")
    broken(app, "cycle", "circle", "b", "c", "d", str(path))


def test_cycle_of_dependencies(app: App) -> None:
    app.revision("aaaa", depends_on="bbbb")
    app.revision("bbbb", depends_on="aaaa")
    broken(app, "history_invalid", "aaaa", "bbbb")


def test_syntax_error(app: App) -> None:
    path = app.revision("a")
    path.write_text("revision = 'a'\ndown_revision = None\ndef upgrade(:\n")
    broken(app, "syntax_error", str(path), "line 3")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_revision_that_raises_at_import(app: App, line: str, said: str) -> None:
    path = app.versions / "a.py"
    path.write_text(f"revision = 'a'\ndown_revision = None\n{line}\n")
    broken(app, "revision_import", f"{path}, line 3", said)


def test_file_without_a_revision(app: App) -> None:
    (app.versions / "helpers.py").write_text("x = 1\n")
    broken(app, "history_invalid", "helpers.py")


def test_several_heads_are_named_with_the_command_that_merges_them(app: App) -> None:
    app.revision("a")
    b, c = app.revision("b", "a", message="add email"), app.revision("c", "a", message="add phone")
    fault = fault_of(Project(str(app.config)))
    assert fault.kind == "two_heads"
    for word in (str(b), str(c), "add email", "add phone", 'alembic merge -m "merge" b c'):
        assert word in fault.message
    assert fault.data["heads"] == ["b", "c"]


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("zzzz", "unknown_target"),
        ("-1", "unknown_target"),
        ("+9", "unreachable_target"),
        ("a:b", "unknown_target"),
    ],
)
def test_target_that_cannot_be_meant(project: Project, app: App, target: str, kind: str) -> None:
    app.chain("aaaa", "bbbb")
    with pytest.raises(HeadwayError, match=target.replace("+", r"\+")) as fault:
        engine.plan(project, target)
    assert fault.value.kind == kind


@pytest.mark.parametrize("call", [engine.status, engine.plan])
def test_alembic_is_not_installed(
    call: Callable[[Project], object], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "alembic", None)
    with pytest.raises(HeadwayError, match=f"alembic is not installed in {sys.executable}"):
        call(project)


def test_config_that_the_account_may_not_read(app: App) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    app.config.chmod(0o600)
    fault = fault_of(Project(str(app.config), user="nobody"))
    assert fault.kind == "config_unreadable"
