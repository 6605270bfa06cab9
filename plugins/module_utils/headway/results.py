"""What the engine gives: status, plan, migration. Needs no alembic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .data import INSIDE, Data
from .history import Branch, History, Revision
from .waits import Session, Wait


@dataclass(frozen=True)
class PendingRevision(Data):
    """A revision that is to be applied.

    `sql` is what it will send; where only the run can tell, it is None and `sql_unknown` says
    why. Both are None when the SQL was not asked for.
    """

    revision: str
    message: str
    description: str
    file: str
    sql: str | None
    sql_unknown: str | None


@dataclass(frozen=True)
class VersionTable(Data):
    """The table in which one run of migrations keeps its place; `database` is its engine's URL."""

    database: str
    schema: str
    name: str

    def __str__(self) -> str:
        """Give its qualified name."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class RecordedRevision(Data):
    """When a revision was applied last, and the SHA-256 of its file then."""

    revision: str
    sha256: str
    applied: str


@dataclass(frozen=True)
class RecordedRun(Data):
    """A run as the database's record has it.

    `outcome` is applied, failed, running, or interrupted where it ended without a word; `who` the
    controller's account and machine, `role` the database's, `revisions` those applied.
    """

    id: str
    version_tables: tuple[str, ...]
    direction: str
    target: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    who: str
    role: str
    release: str
    started: str
    seconds: float | None
    retries: int
    outcome: str
    reason: str | None
    revisions: tuple[str, ...]

    def __str__(self) -> str:
        """Give it as a line."""
        steps = f"{', '.join(self.before) or 'base'} -> {', '.join(self.after) or 'base'}"
        took = f" in {self.seconds:.1f} s" if self.seconds is not None else ""
        tries = f", tried {self.retries + 1} times" if self.retries else ""
        whose = " ".join(filter(None, ("by", self.who or self.role, self.release)))
        return f"{self.started}  {self.outcome}  {steps}{took}{tries}, {whose}"


@dataclass(frozen=True)
class EditedRevision(Data):
    """An applied revision whose file is not any more what was applied."""

    revision: str
    file: str
    applied: str

    def __str__(self) -> str:
        """Give it as a sentence."""
        return (
            f"Revision {self.revision} was applied on {self.applied}, and its file {self.file} was "
            "edited since: the database has not what the file says."
        )


@dataclass(frozen=True)
class Look(Data):
    """What is in the database and in the files.

    `states` has the version table's content for each time env.py ran migrations: once in most
    apps, once a tenant or a database in some. `pending` leads from there to the target; it is
    empty where `unknown`, the revisions that no file has, is not. What follows is of PostgreSQL
    only: the version table of each state, the indexes that a build left unusable, and the mode
    of a pooler in front (pooler.py), "" where the server itself answers, the last runs
    recorded, and the applied revisions whose files were edited since. `already_there` are
    relations of a database without any revision that pending ones would create.
    """

    database: str
    states: tuple[tuple[str, ...], ...]
    unknown: tuple[str, ...]
    history: History
    pending: tuple[PendingRevision, ...]
    version_tables: tuple[VersionTable, ...] = ()
    invalid_indexes: tuple[str, ...] = ()
    pooler: str = ""
    runs: tuple[RecordedRun, ...] = ()
    edited: tuple[EditedRevision, ...] = ()
    already_there: tuple[str, ...] = ()

    @property
    def current(self) -> tuple[str, ...]:
        """The revisions in the version table, of all states together."""
        return together(self.states)

    def applied(self) -> set[str]:
        """Give the revisions that every state has had applied."""
        return set.intersection(*(self.history.applied(state) for state in self.states))


def together(states: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Give the revisions of all states."""
    return tuple(sorted({revision for state in states for revision in state}))


@dataclass(frozen=True)
class Status(Data):
    """Where a database and the files stand.

    `unknown` are revisions of the database that no file has: the code is older than the
    database, and what is pending cannot be told. `already_there` are tables of a database without
    any revision that pending ones would create: it is to be adopted.
    """

    database: str
    current: tuple[str, ...]
    heads: tuple[str, ...]
    at_head: bool
    unknown: tuple[str, ...]
    pending: tuple[Revision, ...]
    branches: tuple[Branch, ...]
    history: tuple[Revision, ...]
    runs: tuple[RecordedRun, ...]
    edited: tuple[EditedRevision, ...]
    invalid_indexes: tuple[str, ...]
    already_there: tuple[str, ...]
    warnings: tuple[str, ...]
    log: tuple[str, ...]


@dataclass(frozen=True)
class Plan(Data):
    """What an upgrade to `target` would do: from `current` to `after` by `pending`.

    `sql_complete` is False where the SQL of a pending revision was not asked for or only the
    run can tell it. `look` is what it was made from.
    """

    database: str
    target: str
    current: tuple[str, ...]
    after: tuple[str, ...]
    heads: tuple[str, ...]
    pending: tuple[PendingRevision, ...]
    sql_complete: bool
    warnings: tuple[str, ...]
    log: tuple[str, ...]
    look: Look | None = field(default=None, metadata=INSIDE, compare=False, repr=False)

    @property
    def changes(self) -> bool:
        """Whether the run would change the database."""
        return bool(self.pending)


@dataclass(frozen=True)
class Attempt(Data):
    """What happened while the revisions ran; what came of it only the database can tell.

    `states` has the version table's content once the run had it to itself, as Look.states; None
    where it ended without a word. `seconds` has the revisions that came to their end, with their time
    until after the commit. `failed` is the one that did not. `transaction_of_env_py`: env.py had
    begun a transaction before it called context.configure(), so alembic committed nothing itself.
    `kept` are revisions that committed a part of theirs before their end (autocommit_block),
    `sha256` has the files of those that it set out to apply,
    `waits` what it had to wait for, `in_the_way` those for whom it waited when it failed.
    """

    states: tuple[tuple[str, ...], ...] | None
    seconds: dict[str, float]
    failed: str | None = None
    reason: str | None = None
    sqlstate: str | None = None
    transaction_of_env_py: bool = False
    kept: tuple[str, ...] = ()
    waits: tuple[Wait, ...] = ()
    in_the_way: tuple[Session, ...] = ()
    sha256: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AppliedRevision(Data):
    """A revision that the database has had applied by a run; None if its time is not known."""

    revision: str
    message: str
    seconds: float | None


@dataclass(frozen=True)
class Migration(Data):
    """What an upgrade did: `before` and `after` are the database's own word.

    `invalid_indexes` are those that came of it, `waits` what it had to wait for.
    """

    database: str
    target: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    changed: bool
    heads: tuple[str, ...]
    applied: tuple[AppliedRevision, ...]
    pending: tuple[PendingRevision, ...]
    invalid_indexes: tuple[str, ...]
    waits: tuple[Wait, ...]
    warnings: tuple[str, ...]
    log: tuple[str, ...]
