"""The engine beside `alembic upgrade head` with a transaction per migration, turn by turn."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench import record
from bench.clock import Command, Taken, taken
from bench.others import Other
from tests.conftest import Database, throwaway_database, throwaway_server
from tests.integration.engine.conftest import ENGINE, NEWEST, venv
from tests.unit.engine.apps import ENV_PY, App

TRANSACTIONS = ENV_PY.replace(
    "connection=connection", "connection=connection, transaction_per_migration=True"
)


def migrated(command: Command, app: App | Other, server: Database) -> Taken:
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


def stack(server: Database) -> dict[str, str]:
    """The versions of what both run on."""
    version = str(server.query("show server_version")[0][0]).split()[0]
    return record.versions(venv(NEWEST), "alembic", "SQLAlchemy") | {"PostgreSQL": version}


def compare(pending: int, runs: int, server: Database, folder: Path) -> record.Row:
    """Empty databases brought to head."""
    watch = record.Watch()
    app = App.make(folder / str(pending), "sqlite://", TRANSACTIONS)
    app.chain(*(f"r{number:04}" for number in range(pending)))
    alembic, headway = commands(app)
    theirs, ours = [], []
    for turn in range(runs + 1):
        pair = migrated(alembic, app, server), migrated(headway, app, server)
        if turn:  # in the first one Python compiles the revisions
            theirs.append(pair[0])
            ours.append(pair[1])
    return watch.row("upgrade", pending, {"Headway": ours, "alembic": theirs}, stack(server))


def main() -> None:
    """Measures and records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pending", nargs="*", type=int, default=[1, 10, 100, 1000])
    parser.add_argument("--runs", type=int, default=7, help="runs of each (7)")
    asked = parser.parse_args()
    with throwaway_server() as server, tempfile.TemporaryDirectory() as folder:
        record.write(
            "engine",
            [compare(pending, asked.runs, server, Path(folder)) for pending in asked.pending],
        )


if __name__ == "__main__":
    main()
