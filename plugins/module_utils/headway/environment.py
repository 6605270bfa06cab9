"""Runs the app's env.py around work of ours, without a change to it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy.dialects.postgresql  # noqa: F401 - as psycopg2 below
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import NoSuchModuleError

from .config import load_config, load_scripts
from .database import Connections, connection_fault, database_sentence
from .errors import HeadwayError
from .history import History
from .project import Project
from .revision_files import load_history
from .secrets import Secrets

# Loaded here once for all the processes that run env.py, each of which would do so anew.
with suppress(ImportError):
    import psycopg2  # noqa: F401

T = TypeVar("T")
Steps = Callable[[tuple[str, ...], MigrationContext], Iterable[MigrationStep]]

DRIVERS = {"aiosqlite", "asyncpg", "pg8000", "psycopg", "psycopg2", "psycopg2cffi"}


class Environment:
    """An app's migration environment, opened: configuration, history, and its env.py to run."""

    def __init__(
        self,
        project: Project,
        command: tuple[str, ...],
        secrets: Secrets,
        history: History | None = None,
    ) -> None:
        """Open what `alembic <command>` would; `history` where it was read already.

        Raises HeadwayError for a fault in the files.
        """
        self.connections = Connections(secrets)
        self._url = project.url
        self.config = load_config(project, command, secrets)
        self.scripts = load_scripts(self.config, project)
        self.history = history or load_history(self.scripts)
        self.context: EnvironmentContext
        self.engine: Engine | None = None
        self.run_arguments: dict[str, Any] = {}
        self.began_before_configure = False
        self._refusals: list[HeadwayError] = []

    @property
    def database(self) -> str:
        """Where env.py connected to, without the password."""
        return self.connections.database or "the database"

    @property
    def env_py(self) -> Path:
        """The app's env.py."""
        return Path(self.scripts.env_py_location).absolute()

    def run(
        self,
        steps: Steps,
        target: str,
        *,
        read_only: bool,
        first: Callable[[MigrationContext], None] | None = None,
    ) -> None:
        """Run env.py; `steps` is called each time it runs migrations, and may yield some.

        `first` is called before that, when alembic has sent nothing yet. A HeadwayError of either
        is raised also where env.py catches it. With `read_only` no version table is created.
        Raises whatever env.py or a revision did.
        """
        self.context = EnvironmentContext(
            self.config,
            self.scripts,
            fn=self._kept(steps),
            destination_rev=target,
            dont_mutate=read_only,
        )
        # On the instance: `with` binds the functions of the module alembic.context from there,
        # and a subclass would lose them.
        vars(self.context).update(
            configure=self._configuring(self.context.configure),
            run_migrations=self._running(self.context.run_migrations, first),
        )
        try:
            with self.context:
                self.scripts.run_env()
        finally:
            if self._refusals:
                raise self._refusals[0]

    def fault(self, error: BaseException) -> HeadwayError:
        """Say what `error`, raised while env.py ran, means."""
        if isinstance(error, HeadwayError):
            return error
        if missing := _missing_driver(error):
            return HeadwayError(
                "no_driver",
                f"{missing}, which {self.env_py} asks for; install it there, or correct the URL.",
            )
        if self.connections.database and not self.connections.connected:
            return connection_fault(error, self.connections.database)
        line, (words, sqlstate) = self._line_of(error), self.words(error)
        if self.connections.connected and database_sentence(error):
            return HeadwayError(
                "database_error",
                f"{self.database} refuses what {line}, does: {words}.",
                sqlstate=sqlstate,
            )
        return HeadwayError("env_py_raised", f"{line}, raises {words}.")

    def words(self, error: BaseException) -> tuple[str, str | None]:
        """Give the database's sentence and SQLSTATE, or the exception's type and text."""
        if said := database_sentence(error):
            sentence, sqlstate = said
            return sentence + (f" (SQLSTATE {sqlstate})" if sqlstate else ""), sqlstate
        if isinstance(error, SyntaxError):
            return f"SyntaxError: {error.msg} ({error.filename}, line {error.lineno})", None
        return f"{type(error).__name__}: {error}".strip().rstrip(".:"), None

    def _configuring(self, original: Callable[..., None]) -> Callable[..., None]:
        def configure(*args: Any, **keywords: Any) -> None:
            connection = args[0] if args else keywords.get("connection")
            in_transaction = getattr(connection, "in_transaction", None)
            if in_transaction and in_transaction():
                self.began_before_configure = True
            self.engine = getattr(connection, "engine", None)
            keywords.setdefault("transaction_per_migration", True)
            original(*args, **keywords)

        return configure

    def _running(
        self, original: Callable[..., None], first: Callable[[MigrationContext], None] | None
    ) -> Callable[..., None]:
        def run_migrations(**arguments: Any) -> None:
            self.run_arguments = arguments
            self._kept(self._check_url)()
            if first:
                self._kept(first)(self.context.get_context())
            original(**arguments)

        return run_migrations

    def _check_url(self) -> None:
        """Raise HeadwayError where env.py has not gone where the caller's URL leads."""
        if not self._url or self.engine is None:
            return
        asked, taken = make_url(self._url), self.engine.url
        if (asked.host, asked.port, asked.database) != (taken.host, taken.port, taken.database):
            raise HeadwayError(
                "url_not_taken",
                f"{self.env_py} connects to {self.database} and not to {asked.database}, since it "
                "takes its URL from elsewhere than sqlalchemy.url. Nothing was run: let it take it "
                "from there, or name this database by what it does take (environment, x_arguments).",
            )

    def _kept(self, call: Callable[..., T]) -> Callable[..., T]:
        """Have a refusal of ours kept, since env.py may catch what is raised through it."""

        def kept(*arguments: Any) -> T:
            try:
                return call(*arguments)
            except HeadwayError as refusal:
                self._refusals.append(refusal)
                raise

        return kept

    def _line_of(self, error: BaseException) -> str:
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if Path(frame.filename).absolute() == self.env_py:
                return f"{self.env_py}, line {frame.lineno}"
        return str(self.env_py)


def _missing_driver(error: BaseException) -> str | None:
    if isinstance(error, ModuleNotFoundError) and error.name in DRIVERS:
        return f"{sys.executable} has no driver {error.name}"
    if isinstance(error, NoSuchModuleError):
        return f"SQLAlchemy of {sys.executable} knows no such driver ({error})"
    return None
