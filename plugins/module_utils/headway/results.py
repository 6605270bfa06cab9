"""What the engine gives: status, plan, migration. Needs no alembic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .data import INSIDE, Data
from .history import Allowance, Branch, History, Revision
from .waits import Session, Wait

UP, DOWN = "up", "down"


@dataclass(frozen=True)
class Statement(Data):
    """A statement, and the line of the revision's file that sends it; None: alembic by itself."""

    sql: str
    line: int | None


@dataclass(frozen=True)
class PendingRevision(Data):
    """A revision that is to be applied, or on the way down to be taken back.

    `statements` is what it will send; where only the run can tell, it is None and `sql_unknown`
    says why. Both are None when the SQL was not asked for. `allowed` is what its author says may
    pass the review.
    """

    revision: str
    message: str
    description: str
    file: str
    statements: tuple[Statement, ...] | None
    sql_unknown: str | None
    allowed: tuple[Allowance, ...] = ()

    @property
    def sql(self) -> str | None:
        """What it will send, as one text."""
        if self.statements is None:
            return None
        return "\n\n".join(statement.sql for statement in self.statements)

    def to_dict(self) -> dict[str, Any]:
        """Give the fields, and `sql`."""
        return {**super().to_dict(), "sql": self.sql}


@dataclass(frozen=True)
class Table(Data):
    """A table of the database, with the server's estimate of its rows (-1: it has none).

    `visible`: the search path leads to it. `bytes` is without indexes.
    """

    schema: str
    name: str
    visible: bool
    rows: int
    bytes: int
    indexes: tuple[str, ...]

    def __str__(self) -> str:
        """Give its name, with the schema where that is needed."""
        return self.name if self.visible else f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Loss(Data):
    """What taking a revision back drops; `holds_rows` now, None where that is not known."""

    revision: str
    what: str
    holds_rows: bool | None

    def __str__(self) -> str:
        """Give it as a line."""
        now = {
            True: "holds rows",
            False: "holds nothing",
            None: "whether it holds rows is not known",
        }
        return f"{self.revision} drops {self.what}: {now[self.holds_rows]}"


@dataclass(frozen=True)
class NoDowngrade(Data):
    """A revision that its file has no way back from; one that `runs` changes nothing."""

    revision: str
    file: str
    line: int
    why: str
    runs: bool

    def __str__(self) -> str:
        """Give it as a line."""
        return f"{self.revision} has no downgrade() ({self.file}, line {self.line}: {self.why})"


@dataclass(frozen=True)
class VersionTable(Data):
    """The table in which one run of migrations keeps its place; `database` is its engine's URL."""

    database: str
    schema: str
    name: str

    def __str__(self) -> str:
        """Give its qualified name."""
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        """Its qualified name as SQL has it."""
        names = (name.replace('"', '""') for name in (self.schema, self.name))
        return ".".join(f'"{name}"' for name in names)


@dataclass(frozen=True)
class RecordedRevision(Data):
    """When a revision was applied last, and the SHA-256 of its file then."""

    revision: str
    sha256: str
    applied: str


@dataclass(frozen=True)
class RecordedRun(Data):
    """A run as the database's record has it.

    `outcome` is applied, failed, running, interrupted where it ended without a word, or adopted where
    `revisions` were found to be there and were not run; `who` the
    controller's account and machine, `role` the database's, `revisions` those applied, or taken back
    where `direction` is down.
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
        down = ", down," if self.direction == DOWN else ""
        return f"{self.started}  {self.outcome}  {steps}{down}{took}{tries}, {whose}"


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
class SnapshotUse(Data):
    """What an upgrade of a database without a revision does with the app's snapshot.

    `loaded` are the revisions in whose place it is loaded. Where there are none, `reason` says why
    not; `file` is "" where the app has none.
    """

    file: str
    loaded: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        """Give it as a sentence."""
        if self.loaded:
            count = len(self.loaded)
            place = f"{count} revisions" if count > 1 else self.loaded[0]
            return f"{self.file} is loaded in place of {place}."
        name = f"The snapshot {self.file}" if self.file else "A snapshot"
        return f"{name} is not loaded, the revisions are run: {self.reason}."


SNAPSHOT_FILE = "snapshot.sql"  # in the folder of env.py
NO_SNAPSHOT = SnapshotUse("", (), "the app has none (headway snapshot makes it)")


@dataclass(frozen=True)
class SnapshotState(Data):
    """An app's snapshot: whether it is `current`, and if not, the `reason`.

    It is current where it stands for all revisions, their files unchanged. `changed`: it was written
    anew.
    """

    file: str
    current: bool
    head: str
    revisions: int
    reason: str = ""
    changed: bool = False


@dataclass(frozen=True)
class Look(Data):
    """What is in the database and in the files.

    `states` has the version table's content for each time env.py ran migrations: once in most
    apps, once a tenant or a database in some. `pending` leads from there to the target; it is
    empty where `unknown`, the revisions that no file has, is not. The last two are of the way down
    (Plan). What is between is of PostgreSQL
    only: the version table of each state, the indexes that a build left unusable, and the mode
    of a pooler in front (pooler.py), "" where the server itself answers, the last runs
    recorded, and the applied revisions whose files were edited since. `already_there` are
    relations of a database without any revision that pending ones would create; `server` is its
    version ("15.4"), "" where it is another database. `tables` are those that the pending SQL names,
    `snapshot` is what can be done with the app's, where that was asked.
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
    server: str = ""
    tables: tuple[Table, ...] = ()
    losses: tuple[Loss, ...] = ()
    no_downgrade: tuple[NoDowngrade, ...] = ()
    snapshot: SnapshotUse | None = None

    @property
    def current(self) -> tuple[str, ...]:
        """The revisions in the version table, of all states together."""
        return together(self.states)

    def applied(self) -> set[str]:
        """Give the revisions that every state has had applied."""
        return set.intersection(*(self.history.applied(state) for state in self.states))

    def done(self, planned: Iterable[str], direction: str) -> set[str]:
        """Give those of `planned` that every state is past, in this direction."""
        if direction == UP:
            return set(planned) & self.applied()
        return set(planned).difference(*(self.history.applied(state) for state in self.states))


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
    """What a run to `target` would do: from `current` to `after` by `pending`, in that order.

    `direction` is up or down. On the way down `losses` are what goes, `no_downgrade` the revisions that
    have no way back. `sql_complete` is False where the SQL of a pending revision was not asked for or only
    the run can tell it. `server` is PostgreSQL's version, "" for another database; `tables` has those
    that are there and that the SQL names. `snapshot` is what is done with the app's, None where the
    database has a revision already. `look` is what it was made from.
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
    server: str = ""
    tables: tuple[Table, ...] = ()
    direction: str = UP
    losses: tuple[Loss, ...] = ()
    no_downgrade: tuple[NoDowngrade, ...] = ()
    snapshot: SnapshotUse | None = None
    look: Look | None = field(default=None, metadata=INSIDE, compare=False, repr=False)

    @property
    def changes(self) -> bool:
        """Whether the run would change the database."""
        return bool(self.pending)

    @property
    def hurts(self) -> tuple[str, ...]:
        """What keeps a downgrade from being harmless, a line each."""
        gone = (loss for loss in self.losses if loss.holds_rows is not False)
        told = {without.revision for without in self.no_downgrade}
        unknown = (
            p
            for p in self.pending
            if self.direction == DOWN and p.sql_unknown and p.revision not in told
        )
        return (
            *map(str, self.no_downgrade),
            *map(str, gone),
            *(f"{p.revision} drops what only the run can tell ({p.sql_unknown})" for p in unknown),
        )


@dataclass(frozen=True)
class Found(Data):
    """What a database had when it was read again after a run, as Look has it."""

    states: tuple[tuple[str, ...], ...]
    invalid_indexes: tuple[str, ...]


@dataclass(frozen=True)
class Attempt(Data):
    """What happened while the revisions ran; what came of it only the database can tell.

    `states` has the version table's content once the run had it to itself, as Look.states; None
    where it ended without a word. `seconds` has the revisions that came to their end, with their time
    until after the commit. `failed` is the one that did not. `transaction_of_env_py`: env.py had
    begun a transaction before it called context.configure(), so alembic committed nothing itself.
    `kept` are revisions that committed a part of theirs before their end (autocommit_block),
    `sha256` has the files of those that it set out to apply,
    `snapshot` what it did with the app's, `waits` what it had to wait for, `in_the_way` those for whom it
    waited when it failed. `found` is what the database had right after; None where only another run of
    env.py can tell.
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
    snapshot: SnapshotUse | None = None
    found: Found | None = None


@dataclass(frozen=True)
class AppliedRevision(Data):
    """A revision that a run applied or took back; None if its time is not known."""

    revision: str
    message: str
    seconds: float | None


@dataclass(frozen=True)
class Migration(Data):
    """What a run did: `before` and `after` are the database's own word.

    `applied` are the revisions that it applied, or in the `direction` down took back.
    `invalid_indexes` are those that came of it, `waits` what it had to wait for, `snapshot` is what was
    done with the app's.
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
    direction: str = UP
    snapshot: SnapshotUse | None = None
