from __future__ import annotations

import sys
from pathlib import Path

import pytest
from deployment import pythons

HERE = Path(sys.executable)


def test_a_python_answers_isolated_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    program = "import json, sys; print(json.dumps({'path': sys.path}))"
    assert "/elsewhere" not in pythons.ask(HERE, program)["path"]


def test_where_there_is_no_python_there_is_no_answer(tmp_path: Path) -> None:
    assert pythons.ask(tmp_path / "python", "print({})") == {}


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import nothing_of_that_name", "No module named 'nothing_of_that_name'"),
        ("print('no JSON')", "no JSON"),
        ("print([])", "[]"),
    ],
)
def test_what_does_not_answer_says_why(program: str, said: str) -> None:
    assert said in pythons.ask(HERE, program)["error"]


def test_what_is_no_program_says_so(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("")
    assert "denied" in pythons.ask(tmp_path / "python", "")["error"]
