"""`headway rehearse` beside `headway upgrade` of the same revisions, turn by turn."""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.conftest import Database, throwaway_database, throwaway_server
from tests.integration.engine.conftest import ENGINE, NEWEST, venv
from tests.unit.engine.apps import App, doubled

TABLES = 50  # of the live database


def taken(python: Path, command: str, app: App) -> float:
    """The seconds that a command takes."""
    began = time.monotonic()
    subprocess.run(
        [python, "-m", "headway.cli", command, "--config", app.config],
        env={**os.environ, "PYTHONPATH": str(ENGINE)},
        check=True,
        capture_output=True,
    )
    return time.monotonic() - began


def compare(pending: int, runs: int, server: Database, folder: Path) -> str:
    """A row of the table."""
    app = App.make(folder / str(pending), "sqlite://")
    revisions = [f"r{number:04}" for number in range(pending)]
    for number, revision in enumerate(revisions):
        down = revisions[number - 1] if number else None
        app.revision(revision, down, downgrade=f"op.drop_table('t_{revision}')")
    python = venv(NEWEST)
    rehearse, upgrade = [], []
    for turn in range(runs + 1):
        with throwaway_database(server) as database:
            app.write_ini(
                f"[alembic]\nscript_location = alembic\nsqlalchemy.url = {doubled(database.url())}\n"
            )
            for number in range(TABLES):
                database.query(f"create table live_{number} (id int primary key, a text, b date)")
            pair = taken(python, "rehearse", app), taken(python, "upgrade", app)
        if turn:  # in the first one Python compiles the revisions
            rehearse.append(pair[0])
            upgrade.append(pair[1])
    return f"| {pending} | {_series(rehearse)} | {_series(upgrade)} |"


def _series(seconds: list[float]) -> str:
    return f"{median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"


def main() -> None:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pending", nargs="*", type=int, default=[1, 10, 100])
    parser.add_argument("--runs", type=int, default=5, help="runs of each (5)")
    asked = parser.parse_args()
    print("| pending | rehearse, s | upgrade, s |\n|---|---|---|")
    with throwaway_server() as server, tempfile.TemporaryDirectory() as folder:
        for pending in asked.pending:
            print(compare(pending, asked.runs, server, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
