"""Sees for whom a migration waits, while it waits: afterwards nobody can tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from .activity import blockers
from .aside import Aside
from .waits import Session

_EVERY = 0.2  # seconds
_FRESH = 3.0  # seconds for which what was seen last still explains a failure


class Lookout:
    """Asks the server again and again who is in the way of our sessions."""

    def __init__(self, aside: Aside, pids: Collection[int]) -> None:
        """Take a connection for that, not made before it is needed, and our processes there."""
        self._aside = aside
        self._pids = pids
        self._seen: tuple[float, tuple[Session, ...]] = (0.0, ())
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    @property
    def seen(self) -> tuple[Session, ...]:
        """Who was in the way just now."""
        when, sessions = self._seen
        return sessions if time.monotonic() - when < _FRESH else ()

    def close(self) -> None:
        """End it, and its connection."""
        self._over.set()
        self._thread.join()
        self._aside.close()

    def _watch(self) -> None:
        while not self._over.wait(_EVERY):
            try:
                found = self._aside.call(self._blockers)
            except DBAPIError:
                return  # it explains, it decides nothing
            if found:
                self._seen = (time.monotonic(), found)

    def _blockers(self, connection: Connection) -> tuple[Session, ...]:
        return blockers(connection, tuple(self._pids))
