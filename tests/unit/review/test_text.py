"""A plan as a person reads it."""

from __future__ import annotations

import builtins
from dataclasses import replace
from typing import Any

import pytest
from headway.plan_report import plan_text
from headway.results import PendingRevision
from headway.review.verdict import refuses, review

from tests.unit.review.plans import plan, revision

INDEX = "op.create_index('i', 'person', ['name'])"
APART = """
with op.get_context().autocommit_block():
    op.create_index('i', 'person', ['name'], postgresql_concurrently=True)
"""


def text(*pending: PendingRevision) -> str:
    planned = plan(*pending)
    return plan_text(planned, review(planned))


def test_it_says_where_from_and_where_to_and_how() -> None:
    head = text(revision("r", INDEX)).splitlines()[:2]
    assert head == ["a database", "  before -> after, 1 to apply, each in a transaction of its own"]


def test_it_shows_message_description_file_lock_size_lines_and_safe_way() -> None:
    given = replace(
        revision("r", INDEX), message="index names", description="Found slow.\n\nTwice."
    )
    said = text(given)
    for line in (
        "1. r  index names\n   r.py\n   | Found slow.\n   |\n   | Twice.\n",
        "   person (about 1,000 rows, 100 kB)  SHARE: readers go on, writers wait\n",
        "    1  CREATE INDEX i ON person (name);\n",
        "   DANGER  line 1, require-concurrent-index-creation: ",
        '          op.create_index("i", "person", ["name"], postgresql_concurrently=True)\n',
        "1 danger found.\n",
    ):
        assert line in said
    assert "BEGIN" not in said
    assert "alembic_version" not in said


def test_it_shows_what_runs_outside_of_a_transaction() -> None:
    said = text(revision("r", APART))
    assert "outside of a transaction:\n    2  CREATE INDEX CONCURRENTLY" in said
    assert "again" not in said
    assert "in a transaction again:" in text(revision("r", APART + "op.execute('select 1')"))


def test_it_shows_what_is_allowed_and_why() -> None:
    said = text(revision("r", INDEX, {"require-concurrent-index-creation": "200 rows"}))
    assert "DANGER" not in said
    assert "Allowed: 200 rows" in said
    assert said.endswith("No danger found, 1 allowed.\n")


def test_it_names_what_is_not_known_and_not_judged() -> None:
    unknown = PendingRevision("q", "", "", "q.py", None, "line 7 asks the database")
    said = text(unknown, revision("r", INDEX))
    assert "its SQL is known only when it runs (line 7 asks the database)\n" in said
    assert "   not judged  Its locks and dangers are known only when it runs" in said
    assert said.endswith("\n1 danger found in the 1 that could be judged.\n")
    assert text(unknown).endswith("\nNo danger found, since none could be judged.\n")


def test_it_says_how_long_locks_last() -> None:
    until = "A lock is held until its revision commits: for moments, where no danger is named"
    new = "op.create_table('new', sa.Column('id', sa.Integer))"

    def said(operations: str) -> str:
        return " ".join(text(revision("r", operations)).split())

    assert f"{until}. 1 danger" in said("op.drop_column('person', 'name')")
    assert f"{until}; outside of a transaction, for as long as its statement runs." in said(APART)
    assert until not in said(new)


def test_without_pglast_it_is_a_plan_and_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(
        name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        if name == "reviewer":
            raise ModuleNotFoundError("No module named 'pglast'", name="pglast")
        return real(name, globals, locals, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", without)
    planned = plan(revision("r", INDEX))
    given = review(planned)
    assert "pglast is not installed here" in (given.unjudged or "")
    assert refuses(given)
    assert "CREATE INDEX i ON person (name)" in plan_text(planned, given)


def test_without_squawk_it_is_a_plan_and_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.review.squawk.shutil.which", lambda *_, **__: None)
    assert "squawk is not installed here" in (review(plan(revision("r", INDEX))).unjudged or "")
