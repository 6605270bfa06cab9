"""The engine beside `alembic upgrade head` with a transaction per migration, turn by turn."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench.clock import Command, Taken, middle, series, taken
from tests.conftest import Database, throwaway_database, throwaway_server
from tests.integration.engine.conftest import ENGINE, NEWEST, venv
from tests.unit.engine.apps import ENV_PY, App

TRANSACTIONS = ENV_PY.replace(
    "connection=connection", "connection=connection, transaction_per_migration=True"
)


def migrated(command: Command, app: App, server: Database) -> Taken:
    """What a command takes to migrate an empty database, which libpq's environment names, too."""
    with throwaway_database(server) as database:
        app.point_to(database.url())
        environment = {
            "PYTHONPATH": str(ENGINE),
            "PGHOST": database.host,
            "PGPORT": str(database.port),
            "PGUSER": database.user,
            "PGPASSWORD": database.password,
            "PGDATABASE": database.name,
        }
        return taken(command, app.folder, environment)


def commands(app: App) -> tuple[Command, Command]:
    """What alembic and the engine are run as."""
    python = venv(NEWEST)
    config = ("--config", app.config)
    alembic = (python, "-m", "alembic", *config, "upgrade", "head")
    return alembic, (python, "-m", "headway.cli", "upgrade", *config)


def compare(pending: int, runs: int, server: Database, folder: Path) -> str:
    """A row of the table."""
    app = App.make(folder / str(pending), "sqlite://", TRANSACTIONS)
    app.chain(*(f"r{number:04}" for number in range(pending)))
    alembic, headway = commands(app)
    theirs, ours = [], []
    for turn in range(runs + 1):
        pair = migrated(alembic, app, server), migrated(headway, app, server)
        if turn:  # in the first one Python compiles the revisions
            theirs.append(pair[0])
            ours.append(pair[1])
    one, other = middle(ours), middle(theirs)
    ratios = f"{one.clock / other.clock:.2f} | {one.processor / other.processor:.2f}"
    return f"| {pending} | {series(ours)} | {series(theirs)} | {ratios} |"


def main() -> None:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pending", nargs="*", type=int, default=[1, 10, 100, 1000])
    parser.add_argument("--runs", type=int, default=7, help="runs of each (7)")
    asked = parser.parse_args()
    print(
        "| pending | Headway, s; of processor | alembic, s; of processor | ratio | of processor |\n"
        "|---|---|---|---|---|"
    )
    with throwaway_server() as server, tempfile.TemporaryDirectory() as folder:
        for pending in asked.pending:
            print(compare(pending, asked.runs, server, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
