"""The modules as Ansible runs them, with an app's interpreter."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Database
from tests.integration.engine.conftest import ROOT, Headway
from tests.integration.engine.test_env_styles import FROM_ENVIRONMENT
from tests.unit.engine.apps import App, readable

PLUGINS = ROOT / "plugins"
BIN = Path(sys.executable).parent

Result = dict[str, Any]
Ansible = Callable[..., tuple[Result, str]]


@pytest.fixture
def ansible(newest_python: Path, tmp_path: Path) -> Ansible:
    """Give a function that runs a module on localhost: its result, and all that Ansible printed."""

    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()

    def run(
        module: str,
        *flags: str,
        python: Path = newest_python,
        settings: str = f"library = {PLUGINS}/modules\nmodule_utils = {PLUGINS}/module_utils",
        **arguments: Any,
    ) -> tuple[Result, str]:
        (tmp_path / "ansible.cfg").write_text(
            f"[defaults]\nstdout_callback = ansible.posix.json\n{settings}\n"
            "[connection]\npipelining = True\n"
        )
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": str(python)},
            "tasks": [{"name": "the task", module: arguments}],
        }
        (tmp_path / "playbook.yml").write_text(json.dumps([play]))
        done = subprocess.run(
            [str(BIN / "ansible-playbook"), "-i", "localhost,", *flags, "playbook.yml"],
            cwd=tmp_path,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
                "TMPDIR": str(unpacked),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert list(unpacked.iterdir()) == []
        start = done.stdout.find("{")
        assert start >= 0, done.stdout + done.stderr
        output = json.loads(done.stdout[start:])
        result: Result = output["plays"][0]["tasks"][0]["hosts"]["localhost"]
        assert "module_stderr" not in result, result
        return result, done.stdout + done.stderr

    return run


def test_check_run_and_run_again(ansible: Ansible, app: App, database: Database) -> None:
    app.chain("aaaa", "bbbb")
    empty = database.dump()
    info, _ = ansible("alembic_info", config=str(app.config))
    assert (info["current"], info["at_head"], info["changed"]) == ([], False, False)
    foretold, _ = ansible("alembic_upgrade", "--check", "--diff", config=str(app.config))
    assert foretold["changed"]
    assert [p["revision"] for p in foretold["pending"]] == ["aaaa", "bbbb"]
    assert "CREATE TABLE t_bbbb" in foretold["diff"]["after"]
    assert database.dump() == empty
    assert database.tables() == set()

    done, _ = ansible("alembic_upgrade", config=str(app.config))
    assert done["changed"]
    assert (done["before"], done["after"]) == (foretold["before"], foretold["after"])
    assert [a["revision"] for a in done["applied"]] == ["aaaa", "bbbb"]
    assert database.tables() == {"alembic_version", "t_aaaa", "t_bbbb"}

    full = database.dump()
    for flags in ([], ["--check"]):
        again, _ = ansible("alembic_upgrade", *flags, config=str(app.config))
        assert not again["changed"]
        assert (again["before"], again["after"], again["applied"]) == (["bbbb"], ["bbbb"], [])
    assert database.dump() == full
    info, _ = ansible("alembic_info", config=str(app.config))
    assert info["at_head"]


def test_an_empty_database_from_a_snapshot(
    ansible: Ansible, app: App, database: Database, newest_python: Path
) -> None:
    app.chain("aaaa", "bbbb")
    Headway(newest_python)("snapshot", app)
    off, _ = ansible("alembic_upgrade", "--check", config=str(app.config), snapshot="off")
    assert off["snapshot"] is None
    foretold, _ = ansible("alembic_upgrade", "--check", config=str(app.config))
    assert foretold["snapshot"]["loaded"] == ["aaaa", "bbbb"]
    assert database.tables() == set()
    done, _ = ansible("alembic_upgrade", config=str(app.config))
    assert done["snapshot"] == foretold["snapshot"]
    assert database.tables() == {"alembic_version", "t_aaaa", "t_bbbb"}


def test_a_failure_tells_what_is_applied(ansible: Ansible, app: App) -> None:
    app.chain("aaaa")
    app.revision("bbbb", "aaaa", "op.execute('create table t_aaaa ()')")
    result, _ = ansible("alembic_upgrade", config=str(app.config))
    assert result["failed"]
    assert result["changed"]
    assert result["msg"].startswith("Revision bbbb")
    assert (result["kind"], result["sqlstate"]) == ("revision_failed", "42P07")
    assert [a["revision"] for a in result["applied"]] == ["aaaa"]
    assert [p["revision"] for p in result["pending"]] == ["bbbb"]


def test_as_another_account_with_secrets_in_the_environment(
    ansible: Ansible,
    make_app: Callable[..., App],
    database: Database,
    tmp_path: Path,
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    app = make_app(
        url="driver://user:pass@localhost/dbname",
        env_py=FROM_ENVIRONMENT
        + "\nprint(os.getuid(), os.environ['HOME'], os.environ['DATABASE_URL'])\n",
    )
    app.chain("aaaa")
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    nobody = pwd.getpwnam("nobody")
    result, printed = ansible(
        "alembic_upgrade",
        "-vvv",
        config=str(app.config),
        user="nobody",
        environment={"DATABASE_URL": database.url(), "DEBUG": "1", "MODE": "a"},
    )
    assert result["after"] == ["aaaa"], result
    line = next(line for line in result["log"] if line.startswith(f"{nobody.pw_uid} "))
    assert nobody.pw_dir in line
    assert "postgres:***@" in line
    assert database.password not in printed
    assert database.password not in readable(result)


def test_as_an_installed_collection(ansible: Ansible, app: App, tmp_path: Path) -> None:
    app.chain("aaaa")
    collection = tmp_path / "collections" / "ansible_collections" / "headway" / "deploy"
    collection.mkdir(parents=True)
    for name in ("plugins", "galaxy.yml", "meta"):
        (collection / name).symlink_to(ROOT / name)
    settings = f"collections_path = {tmp_path}/collections"
    upgrade = ("headway.deploy.alembic_upgrade",)
    planned, _ = ansible(*upgrade, "--check", "--diff", settings=settings, config=str(app.config))
    assert [r["tables"][0]["name"] for r in planned["review"]["revisions"]] == ["t_aaaa"]
    assert planned["diff"]["prepared"] == planned["text"]
    result, _ = ansible(*upgrade, settings=settings, config=str(app.config))
    assert result["after"] == ["aaaa"]


def test_lint_error_refuses_a_plan_and_off_judges_nothing(ansible: Ansible, app: App) -> None:
    app.chain("aaaa")
    app.revision("bbbb", "aaaa", "op.execute('nonsense')")
    settings = "\n".join(
        f"{kind} = {PLUGINS}/{folder}"
        for kind, folder in (
            ("library", "modules"),
            ("module_utils", "module_utils"),
            ("action_plugins", "action"),
        )
    )
    planned, _ = ansible("alembic_upgrade", "--check", settings=settings, config=str(app.config))
    assert "syntax-error (alembic/versions/bbbb.py, line " in planned["refused"]
    strict = {"settings": settings, "config": str(app.config), "lint": "error"}
    refused, _ = ansible("alembic_upgrade", "--check", **strict)
    assert (refused["failed"], refused["kind"]) == (True, "dangerous_plan")
    assert refused["msg"] == planned["refused"]
    off, _ = ansible("alembic_upgrade", "--check", **{**strict, "lint": "off"})
    assert "review" not in off
    assert not off.get("failed")


def test_an_interpreter_without_alembic(
    ansible: Ansible, app: App, newest_python: Path, tmp_path: Path
) -> None:
    app.chain("aaaa")
    bare = tmp_path / "bare"
    subprocess.run([str(newest_python), "-m", "venv", "--without-pip", str(bare)], check=True)
    python = bare / "bin" / "python"
    result, _ = ansible("alembic_info", python=python, config=str(app.config))
    assert result["failed"]
    assert result["msg"].startswith(f"alembic is not installed in {python}; install")


@pytest.mark.parametrize("module", ["alembic_info", "alembic_upgrade"])
def test_ansible_doc(module: str) -> None:
    command = [str(BIN / "ansible-doc"), "-M", str(PLUGINS / "modules"), "--json", module]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    documented = json.loads(done.stdout)[module]
    assert {"check_mode", "diff_mode", "idempotent"} <= set(documented["doc"]["attributes"])
    assert documented["examples"]
    assert documented["return"]
