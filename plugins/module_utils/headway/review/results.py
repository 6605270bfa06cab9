"""What a review gives. Needs neither pglast nor squawk."""

from __future__ import annotations

from dataclasses import dataclass

from ..data import Data


@dataclass(frozen=True)
class TouchedTable(Data):
    """A table that a revision touches, with the strongest lock that it takes on it.

    `lock` is PostgreSQL's name of it, `blocks` what others cannot do meanwhile; both are empty for
    a table that the plan itself creates. `rows` and `bytes` are the server's estimates, None where
    it has none.
    """

    name: str
    lock: str
    blocks: str
    rows: int | None
    bytes: int | None


@dataclass(frozen=True)
class Finding(Data):
    """Something dangerous in a revision: where, what is wrong, and the safe way.

    `allowed` is the author's reason to do it all the same, None where there is none.
    """

    rule: str
    revision: str
    file: str
    line: int | None
    problem: str
    advice: str
    allowed: str | None = None


@dataclass(frozen=True)
class ReviewedRevision(Data):
    """A revision of the plan; `unjudged` says why its SQL could not be judged."""

    revision: str
    tables: tuple[TouchedTable, ...]
    findings: tuple[Finding, ...]
    unjudged: str | None = None


@dataclass(frozen=True)
class Review(Data):
    """What is to be known of a plan before one says yes to it.

    `unjudged` says why nothing of it could be judged; `notes` are sentences on single revisions,
    `how_long` is one on how long the locks last, empty where there are none.
    """

    revisions: tuple[ReviewedRevision, ...]
    notes: tuple[str, ...] = ()
    how_long: str = ""
    unjudged: str | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the plan's order."""
        return tuple(finding for r in self.revisions for finding in r.findings)

    @property
    def dangers(self) -> tuple[Finding, ...]:
        """The findings that nobody allowed."""
        return tuple(finding for finding in self.findings if finding.allowed is None)
