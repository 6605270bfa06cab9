"""The role `migrate` over many databases, onto a deployment that is laid out in a folder."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Database
from tests.integration.engine.conftest import ROOT
from tests.integration.engine.test_many import Databases, by_url, databases
from tests.integration.engine.test_modules import Ansible, ansible
from tests.integration.engine.test_plan_playbook import Site, site
from tests.unit.engine.apps import App

__all__ = ["ansible", "databases", "site"]

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def migrate(site: Site, tmp_path: Path) -> Run:
    """Give a function that runs the role with the release that is laid out."""
    playbook = tmp_path / "migrate.yml"
    roles = ROOT / "roles"
    look = [
        {"import_role": {"name": f"{roles}/app", "tasks_from": tasks}}
        for tasks in ("source", "look")
    ]
    play = {"hosts": "localhost", "tasks": [*look, {"import_role": {"name": f"{roles}/migrate"}}]}
    playbook.write_text(json.dumps([play]))
    live = site.root / "current"

    def run(*arguments: str, **variables: Any) -> tuple[int, str]:
        laid_out = {
            "__alembic_ini": str(live / "app" / "alembic.ini"),
            "__app_venv_folder": str(live / "venv"),
        }
        return site.run(str(playbook), *arguments, **laid_out, **variables)

    return run


def _release(site: Site) -> App:
    return App(site.root / "releases" / "live" / "app")


def by_database(databases: Databases) -> str:
    """Give rows of SQL, a name and a database beside the deploy's own."""
    return ", ".join(f"('{name}', '{d.name}')" for name, d in databases.items())


def _report(site: Site) -> dict[str, str]:
    told = json.loads((site.reports / "databases.json").read_text())
    return {result["name"]: result["outcome"] for result in told["databases"]}


def test_in_waves_with_a_backup_of_each(
    migrate: Run, site: Site, databases: Databases, tmp_path: Path
) -> None:
    of = {"migrate_databases": by_url(databases), "migrate_waves": [1, "100%"]}
    backups = tmp_path / "backups"
    code, said = migrate("--check", "--diff", **of)
    assert code == 0, said
    assert "5 pending of 5 databases" in said
    assert "+a: aaaa" in said
    assert all(not database.tables() for database in databases.values())

    code, said = migrate(**of)
    assert code == 0, said
    assert "5 done of 5 databases" in said
    assert "base → aaaa" in said
    assert databases["e"].query("select who <> '', release <> '' from headway.run") == [
        (True, True)
    ]

    _release(site).revision("bbbb", "aaaa", "op.create_table('t_bbbb')")
    databases["c"].query("create table t_bbbb ()")
    code, said = migrate(**of, migrate_backup="dump", backup_directory=str(backups))
    assert code == 2
    assert "1 of 4 databases failed, where 0 may: c" in said
    outcomes = _report(site)
    assert (outcomes["a"], outcomes["c"]) == ("done", "failed")
    assert {path.name for path in backups.iterdir()} == {d.name for d in databases.values()}

    databases["c"].query("drop table t_bbbb")
    code, said = migrate(**of)
    assert code == 0, said
    assert all("t_bbbb" in database.tables() for database in databases.values())
    code, said = migrate(**of)
    assert code == 0
    assert "changed=0" in said
    assert "5 at head of 5 databases" in said


def test_a_query_on_the_deploys_own_database(
    migrate: Run, site: Site, databases: Databases
) -> None:
    query = f"select * from (values {by_database(databases)}) tenant (name, database)"
    code, said = migrate(migrate_databases={"query": query})
    assert code == 0, said
    assert "5 done of 5 databases" in said


def test_a_backup_by_a_command_of_each_before_its_wave(
    migrate: Run, site: Site, databases: Databases, tmp_path: Path
) -> None:
    of = {"migrate_databases": by_url(databases), "migrate_waves": [2, "100%"]}
    told, here = tmp_path / "told", databases["a"]
    had = "select to_regclass('t_bbbb') is null"
    by_command = {
        "migrate_backup": "command",
        "backup_command": f"""
            test "$PGDATABASE" != "$(cat {tmp_path}/refused)" &&
            {here.bindir}/psql -Atc "select current_database() || ' ' || ({had})" >> {told}
        """,
    }
    login = {"PGUSER": here.user, "PGPASSWORD": here.password}
    (tmp_path / "refused").write_text("")
    with pytest.MonkeyPatch.context() as environment:
        for name, value in login.items():
            environment.setenv(name, value)
        code, said = migrate(**of, **by_command)
        assert code == 0, said
        assert not told.exists(), "they held nothing"
        assert "each before its wave" not in said

        _release(site).revision("bbbb", "aaaa", "op.create_table('t_bbbb')")
        (tmp_path / "refused").write_text(databases["d"].name)
        code, said = migrate(**of, **by_command)
        assert code == 2
        assert "Run backup_command" in said
        assert told.read_text().split("\n")[:-1] == [f"{databases[n].name} true" for n in "abc"]
        assert [n for n, d in databases.items() if "t_bbbb" in d.tables()] == ["a", "b"]
        assert _report(site) == {"a": "done", "b": "done"} | dict.fromkeys("cde", "pending")

        (tmp_path / "refused").write_text("")
        told.unlink()
        code, said = migrate(**of, **by_command)
        assert code == 0, said
        assert told.read_text().split("\n")[:-1] == [f"{databases[n].name} true" for n in "cde"]
        assert "3 databases, each before its wave" in said
    code, said = migrate(**of, migrate_backup="command")
    assert code == 0, "nothing is pending, so no backup and no command is asked for"


def test_what_many_databases_have_not_is_refused(
    migrate: Run, site: Site, databases: Databases
) -> None:
    of = {"migrate_databases": by_url(databases)}
    for more, why in (
        ({"migrate_command": "./upgrade"}, "migrate_command runs for one database only"),
        ({"migrate_rehearse": "required"}, "many databases are not rehearsed"),
        ({"migrate_lint": "error"}, "is not judged"),
    ):
        code, said = migrate(**of, **more)
        assert code == 2
        assert why in said
    elsewhere = {"name": "elsewhere", "url": databases["a"].url().replace("127.0.0.1", "localhost")}
    code, said = migrate(migrate_databases=[elsewhere], migrate_backup="dump")
    assert code == 2
    assert "is not there: nothing was run" in " ".join(said.split())
    assert all(not database.tables() for database in databases.values())


def test_the_module(ansible: Ansible, app: App, databases: Databases, database: Database) -> None:
    app.chain("aaaa")
    of = {"config": str(app.config), "databases": by_url(databases)}
    foretold, _ = ansible("alembic_upgrade_many", "--check", "--diff", **of)
    assert foretold["changed"]
    assert foretold["counts"]["pending"] == 5
    assert foretold["diff"]["after"].startswith("a: aaaa\n")
    assert all(not d.tables() for d in databases.values())

    some, _ = ansible("alembic_upgrade_many", **of, only=["b", "c"])
    assert some["changed"]
    assert [(r["name"], r["outcome"]) for r in some["databases"]] == [("b", "done"), ("c", "done")]
    assert not databases["a"].tables()

    databases["d"].query("create table t_aaaa ()")
    failed, said = ansible("alembic_upgrade_many", "-vvv", **of)
    assert failed["failed"]
    assert (failed["kind"], failed["changed"]) == ("databases_failed", False)
    outcomes = {"a": "not_tried", "b": "at_head", "c": "at_head", "d": "failed", "e": "not_tried"}
    assert {r["name"]: r["outcome"] for r in failed["databases"]} == outcomes
    assert database.password not in said
    rest, _ = ansible("alembic_upgrade_many", **of, max_failures=1)
    assert rest["changed"]
    assert (rest["counts"]["done"], rest["counts"]["failed"]) == (2, 1)
    again, _ = ansible("alembic_upgrade_many", **of, max_failures=1)
    assert not again["changed"]


def test_the_module_as_another_account(
    ansible: Ansible, app: App, database: Database, tmp_path: Path
) -> None:
    """The command that names the databases, the look, and the upgrade."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    app.revision("aaaa", None, "import os; print('as', os.getuid(), os.environ['HOME'])")
    (app.folder / "tenants").write_text(json.dumps({"name": "WHO", "url": database.url()}))
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    result, printed = ansible(
        "alembic_upgrade_many",
        "-vvv",
        config=str(app.config),
        user="nobody",
        databases={"command": "sed s/WHO/$(id -un)/ tenants"},
    )
    nobody = pwd.getpwnam("nobody")
    (one,) = result["databases"]
    assert (one["name"], one["outcome"]) == ("nobody", "done"), one["reason"]
    assert f"as {nobody.pw_uid} {nobody.pw_dir}" in one["log"]
    assert database.password not in printed
