"""Results as text for a person."""

from __future__ import annotations

from collections.abc import Iterable

from .graph import draw, open_part
from .history import History, Revision
from .results import DOWN, AppliedRevision, Migration, SnapshotState, SnapshotUse, Status


def status_text(status: Status) -> str:
    """Say where things stand."""
    lines = [status.database, f"  current  {ids(status.current)}"]
    if status.unknown:
        lines += [f"  unknown  {ids(status.unknown)}: the code is older than the database"]
    lines += [f"  head     {ids(status.heads)}"]
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


def migration_text(migration: Migration) -> str:
    """Say what a run did."""
    if not migration.changed:
        nothing = f"nothing {to_do(migration.direction)}"
        return f"{migration.database}\n  {ids(migration.after)}, {nothing}"
    return "\n".join(
        [
            migration.database,
            f"  {ids(migration.before)} -> {ids(migration.after)}",
            *_applied_lines(migration.applied),
            *snapshot_line(migration.snapshot),
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


def _applied_lines(applied: Iterable[AppliedRevision]) -> list[str]:
    """Give a line for each revision applied or taken back, with its time."""
    return [
        f"    {a.revision}  {a.message}" + (f"  ({a.seconds:.3f} s)" if a.seconds else "")
        for a in applied
    ]


def snapshot_line(use: SnapshotUse | None) -> list[str]:
    """Say that a snapshot is loaded; that one is not is a warning."""
    return [f"  snapshot {use}"] if use and use.loaded else []


def to_do(direction: str) -> str:
    """Say what is pending, in that direction."""
    return "to take back" if direction == DOWN else "to apply"


def ids(revisions: Iterable[str]) -> str:
    """Name revisions."""
    return ", ".join(revisions) or "base (no revision)"
