"""What a rehearsal gives. Needs no alembic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .data import Data
from .schema import Change

# The table locks from the weakest to the strongest, and whom one of them makes wait
# (PostgreSQL's manual, "Explicit Locking").
LOCKS = {
    "ACCESS SHARE": "",
    "ROW SHARE": "",
    "ROW EXCLUSIVE": "",
    "SHARE UPDATE EXCLUSIVE": "",
    "SHARE": "writes",
    "SHARE ROW EXCLUSIVE": "writes",
    "EXCLUSIVE": "writes",
    "ACCESS EXCLUSIVE": "reads and writes",
}

PASSED, FAILED, INCONCLUSIVE, IMPOSSIBLE = "passed", "failed", "inconclusive", "impossible"

SAME, DIFFERS, MISSING, IRREVERSIBLE, UNTRIED = (
    "same",
    "differs",
    "missing",
    "irreversible",
    "untried",
)


@dataclass(frozen=True)
class RehearsalOptions(Data):
    """How a rehearsal is to be done.

    `rows`: what of the live database's rows is copied, "none" or "all". `scratch`: the scratch
    database that somebody with more rights has made for it; made here where it is "". Where that
    one could make none, `no_scratch` says why. `who` is the controller's account and machine.
    """

    rows: str = "none"
    scratch: str = ""
    no_scratch: str = ""
    who: str = ""


@dataclass(frozen=True)
class TableLock(Data):
    """A lock that a revision holds on a table that was there before, up to its commit."""

    table: str
    mode: str

    @property
    def blocks(self) -> str:
        """Whom it makes wait, "" where nobody who reads or writes."""
        return LOCKS.get(self.mode, "")

    def __str__(self) -> str:
        """Give it as a part of a line."""
        whom = f" (blocks {self.blocks})" if self.blocks else ""
        return f"{self.mode} on {self.table}{whom}"


@dataclass(frozen=True)
class Performed(Data):
    """What a revision did in the scratch database, up or down.

    `statements` are as executed, without alembic's own and without their parameters; `autocommit`
    those of them outside of a transaction, whose locks last as long as they do and are not known.
    `rewritten` are tables, `rebuilt_indexes` indexes, that were there before and have new files.
    `reads_rows`: it asks for or changes rows of tables. `changes` is what became of the schema.
    """

    revision: str
    seconds: float
    statements: tuple[str, ...]
    autocommit: tuple[str, ...]
    locks: tuple[TableLock, ...]
    rewritten: tuple[str, ...]
    rebuilt_indexes: tuple[str, ...]
    reads_rows: bool
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Performance(Data):
    """What came of one run of env.py in the scratch database.

    `contexts` has the revisions of each time that env.py ran migrations. `failed` is the revision
    that did not come to its end; it `asked` where it had asked for rows before.
    """

    before: tuple[tuple[str, str], ...]
    contexts: tuple[tuple[str, ...], ...]
    performed: tuple[Performed, ...]
    failed: str | None = None
    asked: bool = False
    reason: str | None = None
    sqlstate: str | None = None
    invalid_indexes: tuple[str, ...] = ()
    one_transaction: bool = False


@dataclass(frozen=True)
class RehearsedRevision(Data):
    """A revision that was run: what it did, and whether its downgrade takes it back.

    `down` is "same" where the schema comes back to what it was, else "differs" (`not_undone` says
    in what), "missing" (it does nothing), "irreversible" (it raises; `down_reason`), or "untried".
    """

    revision: str
    message: str
    file: str
    did: Performed
    down: str = UNTRIED
    down_reason: str = ""
    not_undone: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Rehearsal(Data):
    """What was learned by running the pending revisions in a scratch database.

    `outcome` is "passed", or "failed" (`failed_revision`, `reason`); "inconclusive" where what failed may
    have failed because the scratch database has not all that the live one has; "impossible" where
    nothing could be run. `not_rehearsed` says in sentences what it does not tell. `drift` is what
    autogenerate would propose afterwards, None where `drift_unknown` says why that is not known.
    `down_and_up` is "same" where all downgrades and then all upgrades again come back to the same
    schemas. `rows` is what was copied, "none" or "all".
    """

    database: str
    target: str
    outcome: str
    rows: str = "none"
    scratch: str = ""
    revisions: tuple[RehearsedRevision, ...] = ()
    failed_revision: str | None = None
    reason: str | None = None
    sqlstate: str | None = None
    pending: tuple[str, ...] = ()
    invalid_indexes: tuple[str, ...] = ()
    drift: tuple[str, ...] | None = None
    drift_unknown: str = ""
    down_and_up: str = UNTRIED
    not_rehearsed: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    seconds: float = 0.0
    log: tuple[str, ...] = field(default=())

    @property
    def summary(self) -> str:
        """What it comes to, in a line."""
        if self.outcome == IMPOSSIBLE:
            return f"not rehearsed: {' '.join(self.not_rehearsed)}"
        if self.outcome != PASSED:
            what = f"revision {self.failed_revision} fails" if self.failed_revision else "it fails"
            inconclusive = f", but {' '.join(self.not_rehearsed)}"
            return f"rehearsed: {what}: {self.reason}" + (
                inconclusive if self.outcome == INCONCLUSIVE else ""
            )
        took = sum(revision.did.seconds for revision in self.revisions)
        count = f"{len(self.revisions)} revision{'s' if len(self.revisions) != 1 else ''}"
        without = "" if self.rows == "all" else " without rows"
        said = [f"rehearsed: {count} in {took:.1f} s{without}"]
        said += [", ".join(self._worst_locks()) or "no table is blocked"]
        if self.down_and_up == SAME:
            said += ["down and up again: same schema"]
        else:
            said += list(self._downs()) or ["down and up again was not tried"]
        if self.drift:
            said += [f"models and database differ in {len(self.drift)}"]
        return ", ".join(said)

    def _worst_locks(self) -> Iterator[str]:
        worst: dict[str, TableLock] = {}
        order = list(LOCKS)
        for lock in (lock for revision in self.revisions for lock in revision.did.locks):
            known = worst.get(lock.table)
            if lock.blocks and (not known or order.index(lock.mode) > order.index(known.mode)):
                worst[lock.table] = lock
        return map(str, worst.values())

    def _downs(self) -> Iterator[str]:
        words = {
            MISSING: "has no downgrade",
            IRREVERSIBLE: "cannot be taken back",
            DIFFERS: "is not wholly taken back by its downgrade",
        }
        for revision in self.revisions:
            if revision.down in words:
                yield f"{revision.revision} {words[revision.down]}"
