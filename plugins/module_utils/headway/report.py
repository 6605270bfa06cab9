"""Results as text for a person."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from .adoption import Adoption
from .graph import draw, open_part
from .history import History, Revision
from .rehearsal import PASSED, Rehearsal, RehearsedRevision
from .results import (
    DOWN,
    AppliedRevision,
    Migration,
    PendingRevision,
    Plan,
    SnapshotState,
    SnapshotUse,
    Status,
)
from .review.results import Finding, Review, TouchedTable
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
    lines += [f"  heads    {line}" for line in graph_text(status).splitlines()]
    lines += [f"  run      {run}" for run in status.runs]
    lines += [f"  warning  {warning}" for warning in status.warnings]
    lines += [
        f"  invalid  index {name}: drop it and build it again" for name in status.invalid_indexes
    ]
    return "\n".join(lines)


def history_text(
    revisions: Iterable[Revision],
    history: History,
    current: Iterable[str],
) -> str:
    """Draw revisions of a history, base first: `*` is applied, `o` is not."""
    marked, heads = set(current), set(history.heads)
    applied = history.applied(marked)

    def words(revision: Revision) -> str:
        said = [
            *revision.branch_labels,
            *(f"depends on {other}" for other in revision.depends_on),
            *(["current"] if revision.revision in marked else []),
            *(["head"] if revision.revision in heads else []),
        ]
        return f"{revision.revision}  {revision.message}" + (
            f"  ({', '.join(said)})" if said else ""
        )

    return "\n".join(draw(revisions, words, lambda r: "*" if r.revision in applied else "o"))


def graph_text(status: Status) -> str:
    """Draw where a history with several heads parts; nothing for another."""
    history = History(status.history)
    several = len(history.heads) > 1
    return history_text(open_part(history), history, status.current) if several else ""


def plan_text(plan: Plan, review: Review | None = None) -> str:
    """Show what a run would do, with its SQL, and what the review says of it."""
    if not plan.pending:
        return f"{plan.database}\n  {_ids(plan.current)}, nothing {_to_do(plan.direction)}"
    steps = f"{_ids(plan.current)} -> {_ids(plan.after)}, {_count(plan)}{_transactions(plan)}"
    told = [*(f"  warning  {warning}\n" for warning in plan.warnings), *_lost(plan)]
    told += [f"{line}\n" for line in _snapshot_line(plan.snapshot)]
    return f"{plan.database}\n  {steps}\n{''.join(told)}{pending_text(plan.pending, review)}"


def diff(plan: Plan) -> dict[str, str]:
    """Give a plan in the form that Ansible's --diff shows: the revisions, then the SQL."""
    return {
        "before_header": plan.database,
        "after_header": f"{plan.database}, {_count(plan)}",
        "before": f"current: {_ids(plan.current)}\n",
        "after": f"current: {_ids(plan.after)}\n{''.join(_lost(plan))}{pending_text(plan.pending)}",
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
            *_snapshot_line(migration.snapshot),
            *(f"  {wait}" for wait in migration.waits),
            *(f"  warning  {warning}" for warning in migration.warnings),
        ]
    )


def snapshot_text(state: SnapshotState) -> str:
    """Say which snapshot an app has."""
    if not state.current:
        return f"{state.file}\n  is not current: {state.reason}; make it anew (headway snapshot)"
    stands_for = f"{state.revisions} revision{'s' * (state.revisions != 1)} up to {state.head}"
    return f"{state.file}\n  {'written' if state.changed else 'current'}, for {stands_for}"


def applied_lines(applied: Iterable[AppliedRevision]) -> list[str]:
    """Give a line for each revision applied or taken back, with its time."""
    return [
        f"    {a.revision}  {a.message}" + (f"  ({a.seconds:.3f} s)" if a.seconds else "")
        for a in applied
    ]


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


def rehearsal_text(rehearsal: Rehearsal) -> str:
    """Say what was learned in the scratch database."""
    lines = [rehearsal.database, f"  {rehearsal.summary}"]
    for revision in rehearsal.revisions:
        lines += _rehearsed_lines(
            revision, "up again" if rehearsal.direction == DOWN else "down    "
        )
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
    lines += [f"  warning  {warning}" for warning in adoption.warnings]
    lines += [f"  not compared: {adoption.stopped}"] if adoption.stopped else []
    if adoption.differences:
        lines += ["  - is what the revisions have, + what the database has"]
    return "\n".join(lines + [f"  {change}" for change in adoption.differences])


def _rehearsed_lines(revision: RehearsedRevision, way_back: str) -> list[str]:
    did = revision.did
    lines = [f"    {revision.revision}  {revision.message}  ({did.seconds:.3f} s)"]
    lines += [f"      lock     {lock}" for lock in did.locks if lock.blocks]
    lines += [f"      rewrites {table}" for table in did.rewritten]
    lines += [f"      rebuilds {index}" for index in did.rebuilt_indexes]
    lines += [f"      drops    {lost}" for lost in did.lost]
    lines += [f"      outside of a transaction: {' '.join(s.split())}" for s in did.autocommit]
    down = revision.down_reason and f": {revision.down_reason}"
    lines += [f"      {way_back} {revision.down}{down}"]
    return lines + [
        f"        left   {change}"
        for change in revision.not_undone
        if not change.what.startswith(RIGHTS)
    ]


def _snapshot_line(use: SnapshotUse | None) -> list[str]:
    """Say that a snapshot is loaded; that one is not is a warning."""
    return [f"  snapshot {use}"] if use and use.loaded else []


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


def _ids(revisions: Iterable[str]) -> str:
    return ", ".join(revisions) or "base (no revision)"
