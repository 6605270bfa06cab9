"""`headway status` at head beside `alembic upgrade head` and `psql`, turn by turn, as the history grows."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench import record
from bench.clock import Command, Taken, taken
from bench.engine import stack
from tests.conftest import Database, throwaway_database, throwaway_server
from tests.integration.engine.conftest import ENGINE, NEWEST, venv
from tests.unit.engine.apps import App


def compare(revisions: int, runs: int, database: Database, folder: Path) -> record.Row:
    """What each program takes with a history of so many revisions, all applied."""
    watch = record.Watch()
    app = App.make(folder / str(revisions), database.url())
    ids = [f"{number:012x}" for number in range(revisions)]
    app.chain(*ids)
    database.query(
        "create table alembic_version (version_num varchar(32) primary key); "
        f"insert into alembic_version values ('{ids[-1]}')"
    )
    python = venv(NEWEST)
    psql = (database.bindir / "psql", "--no-psqlrc", "--host", database.host)
    where = ("--port", str(database.port), "--username", database.user, database.name)
    status = ("status", "--config", app.config, "--format", "json")
    programs: dict[str, Command] = {
        "psql": (*psql, *where, "--command", "select version_num from alembic_version"),
        "Headway": (python, "-m", "headway.cli", *status),
        "alembic": (python, "-m", "alembic", "--config", app.config, "upgrade", "head"),
        "Python and driver": (python, "-c", "import psycopg2"),
    }
    environment = {"PYTHONPATH": str(ENGINE), "PGPASSWORD": database.password}
    seconds: dict[str, list[Taken]] = {name: [] for name in programs}
    for turn in range(runs + 1):
        for name, command in programs.items():
            took = taken(command, app.folder, environment)
            if turn:  # in the first one Python compiles the revisions
                seconds[name].append(took)
    return watch.row("at head", revisions, seconds, stack(database))


def main() -> None:
    """Measures and records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revisions", nargs="*", type=int, default=[10, 100, 1000, 3000])
    parser.add_argument("--runs", type=int, default=7, help="runs of each (7)")
    asked = parser.parse_args()
    rows = []
    with throwaway_server() as server, tempfile.TemporaryDirectory() as folder:
        for revisions in asked.revisions:
            with throwaway_database(server) as database:
                rows.append(compare(revisions, asked.runs, database, Path(folder)))
    record.write("probe", rows)


if __name__ == "__main__":
    main()
