"""A connection of our own beside the one that env.py has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from .session import PlainSession

T = TypeVar("T")


class Aside:
    """A connection to the database of an engine of env.py's, made when it is first needed.

    It is in autocommit if not told otherwise, so that between two statements it holds neither
    transaction nor snapshot. It lives in a thread of its own, with an async driver also in an
    event loop of its own: so it outlives env.py's, and answers while env.py waits for the server.
    """

    def __init__(
        self, engine: Engine, application_name: str = "", *, autocommit: bool = True
    ) -> None:
        """Take the engine whose driver, address and credentials are used, and a name to show."""
        self._application_name = application_name
        self._autocommit = autocommit
        self._twin = Engine(engine.pool.recreate(), engine.dialect, engine.url)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="headway")
        self._loop: Any = None
        self._connection: Connection | None = None

    def call(self, work: Callable[[Connection], T]) -> T:
        """Give what `work` returns, or raise what it raises."""
        return self.start(work).result()

    def start(self, work: Callable[[Connection], T]) -> Future[T]:
        """Let `work` begin; another one has to wait for its end."""
        return self._thread.submit(self._in_thread, lambda: work(self._connected()))

    def try_each(self, statements: Iterable[str]) -> None:
        """Send statements each of which may fail: what needs one that did says so."""
        for statement in statements:
            with suppress(DBAPIError):
                self.call(partial(_send, statement))

    def close(self) -> None:
        """Close the connection, and with it let go of what its session holds."""
        self._thread.submit(self._in_thread, self._disconnect).result()
        if self._loop is not None:
            self._thread.submit(self._loop.close).result()
        self._thread.shutdown()

    def _in_thread(self, work: Callable[[], T]) -> T:
        if not self._twin.dialect.is_async:
            return work()
        # Only for those who have them loaded anyway.
        import asyncio

        from sqlalchemy.util import greenlet_spawn

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        done: T = self._loop.run_until_complete(greenlet_spawn(work))
        return done

    def _connected(self) -> Connection:
        if self._connection is None:
            connection = self._twin.connect()
            connection.info["headway"] = True
            if self._autocommit:
                connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            if self._application_name:
                named = text("select set_config('application_name', :name, false)")
                connection.execute(named, {"name": self._application_name})
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.detach()
            self._connection.close()
            self._connection = None


def _send(statement: str, connection: Connection) -> None:
    PlainSession(connection).run(statement)
