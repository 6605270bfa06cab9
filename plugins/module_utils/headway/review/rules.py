"""Dangers that squawk does not look for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pglast import ast

from .locks import Locks, name_of
from .statements import Sent, splits_a_shared_transaction

WRITE_WITHOUT_WHERE = "write-without-where"
SEVERAL_TABLES_LOCKED = "several-tables-locked"
AUTOCOMMIT_IN_SHARED_TRANSACTION = "autocommit-in-shared-transaction"
SYNTAX_ERROR = "syntax-error"
BACKFILL_UNDER_LOCK = "backfill-under-lock"
OURS = (
    BACKFILL_UNDER_LOCK,
    WRITE_WITHOUT_WHERE,
    SEVERAL_TABLES_LOCKED,
    AUTOCOMMIT_IN_SHARED_TRANSACTION,
    SYNTAX_ERROR,
)

# Rule and problem.
Problem = tuple[str, str]


def problem_of(sent: Sent) -> Problem | None:
    """Judge a statement alone."""
    if sent.node is None:
        return SYNTAX_ERROR, f"PostgreSQL's grammar refuses it: {sent.refused}."
    if isinstance(sent.node, (ast.UpdateStmt, ast.DeleteStmt)) and sent.node.whereClause is None:
        verb = "UPDATE" if isinstance(sent.node, ast.UpdateStmt) else "DELETE"
        return (
            WRITE_WITHOUT_WHERE,
            f"{verb} without WHERE on {name_of(sent.node.relation)}: every row is written and stays "
            "locked until the revision commits.",
        )
    return None


def several_tables(
    statements: Sequence[Sent], strong_locks: Callable[[Sent], Locks]
) -> Iterator[tuple[Sent, Problem]]:
    """Judge the transactions: each should stop one table at a time.

    `strong_locks` gives those that stop writers of tables that were there before. What one
    statement locks at once (both ends of a foreign key) is no finding of this rule.
    """
    held: dict[int, dict[str, int]] = defaultdict(dict)
    told: set[int] = set()
    for sent in statements:
        if sent.transaction is None:
            continue
        before = held[sent.transaction]
        more = {name: sent.line for name in strong_locks(sent) if name not in before}
        if before and more and sent.transaction not in told:
            told.add(sent.transaction)
            first = " and ".join(f"{name} (line {line})" for name, line in before.items())
            yield (
                sent,
                (
                    SEVERAL_TABLES_LOCKED,
                    f"It locks {' and '.join(more)} while the same transaction holds {first}: whoever "
                    "uses both waits for both, and one who locks them in the other order makes a deadlock.",
                ),
            )
        before.update(more)


def backfills(
    statements: Sequence[Sent], strong_locks: Callable[[Sent], Locks]
) -> Iterator[tuple[Sent, Problem]]:
    """Judge rows written while the same transaction keeps others from a table."""
    held: dict[int, dict[str, int]] = defaultdict(dict)
    for sent in statements:
        if sent.transaction is None:
            continue
        before = held[sent.transaction]
        if before and _writes_many(sent.node):
            tables = " and ".join(
                f"{name} (locked by line {line})" for name, line in before.items()
            )
            yield (
                sent,
                (
                    BACKFILL_UNDER_LOCK,
                    f"It writes rows while the same transaction keeps others from {tables}, and for as "
                    "long as that takes.",
                ),
            )
        for name in strong_locks(sent):
            before.setdefault(name, sent.line)


def _writes_many(node: Any) -> bool:
    if isinstance(node, ast.InsertStmt):
        return node.selectStmt is not None and node.selectStmt.fromClause is not None
    return isinstance(node, (ast.UpdateStmt, ast.DeleteStmt, ast.MergeStmt))


def shared_transactions(statements: Sequence[Sent]) -> Iterator[tuple[Sent, Problem]]:
    """Judge autocommit blocks where env.py has one transaction for all revisions."""
    for revision in {sent.revision.revision: sent.revision for sent in statements}.values():
        line = splits_a_shared_transaction(revision)
        if line is not None:
            at = Sent(-1, revision, line, "", None, None)
            yield (
                at,
                (
                    AUTOCOMMIT_IN_SHARED_TRANSACTION,
                    "The autocommit block commits what earlier revisions did, since env.py has one "
                    "transaction for all: a fault after it leaves half of the plan applied.",
                ),
            )
