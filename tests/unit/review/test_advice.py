"""The safe ways that findings name are alembic's operations, and are themselves no danger."""

from __future__ import annotations

import re

import pytest

from tests.unit.review.plans import finding, rules

SPECIFIC = [
    "op.create_index('i', 'person', ['name', sa.text('lower(b)')], unique=True)",
    "op.create_index('i', 'person', ['name'], schema='stock')",
    "op.drop_index('i', 'person')",
    "op.create_foreign_key('f', 'orders', 'person', ['person_id'], ['id'], ondelete='CASCADE')",
    "op.create_foreign_key('f', 'orders', 'person', ['a'], ['b'], source_schema='s', referent_schema='t')",
    "op.create_check_constraint('c', 'person', \"name <> 'it''s \\\"odd\\\"'\")",
    "op.create_unique_constraint('u', 'person', ['name', 'age'])",
    "op.create_primary_key('p', 'person', ['id'])",
    "op.alter_column('person', 'name', nullable=False)",
    "op.alter_column('person', 'name', nullable=False, schema='stock')",
]


def revisions_of(advice: str) -> list[str]:
    """Give the operations that an advice names, those of the next revision apart."""
    parts = advice.split("and in the next revision")
    return [
        "\n".join(line.removeprefix("    ") for line in re.findall(r"^    .*$", part, re.MULTILINE))
        for part in parts
    ]


@pytest.mark.parametrize("operations", SPECIFIC)
def test_the_safe_way_is_no_danger(operations: str) -> None:
    advised = revisions_of(finding(operations).advice)
    assert all("op." in operations for operations in advised)
    assert rules(*advised) == []


def test_it_does_the_same() -> None:
    advice = finding(SPECIFIC[0]).advice
    assert '"i", "person", ["name", sa.text("lower(b)")], unique=True' in advice
    advice = finding(SPECIFIC[4]).advice
    assert '["a"], ["b"], source_schema="s", referent_schema="t"' in advice


def test_writes_are_advised_in_batches() -> None:
    advice = finding("op.execute('delete from person')").advice
    assert "DELETE FROM person WHERE id IN (SELECT id FROM person" in advice
