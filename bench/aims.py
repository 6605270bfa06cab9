"""What was aimed at, and whether it was reached: by the medians on the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.clock import Taken
from bench.record import Row
from bench.tables import MISSING, TABLES, markdown, middle


@dataclass(frozen=True)
class Place:
    """Where a series is recorded: a measurement's row and a program in it."""

    name: str
    kind: str
    size: int
    program: str = "Headway"


@dataclass(frozen=True)
class Aim:
    """How many times as long as `beside` the series `of` may take; with `faster` how many times as fast it is to be."""

    what: str
    of: Place
    beside: Place
    bound: float
    faster: bool = False

    @property
    def other(self) -> str:
        """What `beside` is: another program, or another size."""
        if self.of.size == self.beside.size:
            return self.beside.program
        return f"{self.beside.size} {TABLES[self.beside.name].sizes}"

    @property
    def wanted(self) -> str:
        """The bound in words."""
        return f"{self.bound:g} times as fast" if self.faster else f"at most {self.bound:g} times"

    def times(self, of: Sequence[Taken], beside: Sequence[Taken]) -> float:
        """What the bound is for."""
        longer = middle(of).clock / middle(beside).clock
        return 1 / longer if self.faster else longer

    def reached(self, times: float) -> bool:
        """Whether that is within the bound."""
        return times >= self.bound if self.faster else times <= self.bound


def _than(bound: float, what: str, of: Place, program: str, *, faster: bool = False) -> Aim:
    return Aim(what, of, replace(of, program=program), bound, faster)


def _growth(bound: float, what: str, of: Place, size: int) -> Aim:
    return Aim(what, of, replace(of, size=size), bound)


LOOP = "loop of alembic"
AIMS = [
    _than(0.5, "a rerun", Place("deploys", "rerun", 1), "naive"),
    _than(1.2, "a first deploy", Place("deploys", "first", 1), "naive"),
    _growth(2.5, "a first deploy onto 8 app hosts", Place("hosts", "first", 8), 2),
    _growth(2.5, "a rerun on 8 app hosts", Place("hosts", "rerun", 8), 2),
    _than(0.2, "at head, 1000 revisions", Place("probe", "at head", 1000), "alembic"),
    _than(3, "at head, 1000 revisions", Place("probe", "at head", 1000), "psql"),
    _growth(1.5, "at head, 3000 revisions", Place("probe", "at head", 3000), 10),
    *(
        _than(1.1, f"{size} pending", Place("engine", "upgrade", size), "alembic")
        for size in (1, 10, 100, 1000)
    ),
    _than(
        1.5,
        "an empty database, 1000 revisions, snapshot",
        Place("snapshot", "fresh", 1000, "Headway, snapshot"),
        "psql",
    ),
    _than(1, "an empty database, 1000 revisions", Place("snapshot", "fresh", 1000), "alembic"),
    _than(
        1.8,
        "100 databases, one revision pending",
        Place("many", "one revision pending", 100),
        LOOP,
        faster=True,
    ),
    _than(10, "500 databases at head", Place("many", "at head", 500), LOOP, faster=True),
]


def table(records: Mapping[str, Sequence[Row]]) -> str:
    """Every aim beside what was measured."""
    lines = []
    for aim in AIMS:
        of, beside = (_runs(records, place) for place in (aim.of, aim.beside))
        if of and beside:
            times = aim.times(of, beside)
            measured = [f"{times:.2f}", "reached" if aim.reached(times) else "missed"]
        else:
            measured = [MISSING, ""]
        lines.append([aim.what, aim.other, aim.wanted, *measured])
    return markdown(["what", "beside", "aimed at", "on the clock", ""], lines)


def _runs(records: Mapping[str, Sequence[Row]], place: Place) -> Sequence[Taken]:
    for row in records.get(place.name, ()):
        if (row.kind, row.size) == (place.kind, place.size):
            return row.runs.get(place.program, ())
    return ()
