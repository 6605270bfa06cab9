"""What adopting a database gives. Needs no alembic."""

from __future__ import annotations

from dataclasses import dataclass

from .data import Data
from .schema import Change


@dataclass(frozen=True)
class AdoptionOptions(Data):
    """How a database is adopted.

    `revision` is what to stamp it with, "" to compare only. Where it is not what the revisions up
    to there make, `accept_differences` has it stamped all the same. `scratch` and `who` as in
    RehearsalOptions, the scratch database without anything in it.
    """

    revision: str = ""
    accept_differences: bool = False
    dry: bool = False
    scratch: str = ""
    who: str = ""


@dataclass(frozen=True)
class Candidate(Data):
    """A place in the history: what the version table would hold, and how far the database is off.

    `common` is how many objects both have.
    """

    revisions: tuple[str, ...]
    message: str
    differences: int
    common: int

    @property
    def name(self) -> str:
        """What to ask for."""
        return ",".join(self.revisions)

    def __str__(self) -> str:
        """Give it as a part of a sentence."""
        return f'{self.name} "{self.message}"' if self.message else self.name


@dataclass(frozen=True)
class Adoption(Data):
    """How a database without a version compares with the history, and what was stamped.

    `matches` have exactly its schema; they are several where revisions in between change rows
    alone. `nearest` has the fewest differences, None where none has anything in common with it.
    `differences` are those of the revision asked for, else of the nearest: `before` is what the
    revisions make, `after` what the database has. `stopped` says why revisions after the last
    candidate could not be compared.
    """

    database: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    changed: bool
    matches: tuple[Candidate, ...]
    nearest: Candidate | None
    differences: tuple[Change, ...]
    stopped: str
    log: tuple[str, ...]

    @property
    def summary(self) -> str:
        """What it comes to, in a sentence."""
        if self.changed:
            return f"stamped with {', '.join(self.after)}"
        if self.before:
            return f"at {', '.join(self.before)} already, nothing to adopt"
        if len(self.matches) == 1:
            return f"the schema is that of revision {self.matches[0]}: adopt it with {self.matches[0].name}"
        if self.matches:
            names = " and ".join(map(str, self.matches))
            return (
                f"the schema is that of {names}, which differ in rows alone: adopt it with the one "
                "whose changes of rows it has had"
            )
        if self.nearest:
            return (
                f"no revision has this schema; the nearest is {self.nearest}, with "
                f"{self.nearest.differences} differences"
            )
        return "no revision has anything in common with this schema"
