"""When a run rehearses what is pending, and what stops it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.engine.conftest import ROOT
from tests.integration.engine.test_plan_playbook import Site, site  # noqa: F401 - a fixture
from tests.integration.engine.test_rehearsal import scratch_databases

READS = "assert len(op.get_bind().execute(sa.text('select id from item')).fetchall()) == 1"

Migrate = Callable[..., tuple[int, str]]


@pytest.fixture
def migrate(site: Site, newest_python: Path) -> Migrate:  # noqa: F811
    """Give a function that migrates with the source's revisions."""
    play = site.root / "migrate.yml"
    plays = ROOT / "playbooks" / "plays"
    play.write_text(
        "".join(f"- import_playbook: {plays}/{each}.yml\n" for each in ("check", "migrate"))
    )
    source = {"__migrate_config": str(site.source.config), "__migrate_python": str(newest_python)}

    def run(**variables: Any) -> tuple[int, str]:
        code, said = site.run(str(play), **source, **variables)
        assert scratch_databases(site.database) == []
        return code, " ".join(said.split())

    return run


def test_what_fails_in_the_rehearsal_is_not_begun(site: Site, migrate: Migrate) -> None:  # noqa: F811
    site.source.revision("bbbb", "aaaa")
    site.source.revision("cccc", "bbbb", "op.execute('create table t_bbbb ()')")
    before = site.database.dump()
    code, said = migrate()
    assert code != 0
    assert 'revision cccc fails: relation "t_bbbb" already exists' in said
    assert "Nothing was run on the live database" in said
    assert site.report("rehearsal")["failed_revision"] == "cccc"
    assert site.database.dump() == before
    site.source.revision("cccc", "bbbb")
    code, said = migrate()
    assert (code, "aaaa → cccc, applied" in said) == (0, True)
    assert site.report("rehearsal")["outcome"] == "passed"


def test_what_could_not_be_told_stops_only_where_a_rehearsal_is_required(
    site: Site,  # noqa: F811
    migrate: Migrate,
) -> None:
    site.source.revision("bbbb", "aaaa", READS)
    site.database.query("insert into item values (1)")
    code, said = migrate(migrate_rehearse="required")
    assert code != 0
    assert "There were no rows" in said
    assert site.database.query("select version_num from alembic_version") == [("aaaa",)]
    code, said = migrate()
    assert (code, "aaaa → bbbb, applied" in said) == (0, True)
    assert site.report("rehearsal")["outcome"] == "inconclusive"


def test_with_rows_it_can_be_told(site: Site, migrate: Migrate) -> None:  # noqa: F811
    site.source.revision("bbbb", "aaaa", READS)
    site.database.query("insert into item values (1)")
    code, _ = migrate(migrate_rehearse="required", migrate_rehearse_data="all")
    assert code == 0
    assert site.report("rehearsal")["outcome"] == "passed"


def test_a_plan_is_rehearsed_only_when_asked(site: Site) -> None:  # noqa: F811
    site.source.revision("bbbb", "aaaa")
    before = site.database.dump()
    assert site.plan()[0] == 0
    assert not (site.reports / "rehearsal.json").exists()
    code, said = site.plan(migrate_rehearse=True)
    assert code == 0
    assert "1 revision in" in said
    assert site.report("rehearsal")["outcome"] == "passed"
    assert site.database.dump() == before
