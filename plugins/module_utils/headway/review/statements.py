"""The statements of a plan, read with PostgreSQL's own grammar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pglast
from pglast import ast
from pglast.enums import TransactionStmtKind
from pglast.parser import ParseError

from ..results import PendingRevision, Plan

_BEGINS = (TransactionStmtKind.TRANS_STMT_BEGIN, TransactionStmtKind.TRANS_STMT_START)


@dataclass(frozen=True)
class Sent:
    """A statement that a revision sends.

    `position` counts the plan's statements; `transaction` tells one transaction of the plan from
    another, None is outside of any. `node` is None where PostgreSQL's grammar refuses the
    statement, for the reason `refused`.
    """

    position: int
    revision: PendingRevision
    line: int
    sql: str
    transaction: int | None
    node: ast.Node | None
    refused: str = ""


def parse(sql: str) -> Iterator[tuple[str, ast.Node]]:
    """Give each statement of a text with its tree. Raises ParseError."""
    for statement in pglast.split(sql):
        yield statement, pglast.parse_sql(statement)[0].stmt


def sent_by(plan: Plan) -> list[Sent]:
    """Give what the revisions of a plan send, without what alembic sends by itself."""
    sent: list[Sent] = []
    begun, transaction = 0, 0  # 0 is the one transaction of a plan that begins none
    within: int | None = transaction
    for revision in plan.pending:
        for statement in revision.statements or ():
            try:
                parsed = list(parse(statement.sql))
            except ParseError as error:
                if statement.line is not None:
                    refused = str(error.args[0])
                    sent.append(
                        Sent(
                            len(sent),
                            revision,
                            statement.line,
                            statement.sql,
                            within,
                            None,
                            refused,
                        )
                    )
                continue
            for sql, node in parsed:
                if isinstance(node, ast.TransactionStmt):
                    if node.kind in _BEGINS:
                        begun += 1
                        within = begun
                    else:
                        within = None
                elif statement.line is not None:
                    sent.append(Sent(len(sent), revision, statement.line, sql, within, node))
    return sent


def splits_a_shared_transaction(revision: PendingRevision) -> int | None:
    """Give the line where a revision commits a transaction that alembic did not begin for it."""
    for statement in revision.statements or ():
        first = statement.sql.upper()
        if first.startswith("BEGIN") and statement.line is None:
            return None
        if first.startswith("COMMIT") and statement.line is not None:
            return statement.line
    return None
