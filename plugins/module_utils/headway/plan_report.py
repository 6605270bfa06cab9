"""A plan and its review as text for a person."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .report import ids, snapshot_line, to_do
from .results import PendingRevision, Plan

if TYPE_CHECKING:  # a run judges nothing
    from .review.results import Finding, Review, TouchedTable


def plan_text(plan: Plan, review: Review | None = None) -> str:
    """Show what a run would do, with its SQL, and what the review says of it."""
    if not plan.pending:
        return f"{plan.database}\n  {ids(plan.current)}, nothing {to_do(plan.direction)}"
    steps = f"{ids(plan.current)} -> {ids(plan.after)}, {_count(plan)}{_transactions(plan)}"
    told = [*(f"  warning  {warning}\n" for warning in plan.warnings), *_lost(plan)]
    told += [f"{line}\n" for line in snapshot_line(plan.snapshot)]
    return f"{plan.database}\n  {steps}\n{''.join(told)}{pending_text(plan.pending, review)}"


def diff(plan: Plan) -> dict[str, str]:
    """Give a plan in the form that Ansible's --diff shows: the revisions, then the SQL."""
    return {
        "before_header": plan.database,
        "after_header": f"{plan.database}, {_count(plan)}",
        "before": f"current: {ids(plan.current)}\n",
        "after": f"current: {ids(plan.after)}\n{''.join(_lost(plan))}{pending_text(plan.pending)}",
    }


def pending_text(pending: Iterable[PendingRevision], review: Review | None = None) -> str:
    """Show revisions that are to be applied: what each is, locks, sends, and what is dangerous in it."""
    reviewed = {r.revision: r for r in review.revisions} if review else {}
    lines: list[str] = []
    for number, revision in enumerate(pending, 1):
        lines += ["", f"{number}. {revision.revision}  {revision.message}", f"   {revision.file}"]
        lines += [f"   | {line}".rstrip() for line in revision.description.splitlines()]
        judged = reviewed.get(revision.revision)
        lines += _table_lines(judged.tables) if judged else []
        lines += ["", *_statement_lines(revision)]
        if judged and judged.unjudged:
            lines += ["", *_wrapped(f"   not judged  {judged.unjudged}", "      ")]
        for finding in judged.findings if judged else ():
            lines += ["", *_finding_lines(finding)]
    if review:
        lines += ["", *_verdict(review)]
    return "".join(f"{line}\n" for line in lines)


def _count(plan: Plan) -> str:
    return f"{len(plan.pending)} {to_do(plan.direction)}"


def _lost(plan: Plan) -> list[str]:
    """Give what a downgrade drops and what has no way back, a line each."""
    return [
        *(f"  no way back  {without}\n" for without in plan.no_downgrade),
        *(f"  loss  {loss}\n" for loss in plan.losses),
    ]


def _transactions(plan: Plan) -> str:
    sent = [s for revision in plan.pending for s in revision.statements or () if s.line is None]
    if not plan.server or not sent:
        return ""
    own = any(statement.sql == "BEGIN;" for statement in sent)
    return ", each in a transaction of its own" if own else ", all in one transaction of env.py's"


def _table_lines(tables: Iterable[TouchedTable]) -> list[str]:
    names = {table.name: _size(table) for table in tables}
    width = max(map(len, names.values()), default=0)
    return [
        f"   {names[table.name]:{width}}  {table.lock}: {table.blocks}"
        if table.lock
        else f"   {names[table.name]:{width}}  new"
        for table in tables
    ]


def _size(table: TouchedTable) -> str:
    if table.rows is None or table.bytes is None:
        return table.name
    return f"{table.name} (about {table.rows:,} rows, {_readable(table.bytes)})"


def _readable(size: float) -> str:
    """Give bytes as a person says them."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _statement_lines(revision: PendingRevision) -> list[str]:
    """Give what the revision itself sends, each with its line, and where it is in no transaction."""
    if revision.statements is None:
        why = f" ({revision.sql_unknown})" if revision.sql_unknown else ""
        return [f"      its SQL is known only when it runs{why}"]
    lines: list[str] = []
    for statement in revision.statements:
        if statement.line is None:
            continue
        if statement.sql == "COMMIT;":
            lines += ["      outside of a transaction:"]
        elif statement.sql == "BEGIN;":
            lines += ["      in a transaction again:"]
        else:
            first, *more = statement.sql.splitlines()
            lines += [
                f"{statement.line:>5}  {first}",
                *(f"       {line}".rstrip() for line in more),
            ]
    if lines and lines[-1].endswith("transaction again:"):
        lines.pop()
    return lines or ["      nothing is sent"]


def _finding_lines(finding: Finding) -> list[str]:
    head = f"line {finding.line}, {finding.rule}: {finding.problem}"
    if finding.allowed is not None:
        return _wrapped(f"   allowed  {head} Allowed: {finding.allowed}", "      ")
    return [
        *_wrapped(f"   DANGER  {head}", "      "),
        *(f"      {line}" for line in finding.advice.splitlines()),
    ]


def _verdict(review: Review) -> list[str]:
    """Say what the review comes to."""
    if review.unjudged:
        return [review.unjudged]
    lines = [*review.notes, *_wrapped(review.how_long, "")]
    dangers, allowed = len(review.dangers), len(review.findings) - len(review.dangers)
    verdict = f"{dangers} danger{'s' * (dangers != 1)} found" if dangers else "No danger found"
    judged = sum(not r.unjudged for r in review.revisions)
    if judged < len(review.revisions):
        verdict += (
            f" in the {judged} that could be judged" if judged else ", since none could be judged"
        )
    return [*lines, f"{verdict}{f', {allowed} allowed' if allowed else ''}."]


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, 110, subsequent_indent=indent, break_on_hyphens=False)
