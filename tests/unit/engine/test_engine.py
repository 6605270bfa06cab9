"""Status, plan and upgrade from one end to the other, on SQLite."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from headway import engine
from headway.errors import HeadwayError
from headway.project import Project

from tests.unit.engine.apps import ENV_PY, App


@pytest.fixture
def app(app: App) -> App:
    app.chain("aaaa", "bbbb", "cccc")
    return app


def migrate(project: Project, target: str | None = None, several: bool = False) -> engine.Migration:
    planned = engine.plan(project, target, allow_several_heads=several, sql=False)
    return engine.upgrade(project, planned)


def test_an_upgrade_says_what_it_did_and_a_rerun_that_it_did_nothing(
    project: Project, app: App
) -> None:
    first = migrate(project)
    assert (first.before, first.after, first.heads) == ((), ("cccc",), ("cccc",))
    assert first.changed
    assert [a.revision for a in first.applied] == ["aaaa", "bbbb", "cccc"]
    assert [a.message for a in first.applied] == ["make aaaa", "make bbbb", "make cccc"]
    assert all(a.seconds is not None and a.seconds >= 0 for a in first.applied)
    assert first.pending == ()
    again = migrate(project)
    assert (again.before, again.after, again.applied) == (("cccc",), ("cccc",), ())
    assert not again.changed


@pytest.mark.parametrize(
    ("target", "after"),
    [("+1", "aaaa"), ("+2", "bbbb"), ("bbbb", "bbbb"), ("head", "cccc"), (None, "cccc")],
)
def test_a_part_of_the_way(project: Project, app: App, target: str | None, after: str) -> None:
    planned = engine.plan(project, target)
    assert planned.after == (after,)
    assert engine.upgrade(project, planned).after == (after,)


def test_the_beginning_of_an_id_is_enough(project: Project, app: App) -> None:
    app.revision("0123456789ab", "cccc")
    assert migrate(project, "0123").after == ("0123456789ab",)


def test_a_target_that_is_applied_already_changes_nothing(project: Project, app: App) -> None:
    migrate(project)
    assert not migrate(project, "aaaa").changed


def test_several_heads_where_they_are_wanted(project: Project, app: App) -> None:
    app.revision("dddd", "bbbb")
    planned = engine.plan(project, allow_several_heads=True)
    assert planned.after == planned.heads == ("cccc", "dddd")
    assert engine.upgrade(project, planned).after == ("cccc", "dddd")
    assert not migrate(project, several=True).changed
    assert engine.status(project).at_head


def test_one_of_several_heads_needs_no_leave(project: Project, app: App) -> None:
    app.revision("dddd", "bbbb")
    assert migrate(project, "dddd").after == ("dddd",)
    assert not engine.status(project).at_head


def test_a_branch_by_its_label(project: Project, app: App) -> None:
    app.revision("dddd", None, branch_labels=("reports",))
    app.revision("eeee", "dddd")
    migration = migrate(project, "reports@head")
    assert [a.revision for a in migration.applied] == ["dddd", "eeee"]


def test_a_merge_joins_the_heads(project: Project, app: App) -> None:
    app.revision("dddd", "bbbb")
    migrate(project, several=True)
    app.revision("eeee", ("cccc", "dddd"))
    merged = migrate(project)
    assert (merged.before, merged.after) == (("cccc", "dddd"), ("eeee",))


def test_dependencies_are_applied_first(project: Project, app: App) -> None:
    app.revision("dddd", None, depends_on="cccc")
    assert engine.plan(project).heads == ("dddd",)
    migration = migrate(project)
    assert [a.revision for a in migration.applied] == ["aaaa", "bbbb", "cccc", "dddd"]
    assert migration.after == ("dddd",)
    assert engine.status(project).at_head


def test_status_tells_where_things_stand(project: Project, app: App) -> None:
    status = engine.status(project)
    assert (status.current, status.heads, status.at_head) == ((), ("cccc",), False)
    assert [p.revision for p in status.pending] == ["aaaa", "bbbb", "cccc"]
    migrate(project, "aaaa")
    status = engine.status(project)
    assert (status.current, status.at_head) == (("aaaa",), False)
    assert [p.revision for p in status.pending] == ["bbbb", "cccc"]
    assert [r.revision for r in status.history] == ["aaaa", "bbbb", "cccc"]
    migrate(project)
    assert engine.status(project).at_head


def test_database_ahead_of_the_code(project: Project, app: App) -> None:
    app.revision("dddd", "cccc")
    migrate(project)
    (app.versions / "dddd.py").unlink()
    with pytest.raises(HeadwayError, match="older than the database") as fault:
        migrate(project)
    assert fault.value.kind == "database_ahead"
    for word in ("dddd", "cccc", "Deploy the release"):
        assert word in fault.value.message
    status = engine.status(project)
    assert (status.unknown, status.at_head, status.pending) == (("dddd",), False, ())


def test_a_plan_shows_message_description_file_and_sql(project: Project, app: App) -> None:
    path = app.versions / "bbbb.py"
    text = path.read_text().replace(
        "make bbbb\n", "make bbbb\n\nBackfills nothing.\nSafe while the app runs.\n", 1
    )
    path.write_text(text)
    pending = engine.plan(project).pending[1]
    assert pending.message == "make bbbb"
    assert pending.description == "Backfills nothing.\nSafe while the app runs."
    assert pending.file == str(path)
    assert "CREATE TABLE t_bbbb" in (pending.sql or "")
    assert "UPDATE alembic_version SET version_num='bbbb'" in (pending.sql or "")
    assert "t_aaaa" not in (pending.sql or "")


def test_the_plan_of_a_part_begins_where_the_database_is(project: Project, app: App) -> None:
    migrate(project, "bbbb")
    planned = engine.plan(project)
    assert [p.revision for p in planned.pending] == ["cccc"]
    assert "CREATE TABLE alembic_version" not in (planned.pending[0].sql or "")


READS_ROWS = "for row in op.get_bind().execute(sa.text('select 1')): print(row)"


def test_a_revision_that_reads_rows_is_named_and_the_others_are_shown(
    project: Project, app: App
) -> None:
    app.revision("dddd", "cccc", READS_ROWS)
    app.revision("eeee", "dddd")
    planned = engine.plan(project)
    unknown = [p.revision for p in planned.pending if p.sql is None]
    assert (unknown, planned.sql_complete) == (["dddd"], False)
    assert re.fullmatch(r"line \d+ asks the database", planned.pending[3].sql_unknown or "")
    assert "t_eeee" in (planned.pending[4].sql or "")
    assert engine.upgrade(project, planned).after == ("eeee",)


def test_sql_is_not_rendered_when_it_is_not_asked_for(project: Project, app: App) -> None:
    planned = engine.plan(project, sql=False)
    assert {p.sql for p in planned.pending} == {None}
    assert {p.sql_unknown for p in planned.pending} == {None}
    assert not planned.sql_complete


def test_a_plan_knows_that_it_is_offline_and_the_run_that_it_is_not(
    project: Project, app: App
) -> None:
    app.revision(
        "dddd", "cccc", "from alembic import context\nprint('offline', context.is_offline_mode())"
    )
    planned = engine.plan(project)
    assert "offline True" in planned.log
    assert "offline False" in engine.upgrade(project, planned).log


def test_a_plan_runs_nothing_of_what_it_shows(project: Project, app: App) -> None:
    engine.plan(project)
    assert engine.status(project).current == ()


def test_literals_and_percent_signs_are_as_they_will_be_sent(project: Project, app: App) -> None:
    app.revision(
        "dddd",
        "cccc",
        "t = sa.table('t_aaaa', sa.column('id', sa.Integer))\n"
        "op.execute(t.update().values(id=7))\n"
        "op.execute(\"delete from t_aaaa where 'x' like '50%'\")",
    )
    sql = engine.plan(project).pending[-1].sql or ""
    assert "UPDATE t_aaaa SET id=7" in sql
    assert "like '50%'" in sql


def test_results_travel_as_json(project: Project, app: App) -> None:
    planned = engine.plan(project)
    assert engine.Plan.from_dict(json.loads(json.dumps(planned.to_dict()))) == planned
    migration = engine.upgrade(project, planned)
    assert engine.Migration.from_dict(json.loads(json.dumps(migration.to_dict()))) == migration


def test_what_the_user_set_in_configure_is_left_to_him(project: Project, app: App) -> None:
    app.env_py.write_text(
        ENV_PY.replace(
            "configure(connection=connection)",
            "configure(connection=connection, transaction_per_migration=False,"
            " version_table='my_versions', on_version_apply=lambda **_: print('his hook'))",
        )
    )
    migration = migrate(project)
    assert migration.log.count("his hook") == 3
    assert "his hook" not in engine.plan(project).log
    assert engine.status(project).at_head


def test_arguments_that_env_py_hands_to_the_revisions(project: Project, app: App) -> None:
    app.env_py.write_text(ENV_PY.replace("run_migrations()", "run_migrations(tenant='acme')"))
    for path in app.versions.glob("*.py"):
        path.write_text(path.read_text().replace("def upgrade():", "def upgrade(tenant):"))
    planned = engine.plan(project)
    assert planned.sql_complete
    assert engine.upgrade(project, planned).changed


def test_env_py_that_migrates_two_databases(project: Project, app: App, tmp_path: Path) -> None:
    loop = """
        from alembic import context
        from sqlalchemy import create_engine
        for name in ("one", "two"):
            with create_engine(f"sqlite:///TMP/{name}.sqlite").connect() as connection:
                context.configure(connection=connection)
                with context.begin_transaction():
                    context.run_migrations()
    """
    text = "\n".join(line[8:] for line in loop.splitlines()).replace("TMP", str(tmp_path))
    app.env_py.write_text(text.replace('("one", "two")', '("one",)'))
    migrate(project, "bbbb")
    app.env_py.write_text(text)
    planned = engine.plan(project)
    assert planned.current == ("bbbb",)
    assert [p.revision for p in planned.pending] == ["cccc", "aaaa", "bbbb"]
    assert planned.after == ("cccc",)
    migration = engine.upgrade(project, planned)
    assert migration.after == ("cccc",)
    assert {a.revision for a in migration.applied} == {"aaaa", "bbbb", "cccc"}
    assert engine.status(project).at_head


def test_env_py_that_keeps_the_fault_of_a_revision_to_itself(project: Project, app: App) -> None:
    app.revision("dddd", "cccc", "op.drop_table('no_such_table')")
    body = ENV_PY.replace("        context.run_migrations()", "        go()")
    app.env_py.write_text(
        "def go():\n    try:\n        context.run_migrations()\n    except Exception:\n        pass\n"
        + body
    )
    with pytest.raises(HeadwayError, match="no such table: no_such_table") as fault:
        migrate(project)
    assert fault.value.kind == "revision_failed"


def test_env_py_that_dies_in_the_middle(project: Project, app: App) -> None:
    app.revision("dddd", "cccc", "import os\nos._exit(9)")
    with pytest.raises(HeadwayError, match="exited with 9") as fault:
        migrate(project)
    assert [a["revision"] for a in fault.value.data["applied"]] == ["aaaa", "bbbb", "cccc"]
    assert fault.value.data["after"] == ("cccc",)
    assert "Applied and kept: aaaa, bbbb, cccc. Not applied: dddd." in fault.value.message
