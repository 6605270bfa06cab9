"""What is made of the records: medians, ratios and tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.clock import Taken
from bench.record import Row

MISSING = "not taken yet"


@dataclass(frozen=True)
class Table:
    """How a measurement is shown: what its sizes count, and which programs' ratios matter.

    With `growth` that program is also compared with itself at the smallest size.
    """

    sizes: str
    ratios: Sequence[tuple[str, str]] = ()
    growth: str | None = None


TABLES = {
    "deploys": Table("hosts", [("Headway", "naive")]),
    "hosts": Table("app hosts", growth="Headway"),
    "probe": Table("revisions", [("Headway", "alembic"), ("Headway", "psql")], growth="Headway"),
    "engine": Table("pending", [("Headway", "alembic")]),
    "snapshot": Table("revisions", [("Headway, snapshot", "psql"), ("Headway", "alembic")]),
    "many": Table("databases", [("loop of alembic", "Headway")]),
    "rehearsal": Table("pending", [("rehearse", "upgrade")]),
}


def middle(runs: Sequence[Taken]) -> Taken:
    """The medians."""
    return Taken(median(run.clock for run in runs), median(run.processor for run in runs))


def series(runs: Sequence[Taken]) -> str:
    """Median, minimum and maximum on the clock, and the median of the processor."""
    clock = [run.clock for run in runs]
    values = middle(runs)
    return f"{values.clock:.2f} ({min(clock):.2f} to {max(clock):.2f}); {values.processor:.2f}"


def times(of: Sequence[Taken], beside: Sequence[Taken]) -> str:
    """How many times as long: on the clock, and of the processor."""
    one, other = middle(of), middle(beside)
    return f"{one.clock / other.clock:.2f}; {one.processor / other.processor:.2f}"


def table(name: str, rows: Sequence[Row]) -> str:
    """A measurement's rows."""
    shape = TABLES[name]
    if not rows:
        return f"*{MISSING}*"
    programs = list(dict.fromkeys(program for row in rows for program in row.runs))
    watched = any(_megabytes(row.runs[program]) for row in rows for program in row.runs)
    several = len({row.kind for row in rows}) > 1
    smallest = {row.kind: row for row in sorted(rows, key=lambda row: -row.size)}
    lines = []
    for row in rows:
        cells = [row.kind] * several + [str(row.size)]
        cells += [series(runs) if (runs := row.runs.get(p)) else MISSING for p in programs]
        cells += [times(row.runs[of], row.runs[beside]) for of, beside in shape.ratios]
        if shape.growth:
            cells.append(times(row.runs[shape.growth], smallest[row.kind].runs[shape.growth]))
        if watched:
            cells.append(
                ", ".join(_megabytes(runs) or "" for runs in row.runs.values()).strip(", ")
            )
        cells.append("{:.1f} to {:.1f}".format(*row.machine.load))
        lines.append(cells)
    head = [""] * several + [shape.sizes, *(f"{program}, s" for program in programs)]
    head += [f"{of} : {beside}" for of, beside in shape.ratios]
    head += ["to the fewest"] * bool(shape.growth) + ["memory, MB"] * watched + ["load"]
    return f"{markdown(head, lines)}\n\n{circumstances(rows)}"


def circumstances(rows: Sequence[Row]) -> str:
    """When, on what and with what versions rows were taken."""
    told: dict[str, list[str]] = {}
    for row in rows:
        machine, counts = row.machine, {len(runs) for runs in row.runs.values() if runs}
        for what, value in [
            ("Taken", machine.day),
            ("runs", " to ".join(map(str, sorted({min(counts), max(counts)})))),
            *((name, str(number)) for name, number in row.parameters.items()),
            ("cores", str(machine.cores)),
            ("system", machine.system),
            *machine.versions.items(),
        ]:
            if value not in told.setdefault(what, []):
                told[what].append(value)
    return "; ".join(f"{what} {', '.join(values)}" for what, values in told.items()) + "."


def _megabytes(runs: Sequence[Taken]) -> str:
    held = [run.megabytes for run in runs if run.megabytes is not None]
    return f"{max(held):.0f}" if held else ""


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table of cells."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
