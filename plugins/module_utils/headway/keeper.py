"""Keeps a scratch database: makes it, holds it while others work in it, drops it at the end.

It does so in a process of its own, on connections of env.py's engine, so that the scratch database
ends with whoever asked for it, in whatever way that one ends.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection, Engine

from . import scratch
from .aside import Aside
from .database import database_sentence
from .environment import Environment
from .errors import HeadwayError
from .process import Talk
from .project import Project
from .results import Look
from .schema import read_schema
from .secrets import Secrets
from .session import PlainSession
from .tools import tools


def keep(
    project: Project, secrets: Secrets, *, seen: Look, who: str, rows: str, given: str
) -> Talk:
    """Give the scratch database's name and what is known of it; drop it when spoken to again.

    With `given` it is one that somebody with more rights has made. The answer has the names
    (`live`, `scratch`), the live one's `schema`, what could not be given to it (`lacking`), and
    the leftovers that were `dropped`. Raises HeadwayError where there can be none.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    environment = Environment(project, ("current",), secrets, seen.history)
    try:
        environment.run(lambda *_: (), "heads", read_only=True)
    except (Exception, SystemExit) as error:
        raise environment.fault(error) from error
    engine = _engine(environment, seen)
    aside = Aside(engine, f"headway rehearsal {who}".strip()[:63])
    keeper = _Keeper(aside, environment, seen)
    try:
        with keeper.said():
            answer = keeper.take(given) if given else keeper.make(who, rows)
            answer["schema"] = list(keeper.live_schema().items())
        yield answer
        yield {"dropped": keeper.drop()}
    finally:
        keeper.drop()
        aside.close()


class _Keeper:
    def __init__(self, aside: Aside, environment: Environment, seen: Look) -> None:
        self._aside = aside
        self._environment = environment
        self._seen = seen
        self._name = ""

    @contextmanager
    def said(self) -> Generator[None, None, None]:
        """Have what the server refuses said in a sentence."""
        try:
            yield
        except HeadwayError:
            raise
        except Exception as error:
            said, state = database_sentence(error) or (f"{type(error).__name__}: {error}", None)
            raise HeadwayError(
                "no_scratch", f"no scratch database could be made: {said}.", sqlstate=state
            ) from error

    def make(self, who: str, rows: str) -> dict[str, Any]:
        return self._aside.call(partial(self._make, who, rows))

    def take(self, name: str) -> dict[str, Any]:
        return self._aside.call(partial(self._take, name))

    def live_schema(self) -> dict[str, str]:
        left_out = [str(table) for table in self._seen.version_tables]
        return dict(self._aside.call(lambda c: _live_schema(c, left_out)))

    def drop(self) -> bool:
        """Drop it if that was not done; give whether it was there."""
        name, self._name = self._name, ""
        if not name:
            return False
        try:
            self._aside.call(lambda connection: scratch.drop(PlainSession(connection), name))
        except Exception as error:
            said, state = database_sentence(error) or (f"{type(error).__name__}: {error}", None)
            raise HeadwayError(
                "scratch_left",
                f"The scratch database {name} could not be dropped: {said}; drop it.",
                sqlstate=state,
            ) from error
        return True

    def _make(self, who: str, rows: str, connection: Connection) -> dict[str, Any]:
        live = PlainSession(connection)
        dropped = scratch.drop_leftovers(live)
        if reason := scratch.may_create(live):
            raise HeadwayError("no_createdb", f"{reason}.")
        database = live.rows("select current_database()::text")[0][0]
        self._name = scratch.new_name(database)
        if rows == scratch.EMPTY:
            scratch.create(live, self._name, who)
            lacking = []
        else:
            given = self._environment.connections.parameters
            run, parameters = tools(connection, given, database)
            scratch.create(live, self._name, who)
            folder = Path(tempfile.gettempdir())
            words = scratch.copy(run, parameters, database, self._name, rows, folder)
            lacking = [words] if words else []
        lacking += scratch.give_properties(live, self._name)
        return {
            "live": database,
            "scratch": self._name,
            "lacking": lacking,
            "dropped": dropped,
        }

    def _take(self, name: str, connection: Connection) -> dict[str, Any]:
        live = PlainSession(connection)
        if not scratch.is_scratch(live, name) or not scratch.hold(live, name):
            raise HeadwayError(
                "not_scratch",
                f"{name} is not a scratch database of this one, or another run works in it.",
            )
        self._name = name
        database = live.rows("select current_database()::text")[0][0]
        return {"live": database, "scratch": name, "lacking": [], "dropped": []}


def _live_schema(connection: Connection, left_out: list[str]) -> dict[str, str]:
    session = PlainSession(connection)
    # Some definitions are told only by who can lock the table for a moment.
    session.run("set lock_timeout = '5s'")
    return dict(read_schema(session, left_out))


def _engine(environment: Environment, seen: Look) -> Engine:
    engine = environment.engine
    if engine is None or engine.dialect.name != "postgresql":
        raise HeadwayError("not_rehearsable", "only migrations of PostgreSQL are rehearsed.")
    databases = {table.database for table in seen.version_tables}
    if len(databases) > 1:
        raise HeadwayError(
            "not_rehearsable",
            f"env.py migrates {len(databases)} databases in one run, and one is what is rehearsed.",
        )
    if seen.pooler:
        raise HeadwayError(
            "not_rehearsable",
            "a pooler stands in front of the server and knows no scratch database: connect to the "
            "server itself.",
        )
    return engine
