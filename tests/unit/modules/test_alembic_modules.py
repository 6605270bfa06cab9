from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.engine.apps import App

MODULES = (
    "alembic_adopt",
    "alembic_downgrade",
    "alembic_info",
    "alembic_info_many",
    "alembic_rehearse",
    "alembic_upgrade",
    "alembic_upgrade_many",
)
OF_SQLITE_TOO = (
    "alembic_downgrade",
    "alembic_info",
    "alembic_info_many",
    "alembic_upgrade",
    "alembic_upgrade_many",
)


class EndedError(Exception):
    """What a stand-in for AnsibleModule raises where the real one ends the process."""


class StandIn:
    """Looks to the modules like AnsibleModule."""

    check_mode = False
    _diff = False

    def __init__(self, **params: Any) -> None:
        self.params: dict[str, Any] = {
            "name": "alembic",
            "x_arguments": [],
            "environment": {},
            "user": None,
            "direction": "up",
            "stays": None,
            "accept_loss": False,
            "allow_several_heads": False,
            "command": "",
            "edited": "warn",
            "snapshot": "auto",
            **{
                name: spec.get("default")
                for options in (
                    module("alembic_adopt").OPTIONS,
                    module("alembic_rehearse").OPTIONS,
                    module("alembic_upgrade").RUN_ARGUMENTS,
                    module("alembic_upgrade_many").OPTIONS,
                )
                for name, spec in options.items()
            },
            "revision": "heads",
            "databases": [{"name": "a", "x_arguments": ["tenant=a"]}],
            **params,
        }
        self.no_log_values = {str(value) for value in self.params["environment"].values()}
        self.result: dict[str, Any] = {}
        self.warned: list[str] = []

    def warn(self, warning: str) -> None:
        self.warned.append(warning)

    def exit_json(self, **result: Any) -> None:
        self.result = result

    def fail_json(self, msg: str, **result: Any) -> None:
        self.result = {"failed": True, "msg": msg, **result}
        raise EndedError


@pytest.fixture
def app(tmp_path: Path) -> App:
    app = App.make(tmp_path / "app", f"sqlite:///{tmp_path}/database.sqlite")
    app.chain("aaaa", "bbbb")
    return app


def module(name: str) -> Any:
    return importlib.import_module(f"plugins.modules.{name}")


def run(name: str, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    code = module(name)
    monkeypatch.setattr(code, "AnsibleModule", lambda **_: standin)
    code.main()
    return standin.result


@pytest.mark.parametrize("name", MODULES)
def test_documented_options_are_those_there_are(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    specs: list[dict[str, Any]] = []

    def standin(argument_spec: dict[str, Any], **_: Any) -> Any:
        specs.append(argument_spec)
        raise EndedError

    code = module(name)
    monkeypatch.setattr(code, "AnsibleModule", standin)
    with pytest.raises(EndedError):
        code.main()
    documented = yaml.safe_load(code.DOCUMENTATION)["options"]
    assert set(documented) == set(specs[0])
    for option, spec in specs[0].items():
        for key in ("type", "default", "required", "elements", "choices"):
            assert documented[option].get(key) == spec.get(key), f"{option}: {key}"


@pytest.mark.parametrize("name", OF_SQLITE_TOO)
@pytest.mark.parametrize("check", [False, True])
def test_what_is_returned_is_documented(
    name: str, check: bool, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = {"revision": "base", "accept_loss": True} if name == "alembic_downgrade" else {}
    if down:
        run("alembic_upgrade", StandIn(config=str(app.config)), monkeypatch)
    standin = StandIn(config=str(app.config), **down)
    standin.check_mode = check
    result = run(name, standin, monkeypatch)
    documented = yaml.safe_load(module(name).RETURN)
    assert set(result) - {"changed", "invocation"} <= set(documented)
    for key, value in result.items():
        if key in documented and value and documented[key].get("contains"):
            one = value if isinstance(value, dict) else value[0]
            assert set(one) == set(documented[key]["contains"]), key


def test_check_mode_foretells_the_run(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    standin = StandIn(config=str(app.config))
    standin.check_mode = True
    foretold = run("alembic_upgrade", standin, monkeypatch)
    done = run("alembic_upgrade", StandIn(config=str(app.config)), monkeypatch)
    for key in ("changed", "before", "after", "heads", "target", "database"):
        assert foretold[key] == done[key], key
    assert [p["revision"] for p in foretold["pending"]] == [a["revision"] for a in done["applied"]]
    assert foretold["changed"]
    assert not foretold["applied"]
    again = run("alembic_upgrade", standin, monkeypatch)
    assert not again["changed"]
    assert again["before"] == again["after"] == done["after"]


def test_diff_shows_revisions_and_sql_and_nothing_when_nothing_changes(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin = StandIn(config=str(app.config))
    standin._diff = True
    diff = run("alembic_upgrade", standin, monkeypatch)["diff"]
    assert diff["before"] == "current: base (no revision)\n"
    assert diff["after"].startswith("current: bbbb\n")
    for line in ("1. aaaa  make aaaa\n", "CREATE TABLE t_bbbb"):
        assert line in diff["after"]
    diff = run("alembic_upgrade", standin, monkeypatch)["diff"]
    assert diff["before"] == diff["after"] == "current: bbbb\n"


def test_only_secrets_of_the_environment_are_blanked_out(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin = StandIn(
        config=str(app.config),
        environment={"DEBUG": "1", "MODE": "a", "URL": "postgresql://u:hush-hush@h/db"},
    )
    run("alembic_info", standin, monkeypatch)
    assert standin.no_log_values == {"hush-hush"}
    assert standin.result["invocation"]["module_args"]["environment"] == "(not shown)"


def test_values_of_the_environment_become_text(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    app.env_py.write_text("import os\nprint(os.environ['POOL'], os.environ['DEBUG'])\n1 / 0\n")
    standin = StandIn(config=str(app.config), environment={"POOL": 5, "DEBUG": True})
    with pytest.raises(EndedError):
        run("alembic_info", standin, monkeypatch)
    assert standin.result["log"] == ["5 True"]


@pytest.mark.parametrize("name", MODULES)
def test_a_fault_is_a_sentence_with_its_kind(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin = StandIn(config=str(tmp_path / "alembic.ini"), revision="base")
    with pytest.raises(EndedError):
        run(name, standin, monkeypatch)
    assert standin.result["kind"] == "no_config"
    assert standin.result["msg"].startswith(f"The alembic configuration {tmp_path}/alembic.ini")
