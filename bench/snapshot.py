"""Empty databases: psql with the SQL, the engine with a snapshot and without, alembic and other tools, turn by turn."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

from bench import record
from bench.clock import Command, Taken
from bench.engine import TRANSACTIONS, commands, migrated, stack
from bench.others import NAMES, Other, others, versions
from tests.conftest import Database, throwaway_database, throwaway_server
from tests.integration.engine.conftest import ENGINE
from tests.unit.engine.apps import App


def prepared(
    revisions: int, server: Database, folder: Path
) -> dict[str, tuple[App | Other, Command]]:
    """What is run, by name: each its command, and whose settings are to name the database."""
    app = App.make(folder / str(revisions), "sqlite://", TRANSACTIONS)
    names = [f"r{number:04}" for number in range(revisions)]
    app.chain(*names)
    alembic, headway = commands(app)
    with throwaway_database(server) as database:
        app.point_to(database.url())
        _headway(headway, "snapshot")
        planned = json.loads(_headway(headway, "plan", "--lint", "off", "--format", "json"))
    sent = [each["sql"] for revision in planned["pending"] for each in revision["statements"]]
    sql = app.folder / "upgrade.sql"
    sql.write_text("\n".join(each for each in sent if each not in ("BEGIN;", "COMMIT;")))
    psql = (server.bindir / "psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", sql)
    beside = others(app.folder / "others", [f"t_{name}" for name in names])
    return {
        "psql": (app, psql),
        "Headway, snapshot": (app, headway),
        "Headway": (app, (*headway, "--no-snapshot")),
        "alembic": (app, alembic),
        **{name: (other, other.command) for name, other in beside.items()},
    }


def _headway(upgrade: Command, *instead: str) -> str:
    return subprocess.run(
        [*(instead[0] if word == "upgrade" else word for word in upgrade), *instead[1:]],
        env={**os.environ, "PYTHONPATH": str(ENGINE)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def compare(revisions: int, runs: int, server: Database, folder: Path) -> record.Row:
    """Empty databases brought to head in each way."""
    watch = record.Watch()
    ways = prepared(revisions, server, folder)
    seconds: dict[str, list[Taken]] = {name: [] for name in (*ways, *NAMES)}
    for turn in range(runs + 1):
        for name, (app, command) in ways.items():
            one = migrated(command, app, server)
            if turn:  # in the first one Python compiles the revisions
                seconds[name].append(one)
    return watch.row("fresh", revisions, seconds, stack(server) | versions())


def main() -> None:
    """Measures and records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revisions", nargs="*", type=int, default=[10, 100, 1000])
    parser.add_argument("--runs", type=int, default=5, help="runs of each (5)")
    asked = parser.parse_args()
    with throwaway_server() as server, tempfile.TemporaryDirectory() as folder:
        record.write(
            "snapshot",
            [compare(number, asked.runs, server, Path(folder)) for number in asked.revisions],
        )


if __name__ == "__main__":
    main()
