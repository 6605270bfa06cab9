"""`make plan` and check mode by their playbooks, onto a deployment that is laid out in a folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from headway import engine
from headway.project import Project

from tests.conftest import Database
from tests.integration.engine.conftest import ROOT
from tests.unit.engine.apps import App, files

NAME = "headway_test_plan"
INDEX = "op.create_index('ix_item_name', 'item', ['name'])"
TRICK = '<script>alert(1)</script> & "more"'


@dataclass(frozen=True)
class Site:
    """This machine with a live release in a folder, and a source that has newer revisions."""

    source: App
    root: Path
    database: Database
    reports: Path

    def report(self, name: str) -> dict[str, Any]:
        """Give what a run left on the controller under this name."""
        told: dict[str, Any] = json.loads((self.reports / f"{name}.json").read_text())
        return told

    def run(self, playbook: str, *arguments: str, **variables: Any) -> tuple[int, str]:
        """Give a playbook's exit code, and what it printed."""
        known = {
            "app_name": NAME,
            "app_source": str(self.source.folder),
            "app_user": "root",
            "app_command": "",
            "alembic_url_password": "inline",
            "postgres_backend": "external",
            "postgres_database": self.database.name,
            "postgres_owner": self.database.user,
            "postgres_app": self.database.user,
            "postgres_owner_password": self.database.password,
            "postgres_host": self.database.host,
            "postgres_port": self.database.port,
            "migrate_backup": "none",
            "__app_root": str(self.root),
            "__migrate_reports": str(self.reports),
        }
        host = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
        hosts = {"hosts": {"localhost": host}}
        inventory, extra = self.root / "inventory.json", self.root / "variables.json"
        inventory.write_text(json.dumps({"all": {"children": {"database": hosts, "app": hosts}}}))
        extra.write_text(json.dumps({**known, **variables}))
        done = subprocess.run(
            [
                "ansible-playbook",
                f"--inventory={inventory}",
                f"--extra-vars=@{extra}",
                playbook,
                *arguments,
            ],
            cwd=ROOT,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(done.stdout)
        assert self.database.password not in done.stdout
        return done.returncode, done.stdout

    def plan(self, *arguments: str, **variables: Any) -> tuple[int, str]:
        return self.run("playbooks/plan.yml", *arguments, **variables)


@pytest.fixture
def site(tmp_path: Path, database: Database, newest_python: Path) -> Iterator[Site]:
    source = App.make(tmp_path / "source", database.url())
    source.folder.joinpath("requirements.txt").write_text("alembic\n")
    source.revision(
        "aaaa",
        None,
        "op.create_table('item', sa.Column('id', sa.BigInteger), sa.Column('name', sa.Text))",
    )
    project = Project(str(source.config))
    engine.upgrade(project, engine.plan(project, sql=False))
    root = tmp_path / "deployed"
    live = root / "releases" / "live"
    live.mkdir(parents=True)
    shutil.copytree(source.folder, live / "app")
    (live / "venv").symlink_to(newest_python.parents[1])
    (root / "current").symlink_to("releases/live")
    yield Site(source, root, database, tmp_path / "reports")
    shutil.rmtree(tmp_path)


def test_make_plan_shows_it_and_leaves_it(site: Site) -> None:
    site.source.revision("bbbb", "aaaa", INDEX, message=f"index names {TRICK}")
    database, source = site.database.dump(), files(site.source)
    code, said = site.plan()
    assert code == 0
    for line in (
        "aaaa -> bbbb, 1 to apply, each in a transaction of its own\n",
        "CREATE INDEX ix_item_name ON item (name);\n",
        "SHARE: readers go on, writers wait\n",
        "DANGER  line 13, require-concurrent-index-creation",
        'op.create_index("ix_item_name", "item", ["name"], postgresql_concurrently=True)\n',
        "1 danger found.\n",
        "bbbb, would apply\n",
    ):
        assert line in said
    assert (site.database.dump(), files(site.source)) == (database, source)

    told = site.report("plan")
    assert (told["before"], told["after"], told["sql_complete"]) == (["aaaa"], ["bbbb"], True)
    assert told["review"]["revisions"][0]["findings"][0]["line"] == 13
    page = (site.reports / "plan.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page
    sql = (site.reports / "plan.sql").read_text()
    assert "UPDATE alembic_version" in sql
    site.database.query(sql)
    assert site.database.query("select version_num from alembic_version") == [("bbbb",)]

    code, said = site.plan()
    assert (code, "nothing to apply" in said or "nothing was pending" in said) == (0, True)
    assert "nothing to apply" in (site.reports / "plan.html").read_text()


def test_check_and_diff_show_the_same(site: Site) -> None:
    site.source.revision("bbbb", "aaaa", INDEX)
    _, planned = site.plan(migrate_lint="warn")
    (site.reports / "plan.json").unlink()
    code, checked = site.plan("--check", "--diff", migrate_lint="error")
    shown = planned[planned.index("1. bbbb") : planned.index("1 danger found.")]
    assert "   alembic/versions/bbbb.py\n" in shown
    assert shown in checked
    assert (site.reports / "plan.json").exists()
    assert code != 0
    assert "The plan has 1 danger, so nothing was applied" in checked


def test_a_run_stops_at_a_danger_unless_it_is_allowed(site: Site, newest_python: Path) -> None:
    rule = "require-concurrent-index-creation"
    site.source.revision("bbbb", "aaaa", INDEX)
    database = site.database.dump()
    migrate = site.root / "migrate.yml"
    plays = ROOT / "playbooks" / "plays"
    migrate.write_text(
        "".join(f"- import_playbook: {plays}/{play}.yml\n" for play in ("check", "migrate"))
    )
    live = {
        "migrate_lint": "error",
        "__migrate_config": str(site.source.config),
        "__migrate_python": str(newest_python),
    }
    code, said = site.run(str(migrate), **live)
    assert code != 0
    assert (
        f"The plan has 1 danger, so nothing was applied: {rule} (alembic/versions/bbbb.py" in said
    )
    assert site.database.dump() == database

    site.source.revision("bbbb", "aaaa", INDEX, headway_allow={rule: "it is empty"})
    code, said = site.run(str(migrate), **live)
    assert (code, "bbbb, applied" in said) == (0, True)
    assert site.database.query("select version_num from alembic_version") == [("bbbb",)]


def test_several_heads_are_refused_unless_they_are_meant(site: Site) -> None:
    site.source.revision("bbbb", "aaaa")
    site.source.revision("cccc", "aaaa")
    code, said = site.plan()
    assert code != 0
    assert 'alembic merge -m "merge" bbbb cccc' in " ".join(said.split())
    code, said = site.plan(migrate_allow_several_heads=True)
    assert code == 0
    assert "aaaa -> bbbb, cccc, 2 to apply" in said


def test_an_empty_database_comes_from_the_snapshot(site: Site, newest_python: Path) -> None:
    site.database.query("drop table item, alembic_version; drop schema headway cascade")
    engine.snapshot(Project(str(site.source.config)))
    code, said = site.plan()
    assert code == 0
    assert "snapshot.sql is loaded in place of aaaa.\n" in said
    assert "from the snapshot: 1 of 1\n" in said
    migrate = site.root / "migrate.yml"
    plays = ROOT / "playbooks" / "plays"
    migrate.write_text(
        "".join(f"- import_playbook: {plays}/{play}.yml\n" for play in ("check", "migrate"))
    )
    code, said = site.run(
        str(migrate),
        __migrate_config=str(site.source.config),
        __migrate_python=str(newest_python),
    )
    assert code == 0
    assert "from the snapshot: 1 of 1\n" in said
    assert site.database.tables() == {"alembic_version", "item"}
