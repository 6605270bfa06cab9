"""Draws docs/growth.svg: seconds against the number of revisions, of databases, and of app hosts.

The same records give the same file, byte by byte; its description is a digest of what was drawn.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import record
from bench.record import Row
from bench.tables import MISSING, middle

# Okabe and Ito's colours, which most colour-blind people can tell apart; each has a marker and a dash of its own too.
STYLES = {
    "Headway": ("#0072B2", "o", "-"),
    "alembic": ("#D55E00", "s", "-"),
    "psql": ("#000000", "^", "-"),
    "dbmate": ("#009E73", "D", "--"),
    "yoyo": ("#CC79A7", "v", "--"),
    "Django": ("#E69F00", "P", "--"),
}


@dataclass(frozen=True)
class Curve:
    """Medians on the clock by size; the program gives the colour, and with `dashed` two of one program differ."""

    label: str
    program: str
    points: Sequence[tuple[int, float]]
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """A diagram of seconds against sizes."""

    title: str
    sizes: str
    curves: Sequence[Curve]
    log: bool = True


def panels(records: Mapping[str, Sequence[Row]]) -> list[Panel]:
    """What the records have for the three, by the names of the measurements."""

    def points(name: str, kind: str, program: str) -> list[tuple[int, float]]:
        return [
            (row.size, round(middle(row.runs[program]).clock, 3))
            for row in records[name]
            if row.kind == kind and row.runs.get(program)
        ]

    revisions = [Curve(name, name, points("probe", "at head", name)) for name in STYLES]
    databases = [
        Curve(f"{label}, {kind}", label, points("many", kind, program), kind == "at head")
        for kind in ("one revision pending", "at head")
        for label, program in (("alembic", "loop of alembic"), ("Headway", "Headway"))
    ]
    hosts = [
        Curve("Headway, first deploy", "Headway", points("hosts", "first", "Headway")),
        Curve("Headway, rerun", "Headway", points("hosts", "rerun", "Headway"), dashed=True),
    ]
    return [
        Panel("Nothing to do", "revisions in the history", _with_points(revisions)),
        Panel("Many databases", "databases", _with_points(databases)),
        Panel("Many app hosts", "app hosts", _with_points(hosts), log=False),
    ]


def digest(drawn: Sequence[Panel]) -> str:
    """What tells whether a file shows these."""
    text = json.dumps([asdict(panel) for panel in drawn], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def draw(drawn: Sequence[Panel], path: Path) -> None:
    """Writes the file, as SVG or what else the name ends in."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    mpl.rcParams.update({"svg.hashsalt": "headway", "svg.fonttype": "none", "font.size": 10})
    figure = Figure(figsize=(13, 5.4), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(drawn)), drawn, strict=True):
        axes.set_title(panel.title)
        axes.set_xlabel(panel.sizes)
        axes.set_ylabel("seconds (median)")
        if not panel.curves:
            axes.text(0.5, 0.5, MISSING, transform=axes.transAxes, ha="center")
            axes.set_xticks([])
            axes.set_yticks([])
            continue
        for curve in panel.curves:
            colour, marker, line = STYLES[curve.program]
            axes.plot(
                *zip(*curve.points, strict=True),
                color=colour,
                marker=marker,
                linestyle=":" if curve.dashed else line,
                markerfacecolor="white" if curve.dashed else colour,
                label=curve.label,
            )
        sizes = sorted({size for curve in panel.curves for size, _ in curve.points})
        if panel.log:
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_minor_locator(NullLocator())
        else:
            axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.grid(color="#dddddd")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, frameon=False)
    metadata = {"Date": None, "Creator": None, "Description": digest(drawn)}
    figure.savefig(path, metadata=metadata if path.suffix == ".svg" else None)


def _with_points(curves: Sequence[Curve]) -> list[Curve]:
    return [curve for curve in curves if curve.points]


def main() -> None:
    """Draws what was recorded; takes the path where it is not to be docs/growth.svg."""
    path = Path(sys.argv[1]) if sys.argv[1:] else record.DOCS / "growth.svg"
    draw(panels(record.every()), path)


if __name__ == "__main__":
    main()
