"""The revision graph as text, base first.

Drawn here since it is shown on hosts, where nothing is installed for it, and in plain ASCII, since
terminals there may know no other. The libraries that draw graphs of this kind draw boxes, or are
not kept any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .history import History, Revision


def draw(
    revisions: Iterable[Revision], words: Callable[[Revision], str], mark: Callable[[Revision], str]
) -> list[str]:
    """Give a line for each revision, its `mark` in the graph and its `words` beside it.

    `revisions` come each after its parents. An edge is a `down_revision`; each open one has a
    column, which waits for its child.
    """
    revisions = list(revisions)
    children: dict[str, list[str]] = {revision.revision: [] for revision in revisions}
    for revision in revisions:
        for parent in revision.down_revision:
            if parent in children:
                children[parent].append(revision.revision)
    lines: list[str] = []
    columns: list[str | None] = []
    for revision in revisions:
        waiting = [at for at, child in enumerate(columns) if child == revision.revision]
        here, *merged = waiting or [_free(columns)]
        if merged:
            lines.append(_across(columns, here, merged, "'"))
            for at in merged:
                columns[at] = None
        lines.append(f"{_row(columns, here, mark(revision))}  {words(revision)}")
        next_ones = children[revision.revision]
        columns[here] = next_ones[0] if next_ones else None
        opened = []
        for child in next_ones[1:]:
            opened.append(_free(columns))
            columns[opened[-1]] = child
        if opened:
            lines.append(_across(columns, here, opened, "."))
        while columns and columns[-1] is None:
            columns.pop()
    return lines


def open_part(history: History) -> list[Revision]:
    """Give what the heads do not have in common, and where they part."""
    common = set.intersection(*(history.applied([head]) for head in history.heads))
    parting = set(history.heads_of(common))
    return [r for r in history.revisions if r.revision not in common or r.revision in parting]


def _free(columns: list[str | None]) -> int:
    """Give a column that nobody waits in."""
    if None not in columns:
        columns.append(None)
    return columns.index(None)


def _row(columns: list[str | None], here: int, mark: str) -> str:
    marks = [
        mark if at == here else " " if child is None else "|" for at, child in enumerate(columns)
    ]
    return " ".join(marks).rstrip()


def _across(columns: list[str | None], here: int, ends: list[int], corner: str) -> str:
    """Give the line that joins columns with one of them."""
    left, right = min(here, *ends), max(here, *ends)
    marks = []
    for at, child in enumerate(columns):
        passes = left < at < right
        if at == here:
            marks.append("|")
        elif at in ends:
            marks.append("+" if passes else corner)
        elif child is None:
            marks.append("-" if passes else " ")
        else:
            marks.append("|")
    gaps = ["-" if left <= at < right else " " for at in range(len(columns))]
    return "".join(mark + gap for mark, gap in zip(marks, gaps, strict=True)).rstrip()
