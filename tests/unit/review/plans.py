"""Makes plans for the tests: what alembic's operations would send, rendered without a database."""

from __future__ import annotations

import textwrap
from types import ModuleType

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from headway.history import Allowance
from headway.render import _Statements
from headway.results import PendingRevision, Plan, Statement, Table
from headway.review.results import Finding, Review
from headway.review.verdict import review

# What every plan here finds in the database.
THERE = ("person", "orders", "visit")


def table(name: str, *indexes: str, rows: int = 1000) -> Table:
    return Table("public", name, True, rows, rows * 100, indexes)


def revision(name: str, operations: str, allowed: dict[str, str] | None = None) -> PendingRevision:
    """Give a revision that does `operations`, in a transaction of its own; its first line is 1."""
    buffer = _Statements()
    module = ModuleType(name)
    buffer.begin(module)
    context = MigrationContext.configure(
        dialect_name="postgresql",
        opts={"as_sql": True, "output_buffer": buffer, "transaction_per_migration": True},
    )
    with Operations.context(context) as op, context.begin_transaction(_per_migration=True):
        vars(module).update(op=op, sa=sa)
        code = compile(textwrap.dedent(operations).strip(), f"{name}.py", "exec")
        exec(code, vars(module))  # noqa: S102 - a test's own text
    allowances = tuple(Allowance(*pair) for pair in (allowed or {}).items())
    return PendingRevision(name, "", "", f"{name}.py", tuple(buffer.sent), None, allowances)


def plan(*pending: PendingRevision, tables: tuple[Table, ...] | None = None) -> Plan:
    """Give a plan for PostgreSQL 15 with some tables."""
    there = tuple(map(table, THERE)) if tables is None else tables
    return Plan(
        database="a database",
        target="heads",
        current=("before",),
        after=("after",),
        heads=("after",),
        pending=pending,
        sql_complete=all(p.statements is not None for p in pending),
        warnings=(),
        log=(),
        server="15.4",
        tables=there,
    )


def judged(*operations: str, tables: tuple[Table, ...] | None = None) -> Review:
    """Review revisions that do these operations, one after another."""
    revisions = (revision(f"r{number}", each) for number, each in enumerate(operations))
    return review(plan(*revisions, tables=tables))


def rules(*operations: str) -> list[str]:
    """Give the names of the rules that operations break."""
    return [finding.rule for finding in judged(*operations).findings]


def finding(*operations: str) -> Finding:
    """Give the one finding."""
    (only,) = judged(*operations).findings
    return only


def shared(*statements: tuple[str, int | None]) -> PendingRevision:
    """Give a revision that sends just these statements."""
    sent = tuple(Statement(sql, line) for sql, line in statements)
    return PendingRevision("shared", "", "", "shared.py", sent, None)
