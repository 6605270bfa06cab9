from __future__ import annotations

import json

import pytest
from headway.cli import main

from tests.unit.engine.apps import App


@pytest.fixture
def app(app: App) -> App:
    app.chain("aaaa", "bbbb")
    return app


def test_the_walk(
    app: App, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(app.folder)

    def said(*arguments: str, code: int = 0) -> str:
        assert main(arguments) == code
        return capsys.readouterr().out

    assert "pending  2\n    aaaa  make aaaa\n    bbbb  make bbbb" in said("status")
    assert "CREATE TABLE t_aaaa" in said("plan")
    assert "base (no revision) -> aaaa\n    aaaa  make aaaa  (" in said("upgrade", "+1")
    assert "current  aaaa" in said("status", "--check", code=2)
    assert said("history") == "*  aaaa  make aaaa  (current)\no  bbbb  make bbbb  (head)\n"
    assert "aaaa -> bbbb" in said("upgrade")
    assert "bbbb, nothing to apply" in said("upgrade")
    assert "bbbb, nothing to apply" in said("plan")
    assert "at head, nothing is pending" in said("status", "--check")


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        ("status", {"current", "heads", "at_head", "pending", "branches", "history"}),
        ("plan", {"current", "after", "pending", "sql_complete"}),
        ("upgrade", {"before", "after", "changed", "applied", "pending", "log"}),
        ("history", {"history"}),
    ],
)
def test_json(app: App, capsys: pytest.CaptureFixture[str], command: str, keys: set[str]) -> None:
    assert main([command, "--config", str(app.config), "--format", "json"]) == 0
    assert keys <= set(json.loads(capsys.readouterr().out))


def test_a_fault_is_one_line_on_stderr_after_what_env_py_printed(
    app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    app.env_py.write_text("print('reading settings')\nraise ValueError('no')\n")
    assert main(["status", "-c", str(app.config)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"reading settings\nheadway: {app.env_py}, line 2, raises ValueError: no.\n"


def test_a_fault_as_json(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "-c", str(app.config), "--format", "json", "zzzz"]) == 1
    fault = json.loads(capsys.readouterr().out)
    assert (fault["kind"], fault["data"]["heads"]) == ("unknown_target", ["bbbb"])


def test_x_arguments_and_section_reach_env_py(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    app.write_ini("[tenants]\nscript_location = alembic\n")
    app.env_py.write_text(
        "from alembic import context\n"
        "x = context.get_x_argument(as_dictionary=True)\n"
        "raise ValueError(f'{context.config.config_ini_section} {x}')\n"
    )
    main(["status", "-c", str(app.config), "-n", "tenants", "-x", "a=b c", "-x=-d=1"])
    assert "tenants {'a': 'b c', '-d': '1'}" in capsys.readouterr().err
