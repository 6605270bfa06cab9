"""The locks that a plan tells, beside those that the server takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from headway.review.locks import Lock, locks
from headway.review.statements import parse
from sqlalchemy import NullPool, create_engine, text

from tests.conftest import Database, throwaway_database

LOCKED = """
create table a (id int primary key, x int not null default 0, b_id int);
create table b (id int primary key, x int);
create index ix on a (x);
create view v as select id from a;
create materialized view m as select id from a;
create table p (id int) partition by list (id);
create table p1 partition of p for values in (1);
create table p2 (id int);
create function f() returns trigger language plpgsql as 'begin return new; end';
create trigger t before insert on a for each row execute function f();
alter table a add constraint c check (x >= 0) not valid;
alter table a add constraint k foreign key (b_id) references b (id) not valid;
"""

STATEMENTS = [
    "alter table a add column y text",
    "alter table a add column y int references b (id)",
    "alter table a drop column x",
    "alter table a alter column b_id set not null",
    "alter table a alter column x drop default",
    "alter table a alter column x type bigint",
    "alter table a alter column x set statistics 10",
    "alter table a set (fillfactor = 50)",
    "alter table a add constraint k2 foreign key (b_id) references b (id)",
    "alter table a add constraint c2 check (x > -1) not valid",
    "alter table a validate constraint c",
    "alter table a drop constraint c",
    "alter table a disable trigger t",
    "alter table a rename to z",
    "alter table a rename column x to y",
    "alter table p attach partition p2 for values in (2)",
    "alter table p detach partition p1",
    "create index iy on a (x)",
    "drop index ix",
    "alter index ix rename to iz",
    "create trigger t2 before insert on a for each row execute function f()",
    "drop trigger t on a",
    "create table n (id int references b (id))",
    "create table p3 partition of p for values in (3)",
    "drop table b cascade",
    "truncate b cascade",
    "comment on table a is 'x'",
    "comment on column a.x is 'x'",
    "create or replace view v as select id from a",
    "drop view v",
    "refresh materialized view m",
    "create statistics s on id, x from a",
    "create policy y on a",
    "create rule r as on delete to b do instead nothing",
    "insert into b select id, x from a",
    "update a set x = 1 from b where a.id = b.id",
    "delete from b",
    "select * from b for update",
    "select * from a, b",
    "lock table a in share mode",
]


@pytest.fixture(scope="module")
def locked(postgres_server: Database) -> Iterator[Database]:
    with throwaway_database(postgres_server) as database:
        database.query(LOCKED)
        yield database


# The server locks more than a statement's text tells: partitions, a view's tables, the far end of a
# foreign key that is dropped. What is told must be so.
@pytest.mark.parametrize("statement", STATEMENTS)
def test_locks_are_those_that_the_server_takes(statement: str, locked: Database) -> None:
    ((_, node),) = parse(statement)
    told = locks(node, {"ix": "a"})
    taken = locks_taken(statement, locked)
    assert told
    for name, lock in told.items():
        if name in taken:
            assert lock == taken[name], (name, told, taken)
        else:  # made by the statement, or it locks the index alone
            assert lock in (Lock.ACCESS_SHARE, Lock.SHARE_UPDATE_EXCLUSIVE), (name, told, taken)


def locks_taken(statement: str, database: Database) -> dict[str, Lock]:
    """Run a statement, look at the locks, and roll it back."""
    engine = create_engine(database.url(), poolclass=NullPool)
    with engine.connect() as connection:
        there = "select oid, relname from pg_class where relnamespace = 'public'::regnamespace"
        before = {row.oid: row.relname for row in connection.execute(text(there))}
        connection.rollback()
        connection.exec_driver_sql(statement)
        held = connection.execute(
            text(
                "select relation, mode from pg_locks where pid = pg_backend_pid() and locktype = 'relation'"
            )
        ).all()
        connection.rollback()
    taken: dict[str, Lock] = {}
    for oid, mode in held:
        if oid in before:
            words = "".join(f"_{c}" if c.isupper() else c for c in mode.removesuffix("Lock"))
            lock = Lock[words.strip("_").upper()]
            taken[before[oid]] = max(lock, taken.get(before[oid], lock))
    return taken
