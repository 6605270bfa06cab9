"""What each measurement took, run by run, as `docs/benchmarks/NAME.json`.

With BENCH_DOCS in the environment another folder stands for `docs`, for runs that are no measurement.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bench.clock import Taken

DOCS = Path(os.environ.get("BENCH_DOCS") or Path(__file__).parents[1] / "docs").resolve()
NAMES = ("deploys", "hosts", "probe", "engine", "snapshot", "many", "rehearsal")
Runs = Mapping[str, Sequence[Taken]]

VERSIONS = """
import json, platform, sys
from importlib.metadata import version
print(json.dumps({"Python": platform.python_version(), **{name: version(name) for name in sys.argv[1:]}}))
"""


@dataclass(frozen=True)
class Machine:
    """Where and when: the load averages are of the last minute, before the row and after it."""

    day: str
    system: str
    cores: int
    load: tuple[float, float]
    versions: dict[str, str]


@dataclass(frozen=True)
class Row:
    """One size (how many revisions, databases or hosts) of one kind, and each program's runs in their order."""

    kind: str
    size: int
    runs: Runs
    parameters: dict[str, int]
    machine: Machine


class Watch:
    """Knows the load when it was made."""

    def __init__(self) -> None:
        """Look at the load."""
        self._before = os.getloadavg()[0]

    def row(
        self, kind: str, size: int, runs: Runs, versions: Mapping[str, str], **parameters: int
    ) -> Row:
        """Give what was taken since then as a row, and say that it is."""
        print(f"{kind}, {size}: {len(max(runs.values(), key=len))} runs taken", flush=True)
        machine = Machine(
            datetime.now(timezone.utc).date().isoformat(),
            f"{platform.system()} {platform.machine()}",
            os.cpu_count() or 1,
            (round(self._before, 2), round(os.getloadavg()[0], 2)),
            dict(versions),
        )
        return Row(kind, size, runs, parameters, machine)


def versions(python: str | Path, *packages: str) -> dict[str, str]:
    """The versions of a Python and of packages that it has."""
    told = subprocess.run(
        [python, "-c", VERSIONS, *packages], check=True, capture_output=True, text=True
    )
    found: dict[str, str] = json.loads(told.stdout)
    return found


def read(name: str, docs: Path = DOCS) -> list[Row]:
    """The rows of a measurement; none when it was not taken yet."""
    path = docs / "benchmarks" / f"{name}.json"
    return [_row(each) for each in json.loads(path.read_text())] if path.exists() else []


def every(docs: Path = DOCS) -> dict[str, list[Row]]:
    """The rows of each measurement, by name."""
    return {name: read(name, docs) for name in NAMES}


def write(name: str, rows: Sequence[Row], docs: Path = DOCS) -> None:
    """Puts rows in the place of those of their kinds; rows of other kinds stay."""
    kinds = {row.kind for row in rows}
    kept = [row for row in read(name, docs) if row.kind not in kinds]
    path = docs / "benchmarks" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    data = [
        _rounded(asdict(row))
        for row in sorted([*kept, *rows], key=lambda row: (row.kind, row.size))
    ]
    new.write_text(json.dumps(data, indent=1) + "\n")
    new.rename(path)


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    runs = {
        name: [{key: value and round(value, 3) for key, value in each.items()} for each in taken]
        for name, taken in row["runs"].items()
    }
    return row | {"runs": runs}


def _row(data: dict[str, Any]) -> Row:
    runs = {name: [Taken(**each) for each in taken] for name, taken in data["runs"].items()}
    machine = Machine(**{**data["machine"], "load": tuple(data["machine"]["load"])})
    return Row(data["kind"], data["size"], runs, data["parameters"], machine)
