"""The run: an attempt at what is pending, the database read again, and what came of it told."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from functools import partial

from . import process
from .apply import apply
from .command import run_command
from .errors import HeadwayError
from .options import RunOptions
from .pooling import TRANSACTION, transaction_mode
from .process import Tell, Work
from .project import Project
from .results import (
    DOWN,
    AppliedRevision,
    Attempt,
    Found,
    Look,
    Migration,
    Plan,
    SnapshotUse,
    together,
)
from .retry import Pauses, cause
from .scribe import Scribe
from .verify import verify
from .waits import Wait

Outcome = tuple[Migration, HeadwayError | None]
Log = tuple[str, ...]
States = tuple[tuple[str, ...], ...]


def run(
    project: Project, planned: Plan, seen: Look, options: RunOptions, command: str, tell: Tell
) -> Migration:
    """Do what was planned, as `engine.upgrade` says."""
    if seen.pooler == TRANSACTION and options.lock:
        raise HeadwayError(
            "transaction_pooling",
            f"{transaction_mode(planned.database)}. Nothing was run: let the migration connect to "
            "the server itself or to a pool in session mode, or do without lock and timeouts "
            "(lock: false).",
        )
    scribe = Scribe(planned, seen, options)
    work = _work(planned, seen, options, command, scribe)
    tries = _Tries(planned, seen, options.retry_for)
    check = partial(verify, history=seen.history)
    while True:
        with process.conversation(work, project, tell) as running:
            tries.note(*_attempt(running))
            with contextlib.ExitStack() as until_recorded:
                verifying, found = running, tries.last.found
                if found is None:
                    verifying = until_recorded.enter_context(process.conversation(check, project))
                    found = _found(verifying, planned, tries)
                after = replace(seen, **vars(found))
                pause = tries.pause(after)
                if pause is None:
                    came_of_it = _outcome(planned, seen, after, tries, command)
                    return _told(came_of_it, scribe.write(verifying, came_of_it, tries.sha256))
        tell(f"{tries.waits[-1]}, then it is tried again")
        time.sleep(pause)


class _Tries:
    """The attempts made so far, taken together."""

    def __init__(self, planned: Plan, seen: Look, retry_for: float) -> None:
        self._planned = [p.revision for p in planned.pending]
        self._direction = planned.direction
        self._seen = seen
        self._pauses = Pauses(retry_for)
        self.states: States | None = None  # before the first
        self.seconds: dict[str, float] = {}
        self.ran: set[str] = set()
        self.sha256: dict[str, str] = {}
        self.waits: list[Wait] = []
        self.log: Log = ()
        self.snapshot: SnapshotUse | None = None
        self.last: Attempt
        self.fault: HeadwayError | None = None

    def note(self, attempt: Attempt, log: Log, fault: HeadwayError | None) -> None:
        """Take what came of one more."""
        self.last, self.fault = attempt, fault
        if self.states is None:
            self.states = attempt.states
        self.seconds.update(attempt.seconds)
        self.ran.update(attempt.seconds, filter(None, [attempt.failed]))
        if attempt.snapshot:
            self.snapshot = attempt.snapshot
            self.ran.update(attempt.snapshot.loaded)
        self.sha256.update(attempt.sha256)
        self.waits.extend(attempt.waits)
        self.log += log

    def pause(self, after: Look) -> float | None:
        """Give the seconds until the next; None if this was the last."""
        sqlstate = self.fault.data.get("sqlstate") if self.fault else self.last.sqlstate
        why = cause(self.last, sqlstate, self._seen, after, self._planned, self._direction)
        seconds = self._pauses.next() if why else None
        if why and seconds is not None:
            revision = self.last.failed or ""
            self.waits.append(Wait(why, revision, round(seconds, 3), self.last.in_the_way))
        return seconds


def _outcome(planned: Plan, seen: Look, after: Look, tries: _Tries, command: str) -> Outcome:
    """Give what came of it, and the fault if it is one."""
    attempt, fault = tries.last, tries.fault
    before = _before(seen, after, tries)
    use = tries.snapshot or (None if _loads(planned) else planned.snapshot)
    gave_way = (str(use),) if _loads(planned) and use and not use.loaded else ()
    done = after.done((p.revision for p in planned.pending), planned.direction)
    # One whose commit was cut off may be there all the same; of a run that died, or of a command,
    # nothing else is known than what the database has.
    ran = done if fault or command else done & tries.ran
    changed = before != after.states
    applied = tuple(
        AppliedRevision(p.revision, p.message, tries.seconds.get(p.revision))
        for p in planned.pending
        if changed and p.revision in ran
    )
    migration = Migration(
        database=planned.database,
        target=planned.target,
        before=together(before),
        after=after.current,
        changed=changed,
        heads=planned.heads,
        applied=applied,
        pending=tuple(p for p in planned.pending if p.revision not in done),
        invalid_indexes=tuple(sorted({*after.invalid_indexes} - {*seen.invalid_indexes})),
        waits=tuple(tries.waits),
        warnings=planned.warnings + gave_way,
        log=tries.log,
        direction=planned.direction,
        snapshot=use,
    )
    if fault and not applied:
        return migration, HeadwayError(
            fault.kind, fault.message, **{**migration.to_dict(), **fault.data}
        )
    if migration.pending or attempt.reason:
        return migration, _unfinished(migration, attempt, command)
    if migration.invalid_indexes:
        return migration, _invalid(migration)
    return migration, None


def _told(came_of_it: Outcome, warnings: tuple[str, ...]) -> Migration:
    """Give the migration, or raise its fault, with these warnings too."""
    migration, fault = came_of_it
    warnings = migration.warnings + warnings
    if fault:
        raise HeadwayError(fault.kind, fault.message, **{**fault.data, "warnings": warnings})
    return replace(migration, warnings=warnings)


def _work(planned: Plan, seen: Look, options: RunOptions, command: str, scribe: Scribe) -> Work:
    revisions = frozenset(p.revision for p in planned.pending)
    if command:
        return partial(
            run_command,
            target=planned.target,
            planned=revisions,
            seen=seen,
            options=options,
            run=scribe.beginning(),
            command=command,
        )
    return partial(
        apply,
        target=planned.target,
        planned=revisions,
        seen=seen,
        options=options,
        run=scribe.beginning(),
        direction=planned.direction,
        snapshot=_loads(planned),
    )


def _loads(planned: Plan) -> bool:
    return bool(planned.snapshot and planned.snapshot.loaded)


def _attempt(running: process.Process) -> tuple[Attempt, Log, HeadwayError | None]:
    """Run the revisions; where the run could not even tell what it did, give its fault too."""
    try:
        result, log = running.hear()
    except HeadwayError as fault:
        attempt = Attempt(states=None, seconds={}, reason=fault.message.rstrip("."))
        return attempt, tuple(fault.data.get("log", ())), fault
    return Attempt.from_dict(result), tuple(log), None


def _found(verifying: process.Process, planned: Plan, tries: _Tries) -> Found:
    try:
        return Found.from_dict(verifying.hear()[0])
    except HeadwayError as unreadable:
        reached = f"reached its end of {len(tries.seconds)} of {len(planned.pending)} revisions"
        raise HeadwayError(
            "unverified",
            f"The {_way(planned.direction)} {reached}"
            + (f" and failed: {tries.last.reason}" if tries.last.reason else "")
            + f"; what the database has now could not be read: {unreadable.message} Run again "
            "once it can be: what is applied is not applied twice.",
            before=planned.current,
            log=[*tries.log, *unreadable.data.get("log", ())],
        ) from unreadable


def _before(seen: Look, after: Look, tries: _Tries) -> States:
    """Give where this run found the database: others may have moved it since it was seen."""
    if tries.states is not None:
        return tries.states
    died = tries.fault is not None and tries.fault.kind == "process_ended"
    return seen.states if died else after.states


def _invalid(migration: Migration) -> HeadwayError:
    names = " and ".join(migration.invalid_indexes)
    at = " and ".join(migration.after) or "base"
    done = f"All revisions up to {at} are applied, but they left"
    if migration.direction == DOWN:
        done = f"All above {at} is taken back, but that left"
    return HeadwayError(
        "invalid_index",
        f"{done} {names} invalid, which slows writes down and serves no query: drop it (DROP INDEX "
        "CONCURRENTLY) and build it again.",
        **migration.to_dict(),
    )


def _unfinished(migration: Migration, attempt: Attempt, command: str) -> HeadwayError:
    """Say what failed, what is kept, what is not, and what a rerun does."""
    failed = next((p for p in migration.pending if p.revision == attempt.failed), None)
    advice = "correct that, and a rerun resumes from there"
    if failed:
        kind = "revision_failed"
        of = "The downgrade() of revision" if migration.direction == DOWN else "Revision"
        what = f"{of} {failed.revision} ({failed.file}) failed: {attempt.reason}."
    elif attempt.reason:
        kind = "upgrade_failed"
        what = f"The {_way(migration.direction)} to {migration.target} failed: {attempt.reason}."
    elif command:
        kind = "not_applied"
        what = f"`{command}` ended without an error, but the database is not at the target."
    else:
        kind = "not_committed"
        what = (
            f"env.py ran the {_way(migration.direction)} to {migration.target} to its end without an "
            "error, but the database does not have it all: env.py did not commit."
        )
        advice = "correct env.py, and run again"
    if attempt.in_the_way:
        what += f" In the way: {' and '.join(map(str, attempt.in_the_way))}."
    tried = sum(wait.cause != "migration" for wait in migration.waits) + 1
    if tried > 1:
        what += f" It was tried {tried} times."
    if attempt.transaction_of_env_py and migration.pending:
        what += (
            " A transaction was open already when env.py called context.configure() (a statement "
            "sent before on the connection opens one), so alembic left the commit to env.py: send "
            "nothing before configure(), or commit it before."
        )
    kept = [p.revision for p in migration.pending if p.revision in attempt.kept]
    if kept:
        what += (
            f" {_listed(kept)} had left its transaction (autocommit_block) and committed a part of "
            "its changes: take that part back before the rerun, or write it so that it may be "
            "there already."
        )
    if migration.invalid_indexes:
        names = " and ".join(migration.invalid_indexes)
        what += f" It left {names} invalid: drop it (DROP INDEX CONCURRENTLY) before the rerun."
    done = "Taken back" if migration.direction == DOWN else "Applied and kept"
    left = "Still applied" if migration.direction == DOWN else "Not applied"
    outcome = (
        f" {done}: {_listed([a.revision for a in migration.applied])}."
        f" {left}: {_listed([p.revision for p in migration.pending])}."
        f" The database is at {' and '.join(migration.after) or 'base'}; {advice}."
    )
    return HeadwayError(kind, what + outcome, sqlstate=attempt.sqlstate, **migration.to_dict())


def _way(direction: str) -> str:
    return "downgrade" if direction == DOWN else "upgrade"


def _listed(revisions: list[str]) -> str:
    few = 10
    if len(revisions) > few:
        return f"{len(revisions)} revisions from {revisions[0]} to {revisions[-1]}"
    return ", ".join(revisions) or "none"
