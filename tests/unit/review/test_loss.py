from __future__ import annotations

import pytest
from headway.review.loss import drops_data


@pytest.mark.parametrize(
    ("sql", "lost"),
    [
        ("drop table stock.shelf, person", ["table stock.shelf", "table person"]),
        (
            "ALTER TABLE person DROP COLUMN email, DROP COLUMN age",
            ["column person.email", "column person.age"],
        ),
        ("truncate person, orders", ["all rows of person", "all rows of orders"]),
        ("delete from person where id > 1", ["rows of person"]),
        ("delete from person", ["all rows of person"]),
        ("drop schema stock cascade", ["schema stock"]),
        ("drop sequence ticket", ["sequence ticket"]),
        ("drop tabel person", ["what cannot be read: drop tabel person"]),
    ],
)
def test_what_is_lost_is_named(sql: str, lost: list[str]) -> None:
    assert drops_data(sql) == lost


@pytest.mark.parametrize(
    "sql",
    [
        "alter table person add column a text",
        "alter table person drop constraint c",
        "drop index i",
        "drop view v",
        "drop materialized view v",
        "drop type mood",
        "update person set a = 1",
        "select 1",
        "-- drop table person",
        "",
    ],
)
def test_what_can_be_made_again_is_no_loss(sql: str) -> None:
    assert drops_data(sql) == []


def test_several_statements_and_each_loss_once() -> None:
    assert drops_data(["drop table a; delete from b where x", "drop table a;"]) == [
        "table a",
        "rows of b",
    ]
