"""Plans for a real server: what they say, and that it is true."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from headway import engine, plan_report
from headway.project import Project
from headway.results import Plan
from headway.review.results import Review
from headway.review.verdict import refuses, review

from tests.conftest import Database
from tests.integration.engine.conftest import Headway
from tests.unit.engine.apps import App, readable

BASE = """
op.create_table('person', sa.Column('id', sa.BigInteger, primary_key=True), sa.Column('name', sa.Text))
op.create_index('ix_person_name', 'person', ['name'])
op.create_table('orders', sa.Column('id', sa.BigInteger, primary_key=True), sa.Column('person_id', sa.BigInteger))
op.execute('create schema stock')
op.create_table('shelf', sa.Column('id', sa.BigInteger), schema='stock')
"""


@dataclass(frozen=True)
class Shop:
    """An app whose database has a revision applied."""

    app: App
    database: Database

    @property
    def project(self) -> Project:
        return Project(str(self.app.config))

    def plan(self, target: str = "heads") -> tuple[Plan, Review]:
        planned = engine.plan(self.project, target)
        return planned, review(planned)


@pytest.fixture
def shop(app: App, database: Database) -> Shop:
    app.revision("aaaa", None, BASE)
    project = Project(str(app.config))
    engine.upgrade(project, engine.plan(project, sql=False))
    database.query("insert into person select n, 'p' || n from generate_series(1, 3000) n")
    database.query("analyze person")
    return Shop(app, database)


def test_it_starts_at_the_live_revision_and_ends_at_the_target(shop: Shop) -> None:
    shop.app.chain("bbbb", "cccc", "dddd", after="aaaa")
    planned, reviewed = shop.plan("cccc")
    assert (planned.current, planned.after) == (("aaaa",), ("cccc",))
    assert [r.revision for r in reviewed.revisions] == ["bbbb", "cccc"]
    assert planned.sql_complete
    assert not any("t_dddd" in (p.sql or "") or "person" in (p.sql or "") for p in planned.pending)
    assert refuses(reviewed) == ""


def test_findings_have_the_line_of_the_file_also_through_helpers_and_loops(shop: Shop) -> None:
    path = shop.app.revision(
        "bbbb",
        "aaaa",
        """
        for table in ("person", "orders"):
            index_id(
                table,
            )
        op.execute(
            "delete from person"
        )
        """,
    )
    path.write_text(
        path.read_text()
        + "\n\ndef index_id(table):\n"
        + '    op.create_index(f"ix_{table}_id", table, ["id"])\n'
    )
    lines = path.read_text().splitlines()
    helper = next(n for n, line in enumerate(lines, 1) if "op.create_index" in line)
    execute = next(n for n, line in enumerate(lines, 1) if "op.execute" in line)
    findings = shop.plan()[1].findings
    indexes = [f for f in findings if f.rule == "require-concurrent-index-creation"]
    assert [(f.file, f.line) for f in indexes] == [(str(path), helper)] * 2
    (write,) = (f for f in findings if f.rule == "write-without-where")
    assert write.line == execute


def test_a_helper_of_another_file_counts_as_the_line_that_calls_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.app.folder.joinpath("helpers.py").write_text(
        "from alembic import op\n\n\ndef index(table):\n    op.create_index('i', table, ['id'])\n"
    )
    monkeypatch.syspath_prepend(str(shop.app.folder))
    path = shop.app.revision("bbbb", "aaaa", "import helpers\nhelpers.index('person')")
    (found,) = shop.plan()[1].findings
    called = next(
        n for n, line in enumerate(path.read_text().splitlines(), 1) if "helpers.index" in line
    )
    assert (found.file, found.line) == (str(path), called)


def test_a_revision_that_reads_rows_is_named_with_its_line_and_the_rest_is_judged(
    shop: Shop,
) -> None:
    path = shop.app.revision(
        "bbbb",
        "aaaa",
        "rows = op.get_bind().execute(sa.text('select id from person')).fetchall()\n"
        "op.execute(f'update person set id = {len(rows)}')",
    )
    shop.app.revision("cccc", "bbbb", "op.create_index('i', 'person', ['id'])")
    planned, reviewed = shop.plan()
    assert not planned.sql_complete
    assert planned.pending[0].sql is None
    reads = next(n for n, line in enumerate(path.read_text().splitlines(), 1) if "get_bind" in line)
    assert planned.pending[0].sql_unknown == f"line {reads} asks the database"
    assert "known only when it runs" in (reviewed.revisions[0].unjudged or "")
    assert [f.revision for f in reviewed.findings] == ["cccc"]
    assert "its SQL is known only when it runs" in plan_report.plan_text(planned, reviewed)


def test_sizes_and_names_come_from_the_database(shop: Shop) -> None:
    shop.app.revision(
        "bbbb",
        "aaaa",
        "op.add_column('person', sa.Column('age', sa.Text), schema='public')\n"
        "op.drop_index('ix_person_name')\n"
        "op.execute('comment on table stock.shelf is null')\n"
        "op.create_table('visit', sa.Column('id', sa.BigInteger))",
    )
    planned, reviewed = shop.plan()
    tables = {table.name: table for table in reviewed.revisions[0].tables}
    assert set(tables) == {"person", "stock.shelf", "visit"}
    assert tables["person"].rows == 3000
    assert (tables["person"].bytes or 0) >= 8192
    assert tables["stock.shelf"].rows is None
    assert tables["visit"].lock == ""
    assert "orders" not in [table.name for table in planned.tables]


def test_headway_allow_is_read_from_the_file(shop: Shop) -> None:
    shop.app.revision(
        "bbbb",
        "aaaa",
        "op.create_index('i', 'person', ['id'])",
        headway_allow={"require-concurrent-index-creation": "3000 rows"},
    )
    (found,) = shop.plan()[1].findings
    assert found.allowed == "3000 rows"


def test_what_is_applied_already_is_not_judged(shop: Shop) -> None:
    shop.app.revision("bbbb", "aaaa", "op.create_index('i', 'person', ['id'])")
    engine.upgrade(shop.project, engine.plan(shop.project, sql=False))
    planned, reviewed = shop.plan()
    assert (planned.pending, reviewed.findings, planned.tables) == ((), (), ())


def test_looking_leaves_nothing(shop: Shop) -> None:
    shop.app.revision("bbbb", "aaaa", "op.drop_table('person')")
    before = shop.database.dump()
    shop.plan()
    assert shop.database.dump() == before


def test_one_transaction_for_all_is_said(shop: Shop) -> None:
    shop.app.env_py.write_text(
        shop.app.env_py.read_text().replace(
            "connection=connection", "connection=connection, transaction_per_migration=False"
        )
    )
    shop.app.chain("bbbb", after="aaaa")
    shop.app.revision(
        "cccc",
        "bbbb",
        "with op.get_context().autocommit_block():\n"
        "    op.create_index('i', 'person', ['id'], postgresql_concurrently=True)",
    )
    planned, reviewed = shop.plan()
    assert [f.rule for f in reviewed.findings] == ["autocommit-in-shared-transaction"]
    assert "all in one transaction" in plan_report.plan_text(planned, reviewed)


def test_the_command_judges_and_lint_error_is_an_exit_code(headway: Headway, shop: Shop) -> None:
    """Old interpreters of apps have neither pglast nor squawk: a sentence and the plan."""
    shop.app.revision("bbbb", "aaaa", "op.create_index('i', 'person', ['id'])")
    planned = headway("plan", shop.app)
    assert "not installed here" in planned["review"]["unjudged"]
    assert planned["pending"][0]["sql"]
    code, _ = headway.run("plan", "--config", shop.app.config, "--lint", "error")
    assert code == 3
    assert headway("plan", shop.app, "--lint", "off")["review"] is None


def test_a_plan_survives_json(shop: Shop) -> None:
    shop.app.revision("bbbb", "aaaa", "op.create_index('i', 'person', ['id'])")
    planned, reviewed = shop.plan()
    assert Plan.from_dict(json.loads(json.dumps(planned.to_dict()))) == planned
    assert Review.from_dict(json.loads(json.dumps(reviewed.to_dict()))) == reviewed
    assert shop.database.password not in readable([planned.to_dict(), reviewed.to_dict()])


def test_the_file_of_a_revision_is_named_in_full(shop: Shop) -> None:
    path = shop.app.revision("bbbb", "aaaa", "op.drop_table('person')")
    assert Path(shop.plan()[1].findings[0].file) == path
