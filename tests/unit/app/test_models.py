from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest
from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, Table, create_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from tests.unit.app.example import imported


@pytest.fixture
def orm() -> Iterator[ModuleType]:
    with imported("models.orm") as module:
        yield module


def sql(statement: CreateTable | CreateIndex) -> str:
    return " ".join(
        str(statement.compile(dialect=create_engine("postgresql+psycopg2://").dialect)).split()
    )


def test_person_has_the_schema_that_the_walk_through_shows(orm: ModuleType) -> None:
    assert sql(CreateTable(orm.Person.__table__)) == (
        "CREATE TABLE person ( id SERIAL NOT NULL, name VARCHAR(50) NOT NULL,"
        " CONSTRAINT pk_person PRIMARY KEY (id) )"
    )


def test_every_kind_of_constraint_gets_a_name(orm: ModuleType) -> None:
    pet = Table(
        "pet",
        orm.Base.metadata,
        Column("id", Integer, primary_key=True),
        Column("chip", Integer, unique=True),
        Column("age", Integer, index=True),
        Column("owner", ForeignKey("person.id")),
        CheckConstraint("age >= 0", name="age_not_negative"),
    )
    created = sql(CreateTable(pet))
    for name in ("pk_pet", "uq_pet_chip", "fk_pet_owner_person", "ck_pet_age_not_negative"):
        assert f"CONSTRAINT {name} " in created
    assert [index.name for index in pet.indexes] == ["ix_pet_age"]
