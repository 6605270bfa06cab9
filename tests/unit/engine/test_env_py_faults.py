"""What env.py may do wrong before there is a database."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from headway import engine
from headway.errors import HeadwayError
from headway.project import Project

from tests.unit.engine.apps import ENV_PY, App


def fault_of(project: Project) -> HeadwayError:
    with pytest.raises(HeadwayError) as raised:
        engine.status(project)
    assert "\n" not in raised.value.message
    return raised.value


@pytest.fixture
def app(app: App) -> App:
    app.revision("a")
    return app


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nraise ValueError('no such setting')\n", "line 2, raises ValueError: no such setting."),
        ("import os\nos.environ['DATABASE_URL']\n", "line 2, raises KeyError: 'DATABASE_URL'."),
        ("import sys\n\nsys.exit(3)\n", "line 3, raises SystemExit: 3."),
        ("\n\nimport no_such_module\n", "line 3, raises ModuleNotFoundError"),
    ],
)
def test_env_py_raises(app: App, project: Project, text: str, said: str) -> None:
    app.env_py.write_text(text)
    fault = fault_of(project)
    assert (fault.kind, f"{app.env_py}, {said}" in fault.message) == ("env_py_raised", True), fault


def test_env_py_is_not_python(app: App, project: Project) -> None:
    app.env_py.write_text("x = 1\ndef f(:\n")
    fault = fault_of(project)
    assert fault.kind == "env_py_raised"
    assert f"{app.env_py}, line 2" in fault.message


def test_env_py_raises_in_a_module_of_the_app(app: App, project: Project) -> None:
    (app.folder / "settings.py").write_text("\n\n\nraise RuntimeError('no settings')\n")
    app.env_py.write_text(f"import sys\nsys.path.append({str(app.folder)!r})\nimport settings\n")
    fault = fault_of(project)
    assert f"{app.env_py}, line 3, raises RuntimeError: no settings." in fault.message


def test_env_py_that_runs_no_migrations(app: App, project: Project) -> None:
    app.env_py.write_text("if __name__ == '__main__':\n    raise ValueError\n")
    assert fault_of(project).kind == "no_migrations_run"


def test_env_py_that_ends_the_process(app: App, project: Project) -> None:
    app.env_py.write_text("import os\nos._exit(7)\n")
    fault = fault_of(project)
    assert fault.kind == "process_ended"
    assert "exited with 7" in fault.message


@pytest.mark.parametrize(
    ("driver", "word"), [("psycopg2cffi", "psycopg2cffi"), ("nonsense", "nonsense")]
)
def test_driver_not_installed(app: App, project: Project, driver: str, word: str) -> None:
    app.env_py.write_text(
        f"from sqlalchemy import create_engine\ncreate_engine('postgresql+{driver}://h/d')\n"
    )
    fault = fault_of(project)
    assert fault.kind == "no_driver"
    for expected in (word, sys.executable, str(app.env_py)):
        assert expected in fault.message


def test_url_that_cannot_be_parsed_does_not_show_its_password(app: App) -> None:
    app.write_ini("[alembic]\nscript_location = alembic\nsqlalchemy.url = postgresql:/u:s3cret@h\n")
    app.env_py.write_text(ENV_PY)
    assert "s3cret" not in str(fault_of(Project(str(app.config))).to_dict())


def test_what_env_py_printed_before_is_in_the_log(app: App, project: Project) -> None:
    app.env_py.write_text("print('reading settings')\nraise ValueError\n")
    assert "reading settings" in fault_of(project).data["log"]


def test_database_that_refuses_to_be_opened(app: App, tmp_path: Path) -> None:
    app.write_ini(
        f"[alembic]\nscript_location = alembic\nsqlalchemy.url = sqlite:///{tmp_path}/no/x.db\n"
    )
    fault = fault_of(Project(str(app.config)))
    assert fault.kind == "unreachable"
    assert f"{tmp_path}/no/x.db" in fault.message
