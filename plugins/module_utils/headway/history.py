"""The revision graph as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from .data import Data


@dataclass(frozen=True)
class Allowance(Data):
    """A rule of the review that a revision's author breaks on purpose, and why.

    A revision says it as `headway_allow = {"rule": "reason"}`.
    """

    rule: str
    reason: str


@dataclass(frozen=True)
class Revision(Data):
    """One revision file.

    `message` is the first paragraph of its docstring, `description` what its author wrote
    below. `parents` are all revisions that must be applied before it: `down_revision` and what
    `depends_on` comes to. `allowed` is what its author says may pass the review of a plan.
    """

    revision: str
    message: str
    description: str
    file: str
    down_revision: tuple[str, ...]
    depends_on: tuple[str, ...]
    branch_labels: tuple[str, ...]
    parents: tuple[str, ...]
    allowed: tuple[Allowance, ...] = ()

    def __str__(self) -> str:
        """Give the id and the message, as a person names a revision."""
        return f'{self.revision} "{self.message}"' if self.message else self.revision


@dataclass(frozen=True)
class Branch(Data):
    """A revision from which the history goes on in more than one way."""

    revision: str
    into: tuple[str, ...]


@dataclass(frozen=True)
class History(Data):
    """All revisions, each after its parents."""

    revisions: tuple[Revision, ...]

    @cached_property
    def by_id(self) -> dict[str, Revision]:
        """The revisions by their id."""
        return {revision.revision: revision for revision in self.revisions}

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """What the version table holds once everything is applied."""
        return self.heads_of(self.by_id)

    @property
    def branches(self) -> tuple[Branch, ...]:
        """Where the history divides."""
        into: dict[str, list[str]] = {}
        for revision in self.revisions:
            for parent in revision.down_revision:
                into.setdefault(parent, []).append(revision.revision)
        return tuple(Branch(r, tuple(sorted(n))) for r, n in into.items() if len(n) > 1)

    def applied(self, current: Iterable[str]) -> set[str]:
        """Give every revision that a database at `current` has had applied."""
        found: set[str] = set()
        to_visit = [revision for revision in current if revision in self.by_id]
        while to_visit:
            revision = to_visit.pop()
            if revision not in found:
                found.add(revision)
                to_visit.extend(self.by_id[revision].parents)
        return found

    def heads_of(self, applied: Iterable[str]) -> tuple[str, ...]:
        """Give what the version table holds when exactly `applied` are applied."""
        present = set(applied)
        below = {parent for r in present for parent in self.by_id[r].parents}
        return tuple(sorted(present - below))


def in_order(revisions: Iterable[Revision]) -> tuple[Revision, ...]:
    """Give each after its parents, a branch in one piece, whatever order they come in.

    Raises KeyError where a parent is absent, ValueError where they go in a circle.
    """
    by_id = {revision.revision: revision for revision in revisions}
    placed: dict[str, Revision] = {}
    for start in sorted(by_id):
        way = {start: None}  # an ordered set
        while way:
            revision = by_id[next(reversed(way))]
            before = next((p for p in revision.parents if p not in placed), None)
            if before is None:
                placed[revision.revision] = revision
                way.popitem()
            elif before in way:
                raise ValueError(f"{before} follows itself")
            else:
                way[before] = None
    return tuple(placed.values())
