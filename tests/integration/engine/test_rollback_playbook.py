"""The database's part of `make rollback`, onto releases that are laid out in a folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from headway import engine
from headway.project import Project

from tests.integration.engine.test_plan_playbook import Site, site  # noqa: F401 - a fixture
from tests.integration.engine.test_rehearsal import executes, scratch_databases

# What plays/earlier.yml finds on the hosts: release two is live, and one is what to go back to.
PLAY = [
    {
        "hosts": "app",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.setup": {"gather_subset": ["min", "!all"]}},
            {
                "ansible.builtin.set_fact": {
                    "__app_newer": "two",
                    "__app_venv": "one",
                    "__app_venv_known": True,
                    "__app_host": {"live": "two", "release_intact": True, "venv_intact": True},
                    "__app_found": {"alembic_configs": {"two": "alembic.ini"}},
                    "__app_source_info": {
                        "release": "one",
                        "alembic_config": "alembic.ini",
                        "archive": "",
                    },
                }
            },
            {"ansible.builtin.import_role": {"name": "migrate", "tasks_from": "rollback"}},
        ],
    }
]

Rollback = Callable[..., tuple[int, str]]


@pytest.fixture
def rollback(site: Site, newest_python: Path) -> Rollback:  # noqa: F811
    """Give a function that goes back from release two, which has the source, to one, which has aaaa."""
    one, two = site.root / "releases" / "one", site.root / "releases" / "two"
    shutil.copytree(site.source.folder, one / "app")
    (site.root / "venvs").mkdir()
    (site.root / "venvs" / "one").symlink_to(newest_python.parents[1])
    play = site.root / "rollback.json"
    play.write_text(json.dumps(PLAY))

    def run(*arguments: str, **variables: Any) -> tuple[int, str]:
        if not two.exists():
            shutil.copytree(site.source.folder, two / "app")
            (two / "venv").symlink_to(newest_python.parents[1])
            project = Project(str(site.source.config))
            engine.upgrade(project, engine.plan(project, sql=False))
        code, said = site.run(str(play), *arguments, **variables)
        assert scratch_databases(site.database) == []
        return code, " ".join(said.split())

    return run


def three(site: Site) -> None:  # noqa: F811
    """Write three revisions that are no loss while nobody uses them."""
    for revision, after in (("bbbb", "aaaa"), ("cccc", "bbbb"), ("dddd", "cccc")):
        site.source.revision(
            revision, after, downgrade=f"op.drop_table('t_{revision}')", message=f"make {revision}"
        )


def test_it_is_rehearsed_first(site: Site, rollback: Rollback) -> None:  # noqa: F811
    three(site)
    code, said = rollback()
    assert code == 0
    assert "3 revisions taken back in" in said
    assert "dddd → aaaa, taken back" in said
    told = site.report("rehearsal")
    assert (told["outcome"], told["direction"], told["down_and_up"]) == ("passed", "down", "same")
    assert [r["revision"] for r in told["revisions"]] == ["dddd", "cccc", "bbbb"]
    assert site.database.query("select version_num from alembic_version") == [("aaaa",)]


def test_what_fails_in_the_rehearsal_is_not_begun(site: Site, rollback: Rollback) -> None:  # noqa: F811
    site.source.revision("bbbb", "aaaa", downgrade="op.drop_table('t_bbbb')")
    site.source.revision("cccc", "bbbb", downgrade="op.drop_table('t_cccc')")

    rollback("--check")  # has release two live
    site.database.query("create view sees as select * from t_bbbb")
    before = site.database.dump()
    code, said = rollback()
    assert code != 0
    assert "revision bbbb fails" in said
    assert "view sees depends on table t_bbbb" in said
    assert "Nothing was run on the live database" in said
    assert site.report("rehearsal")["outcome"] == "failed"
    assert site.database.dump() == before
    code, said = rollback(migrate_rehearse="false")
    assert code != 0
    assert "Taken back: cccc. Still applied: bbbb." in said


def test_a_loss_that_only_the_rehearsal_tells_is_refused_until_it_is_accepted(
    site: Site,  # noqa: F811
    rollback: Rollback,
) -> None:
    site.source.revision(
        "bbbb", "aaaa", "pass", downgrade=executes("update item set name = null where id = 1")
    )
    rollback("--check")
    site.database.query("insert into item values (1, 'lamp'), (2, 'chair')")
    before = site.database.dump()
    code, said = rollback(migrate_rehearse_data="all")
    assert code != 0
    assert "bbbb loses values of column public.item.name (1 row)" in said
    assert "rollback_accept_loss=true" in said
    assert site.database.dump() == before
    code, said = rollback(migrate_rehearse_data="all", rollback_accept_loss=True)
    assert code == 0
    assert "bbbb → aaaa, taken back" in said
    assert site.database.query("select count(name) from item") == [(1,)]


def test_when_it_is_rehearsed(site: Site, rollback: Rollback) -> None:  # noqa: F811
    three(site)
    rollback("--check")
    assert not (site.reports / "rehearsal.json").exists()
    code, said = rollback("--check", migrate_rehearse=True)
    assert (code, "would be taken back" in said) == (0, True)
    assert site.report("rehearsal")["outcome"] == "passed"
    assert "t_dddd" in site.database.tables()
    (site.reports / "rehearsal.json").unlink()
    assert rollback(migrate_rehearse=False)[0] == 0
    assert not (site.reports / "rehearsal.json").exists()
