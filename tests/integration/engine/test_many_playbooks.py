"""`make status` and `make rollback` with many databases, onto releases that are laid out in a folder."""

from __future__ import annotations

import shutil

import pytest
from headway import engine
from headway.project import Project

from tests.integration.engine.test_many import Databases, by_url, databases
from tests.integration.engine.test_many_role import by_database
from tests.integration.engine.test_plan_playbook import Site, site
from tests.integration.engine.test_rollback_playbook import Rollback, rollback

__all__ = ["databases", "rollback", "site"]


def upgrade(site: Site, url: str, target: str = "heads") -> None:
    """Bring a database to what the source has."""
    project = Project(str(site.source.config), url=url)
    engine.upgrade(project, engine.plan(project, target, sql=False))


def nowhere(databases: Databases) -> dict[str, str]:
    return {"name": "nowhere", "url": f"{databases['a'].url()}_is_not_there"}


def test_status_has_a_line_for_each(site: Site, databases: Databases) -> None:
    live = site.root / "releases" / "live" / "app"
    site.source.chain("bbbb", "cccc", after="aaaa")
    shutil.copytree(site.source.folder, live, dirs_exist_ok=True)
    site.source.chain("dddd", after="cccc")
    for name, target in (("a", "cccc"), ("b", "aaaa"), ("c", "dddd")):
        upgrade(site, databases[name].url(), target)
    databases["e"].query("create table item ()")
    before = [database.dump() for database in databases.values()]

    listed = [*by_url(databases), nowhere(databases)]
    code, said = site.run("playbooks/status.yml", migrate_databases=listed)
    assert code == 0
    for line in (
        "6 databases: 1 at head, 2 pending, 1 ahead, 2 failed\n",
        "pending    b        aaaa, behind by 2: bbbb, cccc\n",
        "pending    d        base, behind by 3: aaaa, bbbb, cccc\n",
        "ahead      c        dddd, newer than this code\n",
        "at head    a        cccc\n",
    ):
        assert line in said
    assert "failed     e        postgresql database" in said
    assert "which the pending revisions would create" in said
    assert "failed     nowhere  " in said
    assert "does not exist" in said
    assert [database.dump() for database in databases.values()] == before

    told = site.report("status")
    assert told["release"] == "live"
    assert told["counts"]["ahead"] == 1
    assert {d["name"]: d["outcome"] for d in told["databases"]} == {
        "a": "at_head",
        "b": "pending",
        "c": "ahead",
        "d": "pending",
        "e": "failed",
        "nowhere": "failed",
    }
    assert told["databases"][2]["before"] == ["dddd"]


def test_a_query_names_them_for_status_too(site: Site, databases: Databases) -> None:
    query = f"select * from (values {by_database(databases)}) tenant (name, database)"
    code, said = site.run("playbooks/status.yml", migrate_databases={"query": query})
    assert code == 0
    assert "5 databases: 5 pending\n" in said


@pytest.mark.parametrize("check", [[], ["--check", "--diff"]])
def test_a_rollback_leaves_databases_that_the_older_release_knows(
    site: Site, databases: Databases, rollback: Rollback, check: list[str]
) -> None:
    """Those that lack something of it too; and the app's own database is none of them."""
    site.source.chain("bbbb", after="aaaa")
    for name in "abcd":
        upgrade(site, databases[name].url(), "aaaa")
    code, said = rollback(*check, migrate_databases=by_url(databases))
    assert code == 0
    assert "5 databases, at revisions that release one knows" in said
    assert "changed=0" in said
    assert site.database.query("select version_num from alembic_version") == [("bbbb",)]
    assert "t_bbbb" in site.database.tables()


def test_a_rollback_is_refused_where_it_does_not_know_them_all(
    site: Site, databases: Databases, rollback: Rollback
) -> None:
    site.source.chain("bbbb", after="aaaa")
    for name in "abde":
        upgrade(site, databases[name].url(), "aaaa")
    upgrade(site, databases["c"].url())
    before = [database.dump() for database in databases.values()]
    listed = [*by_url(databases), nowhere(databases)]
    code, said = rollback(migrate_databases=listed, migrate_max_failures=9)
    assert code == 2
    assert "Release one cannot run on 2 of 6 databases" in said
    assert "Nothing was changed" in said
    assert "c is at bbbb; nowhere cannot be looked at: " in said
    assert [database.dump() for database in databases.values()] == before
