"""What SQLAlchemy and the driver say about the database, whichever driver it is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import Pool

from .address import named
from .errors import HeadwayError
from .secrets import Secrets

LOGIN = ("28P01", "28000")
NO_DATABASE = "3D000"


class Connections:
    """Watches connections being made: where to, and whether the last one came about.

    Sends nothing on them. `parameters` are those that the driver was given last.
    """

    def __init__(self, secrets: Secrets) -> None:
        """Start watching; passwords seen go to `secrets`."""
        self.database: str | None = None
        self.connected = False
        self.parameters: dict[str, Any] = {}
        self._secrets = secrets
        event.listen(Engine, "do_connect", self._trying)
        event.listen(Pool, "connect", self._made)

    def _trying(self, dialect: Any, record: Any, args: Any, parameters: dict[str, Any]) -> None:
        self.database = named(dialect.name, args, parameters)
        self.connected = False
        self.parameters = dict(parameters)
        if parameters.get("password"):
            self._secrets.learn_password(str(parameters["password"]))

    def _made(self, connection: Any, record: Any) -> None:
        self.connected = True


def connection_fault(error: BaseException, database: str) -> HeadwayError:
    """Say why no connection to `database` came about."""
    sentence, state = database_sentence(error) or (f"{type(error).__name__}: {error}", None)
    said = sentence.rstrip(".")
    if state in LOGIN or "authentication failed" in said or "no password supplied" in said:
        kind, advice = "wrong_password", "check the user and the password"
    elif state == NO_DATABASE or ('database "' in said and "does not exist" in said):
        kind, advice = "no_database", "create the database, or correct its name"
    else:
        kind, advice = "unreachable", "check that the server runs and its host and port are right"
    return HeadwayError(kind, f"Cannot connect to {database}: {said}; {advice}.", sqlstate=state)


def database_sentence(error: BaseException) -> tuple[str, str | None] | None:
    """Give what the server or the driver said, and its SQLSTATE; None if neither spoke.

    psycopg2 has `pgcode` and `diag`, psycopg `sqlstate` and `diag`, asyncpg `sqlstate` on the
    exception that SQLAlchemy's adapter wraps.
    """
    for link in _chain(error):
        original = link.orig if isinstance(link, DBAPIError) else link
        state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
        if isinstance(link, DBAPIError) or state:
            return _words(original), state
    return None


def _words(original: Any) -> str:
    diagnosis = getattr(original, "diag", None)
    said = getattr(diagnosis, "message_primary", None)
    detail = getattr(diagnosis, "message_detail", None)
    if not said:
        inner = original.__cause__ if getattr(original, "__cause__", None) else original
        said, detail = str(inner), getattr(inner, "detail", None)
    words = " ".join(said.split())
    return f"{words} ({' '.join(detail.split())})" if detail and detail not in said else words


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in found:
        found.append(link)
        link = link.__cause__ or link.__context__
    return found
