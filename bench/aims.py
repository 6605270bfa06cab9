"""What was aimed at, and whether it was reached: by the medians on the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.clock import Taken
from bench.record import Row
from bench.tables import MISSING, markdown, middle


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

    of: Place
    beside: Place
    bound: float
    faster: bool = False

    @property
    def bounded(self) -> str:
        """The bound in words."""
        return f"{self.bound:g} times as fast" if self.faster else f"at most {self.bound:g} times"

    def times(self, of: Sequence[Taken], beside: Sequence[Taken]) -> float:
        """What the bound is for."""
        longer = middle(of).clock / middle(beside).clock
        return 1 / longer if self.faster else longer

    def reached(self, times: float) -> bool:
        """Whether that is within the bound."""
        return times >= self.bound if self.faster else times <= self.bound


def _than(
    program: str,
    bound: float,
    name: str,
    kind: str,
    size: int,
    ours: str = "Headway",
    *,
    faster: bool = False,
) -> Aim:
    return Aim(Place(name, kind, size, ours), Place(name, kind, size, program), bound, faster)


def _growth(bound: float, name: str, kind: str, small: int, large: int) -> Aim:
    return Aim(Place(name, kind, large), Place(name, kind, small), bound)


AIMS = {
    "a rerun, naive playbook": _than("naive", 0.5, "deploys", "rerun", 1),
    "a first deploy, naive playbook": _than("naive", 1.2, "deploys", "first", 1),
    "a first deploy onto 8 app hosts, onto 2": _growth(2.5, "hosts", "first", 2, 8),
    "a rerun on 8 app hosts, on 2": _growth(2.5, "hosts", "rerun", 2, 8),
    "at head, 1000 revisions, alembic": _than("alembic", 0.2, "probe", "at head", 1000),
    "at head, 1000 revisions, psql": _than("psql", 3, "probe", "at head", 1000),
    "at head, 3000 revisions, 10": _growth(1.5, "probe", "at head", 10, 3000),
    "1 pending, alembic": _than("alembic", 1.1, "engine", "upgrade", 1),
    "10 pending, alembic": _than("alembic", 1.1, "engine", "upgrade", 10),
    "100 pending, alembic": _than("alembic", 1.1, "engine", "upgrade", 100),
    "1000 pending, alembic": _than("alembic", 1.1, "engine", "upgrade", 1000),
    "a fresh database from a snapshot, 1000 revisions, psql": _than(
        "psql", 1.5, "snapshot", "fresh", 1000, "Headway, snapshot"
    ),
    "a fresh database without one, 1000 revisions, alembic": _than(
        "alembic", 1, "snapshot", "fresh", 1000
    ),
    "100 databases with one revision pending, a loop of alembic": _than(
        "loop of alembic", 1.8, "many", "one revision pending", 100, faster=True
    ),
    "500 databases at head, a loop of alembic": _than(
        "loop of alembic", 10, "many", "at head", 500, faster=True
    ),
}


def table(records: Mapping[str, Sequence[Row]]) -> str:
    """Every aim beside what was measured."""
    lines = []
    for what, aim in AIMS.items():
        of, beside = (_runs(records, place) for place in (aim.of, aim.beside))
        if of and beside:
            times = aim.times(of, beside)
            measured = [f"{times:.2f}", "reached" if aim.reached(times) else "missed"]
        else:
            measured = [MISSING, ""]
        lines.append([what, aim.bounded, *measured])
    return markdown(["what, beside what", "aimed at", "measured", ""], lines)


def _runs(records: Mapping[str, Sequence[Row]], place: Place) -> Sequence[Taken]:
    for row in records.get(place.name, ()):
        if (row.kind, row.size) == (place.kind, place.size):
            return row.runs.get(place.program, ())
    return ()
