"""Results as text for a person."""

from __future__ import annotations

from collections.abc import Iterable

from .history import Revision
from .results import DOWN, AppliedRevision, Migration, Plan, Status


def status_text(status: Status) -> str:
    """Say where things stand."""
    lines = [status.database, f"  current  {_ids(status.current)}"]
    if status.unknown:
        lines += [f"  unknown  {_ids(status.unknown)}: the code is older than the database"]
    lines += [f"  head     {_ids(status.heads)}"]
    if status.pending:
        lines += [f"  pending  {len(status.pending)}"]
        lines += [f"    {revision.revision}  {revision.message}" for revision in status.pending]
    elif status.at_head:
        lines += ["  at head, nothing is pending"]
    lines += [f"  run      {run}" for run in status.runs]
    lines += [f"  warning  {warning}" for warning in status.warnings]
    lines += [
        f"  invalid  index {name}: drop it and build it again" for name in status.invalid_indexes
    ]
    return "\n".join(lines)


def history_text(history: Iterable[Revision], current: Iterable[str]) -> str:
    """List the revisions, base first, the current ones marked."""
    marked = set(current)
    return "\n".join(
        f"{'*' if r.revision in marked else ' '} {r.revision}  {r.message}"
        + (f"  ({', '.join(r.branch_labels)})" if r.branch_labels else "")
        for r in history
    )


def plan_text(plan: Plan) -> str:
    """Show what a run would do, with its SQL."""
    if not plan.pending:
        return f"{plan.database}\n  {_ids(plan.current)}, nothing {_to_do(plan.direction)}"
    steps = f"{_ids(plan.current)} -> {_ids(plan.after)}, {_count(plan)}"
    told = [*(f"  warning  {warning}\n" for warning in plan.warnings), *_lost(plan)]
    return f"{plan.database}\n  {steps}\n{''.join(told)}{_pending_text(plan)}"


def diff(plan: Plan) -> dict[str, str]:
    """Give a plan in the form that Ansible's --diff shows: the revisions, then the SQL."""
    return {
        "before_header": plan.database,
        "after_header": f"{plan.database}, {_count(plan)}",
        "before": f"current: {_ids(plan.current)}\n",
        "after": f"current: {_ids(plan.after)}\n{''.join(_lost(plan))}{_pending_text(plan)}",
    }


def migration_text(migration: Migration) -> str:
    """Say what a run did."""
    if not migration.changed:
        nothing = f"nothing {_to_do(migration.direction)}"
        return f"{migration.database}\n  {_ids(migration.after)}, {nothing}"
    return "\n".join(
        [
            migration.database,
            f"  {_ids(migration.before)} -> {_ids(migration.after)}",
            *applied_lines(migration.applied),
            *(f"  {wait}" for wait in migration.waits),
            *(f"  warning  {warning}" for warning in migration.warnings),
        ]
    )


def applied_lines(applied: Iterable[AppliedRevision]) -> list[str]:
    """Give a line for each revision applied or taken back, with its time."""
    return [
        f"    {a.revision}  {a.message}" + (f"  ({a.seconds:.3f} s)" if a.seconds else "")
        for a in applied
    ]


def _pending_text(plan: Plan) -> str:
    lines: list[str] = []
    for pending in plan.pending:
        lines += ["", f"-- {pending.revision}  {pending.message}", f"-- {pending.file}"]
        lines += [f"-- {line}" for line in pending.description.splitlines()]
        if pending.sql is not None:
            lines += [pending.sql]
        elif pending.sql_unknown:
            lines += [f"-- SQL known only when it runs: {pending.sql_unknown}"]
    return "".join(f"{line}\n" for line in lines)


def _to_do(direction: str) -> str:
    return "to take back" if direction == DOWN else "to apply"


def _count(plan: Plan) -> str:
    return f"{len(plan.pending)} {_to_do(plan.direction)}"


def _lost(plan: Plan) -> list[str]:
    """Give what a downgrade drops and what has no way back, a line each."""
    return [
        *(f"  no way back  {without}\n" for without in plan.no_downgrade),
        *(f"  loss  {loss}\n" for loss in plan.losses),
    ]


def _ids(revisions: Iterable[str]) -> str:
    return ", ".join(revisions) or "base (no revision)"
