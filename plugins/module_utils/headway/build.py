"""Makes a scratch database what the revisions, or a snapshot in their place, make of an empty one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from functools import partial
from typing import IO, Any

from alembic.runtime.migration import MigrationContext, MigrationStep, StampStep
from sqlalchemy import event, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import Pool

from .aside import Aside
from .catalog import version_table
from .dump import dump
from .environment import Environment
from .errors import HeadwayError
from .history_faults import HEADS
from .load import held, put, schemas, too_many
from .project import Project
from .redirect import Redirect
from .results import Look, VersionTable
from .schema import read_schema
from .secrets import Secrets
from .session import PlainSession
from .snapshot import Snapshot, file_of
from .target import steps_to
from .tools import tools
from .uncarried import CATALOG, speaks_of_who, uncarried


def build(
    project: Project,
    secrets: Secrets,
    *,
    live: str,
    scratch: str,
    seen: Look,
    zone: str,
    prepare: tuple[str, ...],
    snapshot: Snapshot | None,
    output: IO[bytes],
) -> dict[str, Any]:
    """Run all revisions, or load `snapshot`, in `scratch`, and write its dump to `output`.

    `zone` is the time zone of the process and of its sessions; `prepare` are statements for before.
    Gives where the snapshot is to be (`file`), the `schema`, where names without one are found
    (`schemas`), the `role`, what of the revisions a snapshot does not do (`uncarried`), whether a
    statement `speaks_of_who` runs it, and how many `relations` there are. The dump is written, not
    given: what is given is cleaned of passwords. There is none where something is `uncarried`.
    """
    os.environ["TZ"] = zone
    time.tzset()
    Redirect(live, scratch)
    event.listen(Pool, "connect", partial(_in_zone, zone))
    environment = Environment(project, ("upgrade", HEADS), secrets, seen.history)
    building = _Building(environment, prepare, snapshot)
    event.listen(Engine, "before_cursor_execute", building.see)
    try:
        environment.run(building.steps, HEADS, read_only=False, first=building.prepare)
    except (Exception, SystemExit) as error:
        fault = environment.fault(error)
        where = building.revision
        if where and not isinstance(error, HeadwayError):
            file, (words, state) = seen.history.by_id[where].file, environment.words(error)
            fault = HeadwayError(
                "revision_failed",
                f"Revision {where} ({file}) fails in an empty database: {words}.",
                sqlstate=state,
            )
        raise fault from error
    finally:
        building.revision = ""
    return building.result(live, scratch, output)


class _Building:
    """What is known while env.py runs, and afterwards."""

    def __init__(
        self, environment: Environment, prepare: tuple[str, ...], snapshot: Snapshot | None
    ) -> None:
        self.revision = ""  # the one that runs
        self._environment = environment
        self._prepare = prepare
        self._snapshot = snapshot
        self._table: VersionTable | None = None
        self._uncarried: dict[str, None] = {}
        self._who = False
        self._known: dict[str, Any] = {}

    def prepare(self, context: MigrationContext) -> None:
        engine = self._environment.engine
        if engine is None or not self._prepare:
            return
        aside = Aside(engine)
        try:
            aside.try_each(self._prepare)
        finally:
            aside.close()

    def steps(self, current: tuple[str, ...], context: MigrationContext) -> Iterable[MigrationStep]:
        connection = context.connection
        if self._table is not None or connection is None:
            raise HeadwayError(
                "not_snapshotable",
                "env.py runs migrations several times, or without a connection; a snapshot is of one "
                "database and one version table.",
            )
        self._table = version_table(context, connection)
        if there := held(context, connection):
            raise HeadwayError(
                "not_snapshotable",
                f"{self._environment.env_py} itself makes {', '.join(there[:3])} before the "
                "revisions run, so that no database is empty for a snapshot.",
            )
        self._known["schemas"] = schemas(connection)
        self._known["role"] = connection.execute(text("select current_user::text")).scalar()
        scripts, history = self._environment.scripts, self._environment.history
        if self._snapshot is None:
            return self._each(steps_to(HEADS, current, scripts, history))
        try:
            put(self._snapshot, connection)
        except Exception as error:  # whatever the driver raises
            words, state = self._environment.words(error)
            raise HeadwayError(
                "not_snapshotable",
                f"What the revisions make cannot be loaded as pg_dump gives it: {words}. Nothing was "
                "written.",
                sqlstate=state,
            ) from error
        return [StampStep((), self._snapshot.head, True, True, scripts.revision_map)]

    def see(self, connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
        """Look at a statement before it is sent."""
        if self.revision and not connection.info.get("headway"):
            self._who = self._who or speaks_of_who(statement)
            words = (f"revision {self.revision} {what}" for what in uncarried(statement))
            self._uncarried.update(dict.fromkeys(words))

    def result(self, live: str, scratch: str, output: IO[bytes]) -> dict[str, Any]:
        engine, table = self._environment.engine, self._table
        if engine is None or table is None:
            raise HeadwayError("not_snapshotable", "env.py ran no migrations on PostgreSQL.")
        aside = Aside(engine)
        try:
            schema = aside.call(lambda c: read_schema(PlainSession(c), [str(table)]))
            catalog = CATALOG.replace("VERSION_TABLE", table.quoted.replace("'", "''"))
            found = aside.call(lambda c: PlainSession(c).rows(catalog))
            relations, too_large = aside.call(_size)
            things = [*self._uncarried, *(f"the revisions leave {what}" for (what,) in found)]
            things += [too_large] if too_large else []
            if not things:
                output.write(self._dump(aside, live, scratch, table.quoted).encode())
                output.flush()
        finally:
            aside.close()
        return {
            **self._known,
            "schema": list(schema.items()),
            "file": str(file_of(self._environment.scripts)),
            "relations": relations,
            "uncarried": things,
            "speaks_of_who": self._who,
        }

    def _dump(self, aside: Aside, live: str, scratch: str, version_table: str) -> str:
        given = self._environment.connections.parameters
        alike = {"PGTZ": "UTC", "PGOPTIONS": "-c standard_conforming_strings=on"}
        run, parameters = aside.call(lambda c: tools(c, given, live, **alike))
        return dump(run, parameters, scratch, [version_table])

    def _each(self, steps: Iterable[MigrationStep]) -> Iterable[MigrationStep]:
        for step in steps:
            (self.revision,) = step.to_revisions_no_deps[-1:] or ("",)
            yield step
        self.revision = ""


def _in_zone(zone: str, connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"set time zone '{zone}'")
    cursor.close()
    connection.commit()


def _size(connection: Connection) -> tuple[int, str]:
    """Give how many relations there are, toast tables too, and why that is too many if it is."""
    made = text("select count(*) from pg_class where oid >= 16384")
    count = int(connection.execute(made).scalar() or 0)
    return count, too_many(count, connection)
