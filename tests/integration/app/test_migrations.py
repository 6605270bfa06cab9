"""pytest-alembic's own tests, on the example app."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_alembic.tests import (
    test_model_definitions_match_ddl,
    test_single_head_revision,
    test_up_down_consistency,
    test_upgrade,
)
from sqlalchemy import Engine, create_engine

from tests.conftest import Database

__all__ = [
    "test_model_definitions_match_ddl",
    "test_single_head_revision",
    "test_up_down_consistency",
    "test_upgrade",
]


@pytest.fixture
def alembic_engine(database: Database) -> Iterator[Engine]:
    engine = create_engine(database.url())
    yield engine
    engine.dispose()


def test_the_first_revision_makes_what_the_walk_through_shows(migrated: Database) -> None:
    assert migrated.tables() == {"alembic_version", "person"}
    columns = migrated.query(
        "select column_name, data_type, character_maximum_length from information_schema.columns"
        " where table_name = 'person' order by ordinal_position"
    )
    assert columns == [("id", "integer", None), ("name", "character varying", 50)]
    assert migrated.query(
        "select conname from pg_constraint where conrelid = 'person'::regclass and contype = 'p'"
    ) == [("pk_person",)]
