"""Results as text for a person."""

from __future__ import annotations

from collections.abc import Iterable

from .adoption import Adoption
from .history import Revision
from .rehearsal import PASSED, Rehearsal, RehearsedRevision
from .results import AppliedRevision, Migration, Plan, Status
from .schema import RIGHTS


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
        return f"{plan.database}\n  {_ids(plan.current)}, nothing to apply"
    steps = f"{_ids(plan.current)} -> {_ids(plan.after)}, {len(plan.pending)} to apply"
    warnings = "".join(f"  warning  {warning}\n" for warning in plan.warnings)
    return f"{plan.database}\n  {steps}\n{warnings}{_pending_text(plan)}"


def diff(plan: Plan) -> dict[str, str]:
    """Give a plan in the form that Ansible's --diff shows: the revisions, then the SQL."""
    return {
        "before_header": plan.database,
        "after_header": f"{plan.database}, {len(plan.pending)} to apply",
        "before": f"current: {_ids(plan.current)}\n",
        "after": f"current: {_ids(plan.after)}\n{_pending_text(plan)}",
    }


def migration_text(migration: Migration) -> str:
    """Say what a run did."""
    if not migration.changed:
        return f"{migration.database}\n  {_ids(migration.after)}, nothing to apply"
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
    """Give a line for each revision applied, with its time."""
    return [
        f"    {a.revision}  {a.message}" + (f"  ({a.seconds:.3f} s)" if a.seconds else "")
        for a in applied
    ]


def rehearsal_text(rehearsal: Rehearsal) -> str:
    """Say what was learned in the scratch database."""
    lines = [rehearsal.database, f"  {rehearsal.summary}"]
    for revision in rehearsal.revisions:
        lines += _rehearsed_lines(revision)
    for missing in rehearsal.drift or ():
        lines += [f"  drift    {missing}"]
    if rehearsal.drift_unknown and rehearsal.outcome == PASSED and rehearsal.revisions:
        lines += [f"  drift    unknown: {rehearsal.drift_unknown}"]
    lines += [f"  invalid  index {name}" for name in rehearsal.invalid_indexes]
    if rehearsal.revisions:
        lines += [f"  not rehearsed: {what}" for what in rehearsal.not_rehearsed]
    lines += [f"  dropped  {name}, left by a run that was killed" for name in rehearsal.dropped]
    return "\n".join(lines)


def adoption_text(adoption: Adoption) -> str:
    """Say how a database without a version compares with the history."""
    lines = [adoption.database, f"  {adoption.summary}"]
    lines += [f"  not compared: {adoption.stopped}"] if adoption.stopped else []
    if adoption.differences:
        lines += ["  - is what the revisions have, + what the database has"]
    return "\n".join(lines + [f"  {change}" for change in adoption.differences])


def _rehearsed_lines(revision: RehearsedRevision) -> list[str]:
    did = revision.did
    lines = [f"    {revision.revision}  {revision.message}  ({did.seconds:.3f} s)"]
    lines += [f"      lock     {lock}" for lock in did.locks if lock.blocks]
    lines += [f"      rewrites {table}" for table in did.rewritten]
    lines += [f"      rebuilds {index}" for index in did.rebuilt_indexes]
    lines += [f"      outside of a transaction: {' '.join(s.split())}" for s in did.autocommit]
    down = revision.down_reason and f": {revision.down_reason}"
    lines += [f"      down     {revision.down}{down}"]
    return lines + [
        f"        left   {change}"
        for change in revision.not_undone
        if not change.what.startswith(RIGHTS)
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


def _ids(revisions: Iterable[str]) -> str:
    return ", ".join(revisions) or "base (no revision)"
