"""`headway status` at head beside `alembic upgrade head`, other tools and psql, turn by turn, as the history grows."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import record
from bench.clock import Command, Taken, taken
from bench.engine import stack
from bench.others import NAMES, others, versions
from tests.conftest import Database, throwaway_database, throwaway_server
from tests.integration.engine.conftest import ENGINE, NEWEST, venv
from tests.unit.engine.apps import App


def compare(revisions: int, runs: int, server: Database, folder: Path) -> record.Row:
    """What each program takes with a history of so many revisions, all applied."""
    watch = record.Watch()
    ids = [f"{number:012x}" for number in range(revisions)]
    with ExitStack() as databases:
        database = databases.enter_context(throwaway_database(server))
        programs = ours(folder / str(revisions), ids, database)
        for name, other in others(folder / f"{revisions}-others", [f"t_{i}" for i in ids]).items():
            other.point_to(databases.enter_context(throwaway_database(server)).url())
            taken(other.command, other.folder)  # to head
            programs[name] = (other.command, other.folder)
        environment = {"PYTHONPATH": str(ENGINE), "PGPASSWORD": database.password}
        seconds: dict[str, list[Taken]] = {name: [] for name in (*programs, *NAMES)}
        for turn in range(runs + 1):
            for name, (command, at) in programs.items():
                took = taken(command, at, environment)
                if turn:  # in the first one Python compiles the revisions
                    seconds[name].append(took)
        return watch.row("at head", revisions, seconds, stack(server) | versions())


def ours(folder: Path, ids: Sequence[str], database: Database) -> dict[str, tuple[Command, Path]]:
    """What is run on an app with these revisions, all applied: each its command and where."""
    app = App.make(folder, database.url())
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
    return {name: (command, app.folder) for name, command in programs.items()}


def main() -> None:
    """Measures and records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revisions", nargs="*", type=int, default=[10, 100, 1000, 3000])
    parser.add_argument("--runs", type=int, default=7, help="runs of each (7)")
    asked = parser.parse_args()
    with throwaway_server() as server, tempfile.TemporaryDirectory() as folder:
        record.write(
            "probe",
            [compare(number, asked.runs, server, Path(folder)) for number in asked.revisions],
        )


if __name__ == "__main__":
    main()
