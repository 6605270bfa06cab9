"""What came of many databases. Needs no alembic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..data import Data

DONE, AT_HEAD, PENDING, AHEAD = "done", "at_head", "pending", "ahead"
FAILED, NOT_TRIED = "failed", "not_tried"
OUTCOMES = (DONE, AT_HEAD, PENDING, AHEAD, FAILED, NOT_TRIED)
FEW = 3


@dataclass(frozen=True)
class DatabaseResult(Data):
    """What came of one database.

    `outcome` is done (now at the target), at_head (it was there before), pending (nothing was run, and
    would be), ahead (of the code, where that is merely asked), failed, or not_tried. `database` is where
    env.py connected to, "" where it did not get that far, `addresses` the same as URLs without a password
    (PostgreSQL only). `pending` are the revisions left, `seconds` those of its upgrade, `wave` counts
    from 1. `kind` and `reason` are the fault's, as of a single upgrade.
    """

    name: str
    outcome: str
    database: str = ""
    addresses: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    applied: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    wave: int | None = None
    seconds: float | None = None
    kind: str = ""
    reason: str = ""
    warnings: tuple[str, ...] = ()
    log: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the run changed the database."""
        return self.before != self.after

    @property
    def told(self) -> str:
        """What came of it, as a phrase."""
        before, after = (", ".join(at) or "base" for at in (self.before, self.after))
        more = ", ..." if len(self.pending) > FEW else ""
        behind = f"{before}, behind by {len(self.pending)}: {', '.join(self.pending[:FEW])}{more}"
        return {
            DONE: f"{before} -> {after} in {self.seconds} s",
            AT_HEAD: after,
            PENDING: behind,
            AHEAD: f"{before}, newer than this code",
            FAILED: self.reason,
            NOT_TRIED: behind,
        }[self.outcome]


@dataclass(frozen=True)
class Fleet(Data):
    """What came of all of them, in the order in which they were named.

    `waves` are the names that each wave has, also of those that were not come to. `stopped` says
    why not all were tried.
    """

    target: str
    databases: tuple[DatabaseResult, ...]
    waves: tuple[tuple[str, ...], ...] = ()
    stopped: str = ""

    @property
    def changed(self) -> bool:
        """Whether the run changed any database."""
        return any(result.changed for result in self.databases)

    def of(self, outcome: str) -> tuple[DatabaseResult, ...]:
        """Give those of one outcome."""
        return tuple(result for result in self.databases if result.outcome == outcome)

    @property
    def counts(self) -> dict[str, int]:
        """How many came to what."""
        return {outcome: len(self.of(outcome)) for outcome in OUTCOMES}

    def to_dict(self) -> dict[str, Any]:
        """Give the fields, and how many came to what."""
        return {**super().to_dict(), "changed": self.changed, "counts": self.counts}
