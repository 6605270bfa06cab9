"""Each rule in a form that breaks it and one that does not."""

from __future__ import annotations

import pytest
from headway.history import Allowance
from headway.results import PendingRevision
from headway.review.verdict import refuses, review

from tests.unit.review.plans import finding, judged, plan, revision, rules, shared, table

CONCURRENTLY = """
    with op.get_context().autocommit_block():
        {}
"""

DANGEROUS = {
    "require-concurrent-index-creation": "op.create_index('i', 'person', ['name'])",
    "require-concurrent-index-deletion": "op.drop_index('i', 'person')",
    "ban-concurrent-index-creation-in-transaction": (
        "op.create_index('i', 'person', ['name'], postgresql_concurrently=True)"
    ),
    "adding-foreign-key-constraint": (
        "op.create_foreign_key('f', 'orders', 'person', ['person_id'], ['id'])"
    ),
    "constraint-missing-not-valid": "op.create_check_constraint('c', 'person', 'age > 0')",
    "disallowed-unique-constraint": "op.create_unique_constraint('u', 'person', ['name'])",
    "adding-serial-primary-key-field": "op.create_primary_key('p', 'person', ['id'])",
    "adding-required-field": "op.add_column('person', sa.Column('age', sa.Text, nullable=False))",
    "adding-field-with-default": (
        "op.add_column('person', sa.Column('seen', sa.Text, server_default=sa.func.random()))"
    ),
    "adding-not-nullable-field": "op.alter_column('person', 'name', nullable=False)",
    "changing-column-type": "op.alter_column('person', 'name', type_=sa.Integer)",
    "renaming-column": "op.alter_column('person', 'name', new_column_name='called')",
    "renaming-table": "op.rename_table('person', 'people')",
    "ban-drop-column": "op.drop_column('person', 'name')",
    "ban-drop-table": "op.drop_table('person')",
    "ban-truncate-cascade": "op.execute('truncate person cascade')",
    "write-without-where": "op.execute('update person set name = null')",
    "syntax-error": "op.execute('updat person set name = null')",
}

SAFE = [
    CONCURRENTLY.format("op.create_index('i', 'person', ['name'], postgresql_concurrently=True)"),
    CONCURRENTLY.format("op.drop_index('i', postgresql_concurrently=True)"),
    "op.create_foreign_key('f', 'orders', 'person', ['a'], ['id'], postgresql_not_valid=True)",
    "op.execute('alter table orders validate constraint f')",
    "op.create_check_constraint('c', 'person', 'age > 0', postgresql_not_valid=True)",
    "op.execute('alter table person add constraint u unique using index u')",
    "op.add_column('person', sa.Column('age', sa.Text, server_default='', nullable=False))",
    "op.add_column('person', sa.Column('age', sa.BigInteger))",
    "op.alter_column('person', 'name', nullable=True)",
    "op.alter_column('person', 'name', server_default='x')",
    "op.drop_constraint('c', 'person')",
    "op.execute('update person set name = null where id = 1')",
    "op.execute('delete from person where id = 1')",
    "op.execute(\"insert into person (name) values ('root')\")",
    "op.create_table('new', sa.Column('id', sa.Integer, primary_key=True), sa.Column('n', sa.String(9)))",
    "op.execute(\"alter type mood add value 'fine'\")",
    "op.execute('create extension citext')",
]


@pytest.mark.parametrize(("rule", "operations"), DANGEROUS.items(), ids=list(DANGEROUS))
def test_dangerous(rule: str, operations: str) -> None:
    found = finding(operations)
    assert (found.rule, found.line, found.file, found.revision) == (rule, 1, "r0.py", "r0")
    assert found.problem
    assert found.advice


@pytest.mark.parametrize("operations", SAFE)
def test_safe(operations: str) -> None:
    assert judged(operations).findings == ()


def test_delete_without_where() -> None:
    assert rules("op.execute('delete from person')") == ["write-without-where"]


NEW = "op.create_table('new', sa.Column('id', sa.BigInteger), sa.Column('n', sa.Text))\n"


@pytest.mark.parametrize(
    "operations",
    [
        "op.create_index('i', 'new', ['n'])",
        "op.create_foreign_key('f', 'new', 'person', ['id'], ['id'])",
        "op.create_unique_constraint('u', 'new', ['n'])",
        "op.execute('update new set n = 1')",
        "op.execute('insert into new select id, name from person')",
        "op.alter_column('new', 'n', nullable=False)",
        "op.drop_table('new')",
    ],
)
def test_a_table_that_the_plan_makes_is_used_by_nobody(operations: str) -> None:
    assert rules(NEW + operations) == []
    assert rules(NEW, operations) == []
    assert operations.count("'new'") == 0 or rules(operations, NEW) != []


def test_what_cannot_work_is_said_of_new_tables_too() -> None:
    build = "op.create_index('i', 'new', ['n'], postgresql_concurrently=True)"
    assert rules(NEW + build) == ["ban-concurrent-index-creation-in-transaction"]


def test_an_index_made_and_dropped_by_the_plan_on_a_new_table() -> None:
    assert rules(NEW + "op.create_index('i', 'new', ['n'])\nop.drop_index('i', 'new')") == []


ADD = "op.add_column('{}', sa.Column('x', sa.Text))\n"


def test_several_tables_locked_in_one_transaction() -> None:
    found = finding(ADD.format("person") + ADD.format("person") + ADD.format("orders"))
    assert (found.rule, found.line) == ("several-tables-locked", 3)
    assert "locks orders while the same transaction holds person (line 1)" in found.problem
    assert rules(ADD.format("person"), ADD.format("orders")) == []


def test_several_tables_are_no_danger_where_the_locks_stop_nobody() -> None:
    assert rules(ADD.format("person") + "op.execute('select * from orders')") == []
    assert rules(NEW + ADD.format("new") + ADD.format("person")) == []


def test_rows_written_under_a_lock() -> None:
    fill = "op.execute('update {} set name = null where name = \\'x\\'')"
    found = finding(ADD.format("person") + fill.format("orders"))
    assert (found.rule, found.line) == ("backfill-under-lock", 2)
    assert "person (locked by line 1)" in found.problem
    assert rules(ADD.format("person"), fill.format("person")) == []
    assert rules(fill.format("person") + "\n" + ADD.format("person")) == []
    copy = "op.execute('insert into visit select * from orders')"
    assert rules(ADD.format("person") + copy) == ["backfill-under-lock"]


def test_autocommit_in_a_transaction_that_others_share() -> None:
    split = shared(
        ("ALTER TABLE person ADD COLUMN x TEXT;", 3),
        ("COMMIT;", 4),
        ("CREATE INDEX CONCURRENTLY i ON person (x);", 5),
        ("BEGIN;", 4),
    )
    (found,) = review(plan(split)).findings
    assert (found.rule, found.line) == ("autocommit-in-shared-transaction", 4)
    own = CONCURRENTLY.format("op.create_index('i', 'person', ['x'], postgresql_concurrently=True)")
    assert rules(own) == []


def test_several_statements_of_one_line_are_judged_apart() -> None:
    both = (
        "op.execute('update person set a = 1; delete from person where id = 1; drop table orders')"
    )
    assert [(f.rule, f.line) for f in judged(both).findings] == [
        ("write-without-where", 1),
        ("ban-drop-table", 1),
    ]


def test_one_statement_that_cannot_be_read_hides_no_other() -> None:
    broken = "op.execute('nonsense')\nop.create_index('i', 'person', ['name'])"
    assert rules(broken) == ["syntax-error", "require-concurrent-index-creation"]


def test_alembics_own_statements_are_not_judged() -> None:
    own = shared(("UPDATE alembic_version SET version_num = 'x';", None), ("SELECT 1;", 3))
    assert review(plan(own)).findings == ()


def test_the_line_is_that_of_the_operation_also_in_helpers_and_loops() -> None:
    found = judged(
        """
        def index(table):
            op.create_index(
                f'ix_{table}', table, ['name'],
            )

        for name in ('person', 'orders'):
            if True:
                index(name)
        """
    ).findings
    assert [(f.rule, f.line) for f in found] == [
        ("require-concurrent-index-creation", 2),
        ("require-concurrent-index-creation", 2),
        ("several-tables-locked", 2),
    ]


INDEX = "op.create_index('i', 'person', ['name'])"
RULE = "require-concurrent-index-creation"


def test_what_the_author_allows_with_a_reason_is_no_danger() -> None:
    given = review(plan(revision("r", INDEX, {RULE: "it has 200 rows"})))
    assert [f.allowed for f in given.findings] == ["it has 200 rows"]
    assert (given.dangers, given.notes, refuses(given)) == ((), (), "")


def test_an_allowance_holds_for_its_revision_and_rule_alone() -> None:
    two = review(plan(revision("r", INDEX, {RULE: "small"}), revision("s", INDEX)))
    assert [f.revision for f in two.dangers] == ["s"]
    other = review(plan(revision("r", INDEX, {"ban-drop-table": "unused"})))
    assert len(other.dangers) == 1
    assert other.notes == ()


def test_an_allowance_without_a_reason_does_not_count() -> None:
    given = review(plan(revision("r", INDEX, {RULE: ""})))
    assert len(given.dangers) == 1
    assert "without a reason" in given.notes[0]


def test_an_allowance_of_an_unknown_rule_is_said() -> None:
    given = review(plan(revision("r", INDEX, {"requires-concurrent-index": "small"})))
    assert "allows requires-concurrent-index, and there is no such rule" in given.notes[0]
    assert "r.py" in given.notes[0]


def test_a_revision_whose_sql_is_not_known_is_not_judged_and_the_others_are() -> None:
    unknown = PendingRevision("q", "", "", "q.py", None, "line 7: TypeError: no rows")
    given = review(plan(unknown, revision("r", INDEX)))
    assert "known only when it runs" in (given.revisions[0].unjudged or "")
    assert [f.rule for f in given.findings] == [RULE]


def test_code_that_is_not_seen_is_named() -> None:
    given = judged("op.execute('do $$ begin drop table person; end $$')")
    assert given.findings == ()
    assert "line 1, runs a block of code" in given.notes[0]


def test_a_plan_of_another_database_is_not_judged() -> None:
    from dataclasses import replace

    given = review(replace(plan(revision("r", INDEX)), server=""))
    assert given.unjudged
    assert refuses(given) == given.unjudged


def test_nothing_pending_is_nothing_to_judge() -> None:
    assert refuses(review(plan())) == ""


def test_the_refusal_names_rule_file_and_line() -> None:
    said = refuses(judged(INDEX))
    assert "1 danger" in said
    assert f"{RULE} (r0.py, line 1)" in said
    assert "\n" not in said


def test_headway_allow_comes_in_more_than_one_form() -> None:
    from headway.static import allowances

    assert allowances({"a": " why ", "b": "so"}) == (Allowance("a", "why"), Allowance("b", "so"))
    assert allowances(["a"]) == allowances("a") == (Allowance("a", ""),)
    assert allowances(None) == allowances(7) == ()


def test_sizes_are_told_and_tables_named_as_the_search_path_has_them() -> None:
    there = (table("person", rows=1200), table("orders", rows=-1))
    statements = shared(
        ("ALTER TABLE public.person ADD COLUMN a TEXT;", 1),
        ("SELECT * FROM person, orders;", 2),
    )
    (reviewed,) = review(plan(statements, tables=there)).revisions
    assert [(t.name, t.lock, t.rows, t.bytes) for t in reviewed.tables] == [
        ("person", "ACCESS EXCLUSIVE", 1200, 120000),
        ("orders", "ACCESS SHARE", None, None),
    ]
