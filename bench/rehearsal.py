"""`headway rehearse` beside `headway upgrade` of the same revisions, turn by turn."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench import record
from bench.clock import Taken, taken
from bench.engine import stack
from tests.conftest import Database, throwaway_database, throwaway_server
from tests.integration.engine.conftest import ENGINE, NEWEST, venv
from tests.unit.engine.apps import App

COMMANDS = ("rehearse", "upgrade")
TABLES = 50  # of the live database


def compare(pending: int, runs: int, server: Database, folder: Path) -> record.Row:
    """A rehearsal, then the upgrade."""
    watch = record.Watch()
    app = App.make(folder / str(pending), "sqlite://")
    revisions = [f"r{number:04}" for number in range(pending)]
    for number, revision in enumerate(revisions):
        down = revisions[number - 1] if number else None
        app.revision(revision, down, downgrade=f"op.drop_table('t_{revision}')")
    headway, config = (venv(NEWEST), "-m", "headway.cli"), ("--config", app.config)
    engine = {"PYTHONPATH": str(ENGINE)}
    seconds: dict[str, list[Taken]] = {name: [] for name in COMMANDS}
    for turn in range(runs + 1):
        with throwaway_database(server) as database:
            app.point_to(database.url())
            for number in range(TABLES):
                database.query(f"create table live_{number} (id int primary key, a text, b date)")
            for command in COMMANDS:
                took = taken((*headway, command, *config), app.folder, engine)
                if turn:  # in the first one Python compiles the revisions
                    seconds[command].append(took)
    return watch.row("rehearsal", pending, seconds, stack(server), tables=TABLES)


def main() -> None:
    """Measures and records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pending", nargs="*", type=int, default=[1, 10, 100])
    parser.add_argument("--runs", type=int, default=5, help="runs of each (5)")
    asked = parser.parse_args()
    with throwaway_server() as server, tempfile.TemporaryDirectory() as folder:
        record.write(
            "rehearsal",
            [compare(pending, asked.runs, server, Path(folder)) for pending in asked.pending],
        )


if __name__ == "__main__":
    main()
