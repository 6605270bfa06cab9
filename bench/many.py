"""Many databases with one revision pending in each, and with nothing pending, beside a loop of `alembic upgrade head`.

The databases are made from a template on one throwaway server, and dropped at the end.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import record
from bench.clock import Taken, taken
from bench.engine import stack
from bench.measure import measure
from tests.conftest import Database, throwaway_database, throwaway_server
from tests.integration.engine.conftest import ENGINE, NEWEST, venv
from tests.unit.engine.apps import App, doubled

WORKERS = 2


class Subject:
    """An app, and databases that are at its head but for its last `pending` revisions."""

    def __init__(self, folder: Path, server: Database, history: int) -> None:
        """Write the app."""
        self._server = server
        self.versions = stack(server)
        self.history = history
        self._python = venv(NEWEST)
        self._file = folder / "databases.json"
        self.app = App.make(folder / "app", server.url())
        self.app.chain(*(f"r{number:04}" for number in range(history)))
        self._before_last = f"r{history - 2:04}"

    @contextmanager
    def databases(self, count: int, *, pending: bool) -> Iterator[list[Database]]:
        """Give as many, each with the last revision pending or not."""
        server = self._server
        names = [f"many_{number:04}" for number in range(count)]
        with throwaway_database(server) as template:
            ini = self._ini(template, self.app.config)
            self._alembic([ini], self._before_last if pending else "head")
            try:
                for name in names:
                    server.query(
                        f"create database {name} template {template.name} strategy file_copy"
                    )
                yield [
                    Database(name, server.port, server.user, server.password, server.bindir)
                    for name in names
                ]
            finally:
                for name in names:
                    server.query(f"drop database if exists {name} with (force)")

    def loop(self, at: Sequence[Database]) -> Taken:
        """Run alembic in each, one after the other."""
        inis = [self._ini(d, self.app.folder / f"{d.name}.ini") for d in at]
        return self._alembic(inis, "head")

    def headway(self, at: Sequence[Database]) -> Taken:
        """Upgrade all of them, the most memory held watched."""
        self._file.write_text(json.dumps([{"name": d.name, "url": d.url()} for d in at]))
        words = (self._python, "-m", "headway.cli", "upgrade", "--config", self.app.config)
        many = ("--databases", self._file, "--workers", WORKERS, "--waves", "100%")
        return measure([*map(str, (*words, *many))], {"PYTHONPATH": str(ENGINE)}).taken

    def _alembic(self, inis: Sequence[Path], target: str) -> Taken:
        alembic = self._python.with_name("alembic")
        loop = f'set -e; for ini; do {alembic} -c "$ini" upgrade {target}; done'
        return taken(["/bin/sh", "-c", loop, "loop", *inis], self.app.folder)

    def _ini(self, database: Database, path: Path) -> Path:
        url = doubled(database.url())
        path.write_text(f"[alembic]\nscript_location = alembic\nsqlalchemy.url = {url}\n")
        return path


def compare(subject: Subject, count: int, sample: int, runs: int, *, pending: bool) -> record.Row:
    """So many databases; alembic's loop goes over a sample, its seconds are those of all."""
    watch = record.Watch()
    ours, theirs = [], []
    for _ in range(runs):
        with subject.databases(sample, pending=pending) as at:
            loop = subject.loop(at)
            theirs.append(Taken(*(s * count / sample for s in (loop.clock, loop.processor))))
        with subject.databases(count, pending=pending) as at:
            ours.append(subject.headway(at))
    return watch.row(
        "one revision pending" if pending else "at head",
        count,
        {"Headway": ours, "loop of alembic": theirs},
        subject.versions,
        history=subject.history,
        sample=sample,
        workers=WORKERS,
    )


def main() -> None:
    """Measures and records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", type=int, default=30, help="revisions (30)")
    parser.add_argument("--pending", nargs="*", type=int, default=[10, 100, 200])
    parser.add_argument("--at-head", nargs="*", type=int, default=[10, 100, 500])
    parser.add_argument("--sample", type=int, default=25, help="databases in alembic's loop (25)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each (5)")
    asked = parser.parse_args()
    cases = [(n, True) for n in asked.pending] + [(n, False) for n in asked.at_head]
    with throwaway_server() as server, tempfile.TemporaryDirectory() as folder:
        subject = Subject(Path(folder), server, asked.history)
        rows = [
            compare(subject, count, min(asked.sample, count), asked.runs, pending=pending)
            for count, pending in cases
        ]
    record.write("many", rows)


if __name__ == "__main__":
    main()
