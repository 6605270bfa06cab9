"""What can be done with an app's migrations: status, plan, rehearse, upgrade, the way back, adopt, snapshot.

Nothing of the app is loaded in the process that calls these; see process.py. alembic and SQLAlchemy
are loaded where the probe does not suffice.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from . import process
from .errors import HeadwayError
from .history import History
from .history_faults import HEADS, ahead_of_code, several_heads
from .options import RunOptions
from .pooling import TRANSACTION, transaction_mode
from .probe import Files, probe
from .process import Tell
from .project import Project
from .results import DOWN, UP, Look, Migration, Plan, SnapshotState, Status
from .secrets import Secrets

if TYPE_CHECKING:  # neither is needed to find that there is nothing to do
    from .adoption import Adoption, AdoptionOptions
    from .rehearsal import Rehearsal, RehearsalOptions

__all__ = [
    "Migration",
    "Plan",
    "RunOptions",
    "SnapshotState",
    "Status",
    "adopt",
    "downgrade",
    "plan",
    "plan_downgrade",
    "rehearse",
    "snapshot",
    "snapshot_state",
    "status",
    "upgrade",
]


def _nobody(sentence: str) -> None:
    """Be told something, and forget it."""


def status(project: Project) -> Status:
    """Say where the database and the files stand. Changes nothing.

    Raises HeadwayError, as all functions here do, for whatever keeps it from an answer.
    """
    seen, log = _probed(project, pending=False) or _look(project)
    history = seen.history
    return Status(
        database=seen.database,
        current=seen.current,
        heads=history.heads,
        at_head=all(history.heads_of(history.applied(s)) == history.heads for s in seen.states)
        and not seen.unknown,
        unknown=seen.unknown,
        pending=tuple(history.by_id[p.revision] for p in seen.pending),
        branches=history.branches,
        history=history.revisions,
        runs=seen.runs,
        edited=seen.edited,
        invalid_indexes=seen.invalid_indexes,
        already_there=seen.already_there,
        warnings=_warnings(seen),
        log=log,
    )


def plan(
    project: Project,
    target: str | None = None,
    *,
    allow_several_heads: bool = False,
    sql: bool = True,
    edited: str = "warn",
    command: str = "",
    known: Files | None = None,
    snapshot: bool = True,
) -> Plan:
    """Say what an upgrade to `target` (default: all heads) would do. Changes nothing.

    A database that is there without a revision is refused, unless a `command` of the app's own is
    to run in place of alembic's upgrade.

    Applied revisions whose files were `edited` since are warned of, or are a fault ("error"), or
    nothing ("off"). Without `snapshot` an empty database is upgraded by its revisions alone.
    """
    target = target or "heads"
    _check_leads_up(target)
    snapshot = snapshot and not command
    seen, log = _probed(project, target, pending=not (sql or command), known=known) or _look(
        project, target, sql, snapshot=snapshot
    )
    if not snapshot:
        seen = replace(seen, snapshot=None)
    return planned(seen, log, target, allow_several_heads, edited, command)


def check(
    project: Project, target: str, allow_several_heads: bool, known: Files | None = None
) -> None:
    """Raise HeadwayError for what the files alone tell to be wrong. Needs no database."""
    _check_leads_up(target)
    if known:
        history = known.history
    else:
        require_alembic()
        from .look import files

        history = History.from_dict(process.run(files, project)[0])
    _check_heads(history, target, allow_several_heads)


def _check_heads(history: History, target: str, allow_several_heads: bool) -> None:
    if target == HEADS and len(history.heads) > 1 and not allow_several_heads:
        raise several_heads(history.by_id[head] for head in history.heads)


def _check_leads_up(target: str) -> None:
    if target.startswith("-"):
        raise HeadwayError(
            "unknown_target",
            f"The target {target} leads down; name one above, or go down on purpose (headway downgrade).",
        )


def planned(
    seen: Look,
    log: tuple[str, ...],
    target: str,
    allow_several_heads: bool,
    edited: str,
    command: str = "",
) -> Plan:
    """Give the plan that a look comes to, as `plan` does."""
    history = seen.history
    if seen.unknown:
        raise ahead_of_code(seen.unknown, history)
    _check_heads(history, target, allow_several_heads)
    if seen.already_there and not command:
        raise HeadwayError(
            "not_adopted", _not_adopted(seen), already_there=list(seen.already_there)
        )
    if seen.edited and edited == "error":
        raise HeadwayError(
            "edited_revision",
            " ".join(map(str, seen.edited)) + " Put the files back as they were, and write what "
            "is to be different as a revision of its own.",
            edited=[e.to_dict() for e in seen.edited],
        )
    pending = {p.revision for p in seen.pending}
    reached = {head for s in seen.states for head in history.heads_of(history.applied(s) | pending)}
    return Plan(
        database=seen.database,
        target=target,
        current=seen.current,
        after=tuple(sorted(reached)) if pending else seen.current,
        heads=history.heads,
        pending=seen.pending,
        sql_complete=all(p.statements is not None for p in seen.pending),
        warnings=_warnings(seen, edited != "off"),
        log=log,
        server=seen.server,
        tables=seen.tables,
        snapshot=seen.snapshot,
        look=seen,
    )


def rehearse(
    project: Project,
    planned: Plan,
    command: str = "",
    options: RehearsalOptions | None = None,
) -> Rehearsal:
    """Carry out a plan that was just made, up or down, in a scratch database, and tell what it does.

    The live database is only read. Raises HeadwayError for faults in the app's files or in
    reaching the server; a revision that fails, and what keeps it from being rehearsed, are results.
    """
    from .rehearsal import PASSED, Rehearsal, RehearsalOptions

    if not planned.pending:
        return Rehearsal(
            planned.database,
            planned.target,
            PASSED,
            drift_unknown="nothing was run",
            direction=planned.direction,
        )
    options = options or RehearsalOptions()
    require_alembic()
    from .rehearse import rehearse as carry_out

    return carry_out(project, planned, _seen(project, planned), options, command)


def adopt(project: Project, options: AdoptionOptions | None = None) -> Adoption:
    """Compare a database that has no revision with what the revisions make in a scratch database.

    Stamps it with the revision asked for, if that is the one whose schema it has. Without one
    asked for nothing is changed. Raises HeadwayError where it is another's, or nothing can be
    compared.
    """
    seen, _ = _look(project)
    from .adopt import adopt as compare
    from .adoption import AdoptionOptions

    return compare(project, seen, options or AdoptionOptions())


def snapshot(project: Project, who: str = "") -> SnapshotState:
    """Write the app's snapshot, made and tried in scratch databases beside the one env.py reaches.

    Raises HeadwayError, with nothing written, for what a snapshot cannot carry (`reasons`), and
    where no scratch database can be made.
    """
    seen, _ = _look(project)
    from .make import make

    return make(project, seen, who)


def snapshot_state(project: Project) -> SnapshotState:
    """Say whether the app's snapshot is one of the revisions as they are. Needs no database."""
    require_alembic()
    from .make import state

    return SnapshotState.from_dict(process.run(state, project)[0])


def upgrade(
    project: Project,
    planned: Plan,
    command: str = "",
    options: RunOptions | None = None,
    tell: Tell = _nobody,
) -> Migration:
    """Carry out a plan that was just made, and verify it by reading the database again.

    `command` is a shell command of the app's own that runs in place of alembic's upgrade; `tell`
    is given a sentence whenever the run has to wait. Raises HeadwayError when the database is not
    where the plan says, with `before`, `after`, `applied`, `pending` and `log` in its data.
    """
    if not planned.pending:
        return Migration(
            database=planned.database,
            target=planned.target,
            before=planned.current,
            after=planned.current,
            changed=False,
            heads=planned.heads,
            applied=(),
            pending=(),
            invalid_indexes=(),
            waits=(),
            warnings=planned.warnings,
            log=planned.log,
            direction=planned.direction,
        )
    require_alembic()
    from .run import run

    return run(project, planned, _seen(project, planned), options or RunOptions(), command, tell)


def _seen(project: Project, planned: Plan) -> Look:
    return planned.look or _look(project)[0]


def _not_adopted(seen: Look) -> str:
    there = ", ".join(seen.already_there[:3])
    more = len(seen.already_there) - 3
    return (
        f"{seen.database} has {there}{f' and {more} more' if more > 0 else ''}, which the pending "
        "revisions would create, and has no revision in its version table: it was made by other "
        "means, and is to be adopted (headway adopt, playbooks/adopt.yml), which finds the revision "
        "whose schema it has."
    )


def plan_downgrade(
    project: Project, target: str = "", *, stays: Collection[str] | None = None
) -> Plan:
    """Say what a downgrade to `target` would take back, and what is lost with it. Changes nothing.

    In place of a target `stays` may have all revisions that another release of the app knows: what it
    does not know is taken back.
    """
    if bool(target) == (stays is not None):
        raise HeadwayError(
            "unknown_target",
            "Say where a downgrade ends: -1 for one revision, an id, branch@-1, or base for all.",
        )
    if target.startswith("+") or target in ("head", HEADS):
        raise HeadwayError("unknown_target", f"The target {target} leads up; name one below.")
    kept = None if stays is None else frozenset(stays)
    seen, log = _look(project, target, sql=True, direction=DOWN, stays=kept)
    history = seen.history
    if seen.unknown:
        raise ahead_of_code(seen.unknown, history)
    pending = {p.revision for p in seen.pending}
    left = {head for s in seen.states for head in history.heads_of(history.applied(s) - pending)}
    return Plan(
        database=seen.database,
        target=target or " ".join(sorted(left)) or "base",
        current=seen.current,
        after=tuple(sorted(left)) if pending else seen.current,
        heads=history.heads,
        pending=seen.pending,
        sql_complete=all(p.sql is not None for p in seen.pending),
        warnings=_warnings(seen),
        log=log,
        direction=DOWN,
        losses=seen.losses,
        no_downgrade=seen.no_downgrade,
        look=seen,
    )


def downgrade(
    project: Project,
    planned: Plan,
    options: RunOptions | None = None,
    tell: Tell = _nobody,
    *,
    accept_loss: bool = False,
) -> Migration:
    """Carry out a plan of `plan_downgrade`, as `upgrade` does.

    Raises HeadwayError, with the plan in its data, where a revision has no way back, or data is lost
    that `accept_loss` does not accept.
    """
    one_way = [without for without in planned.no_downgrade if not without.runs]
    if one_way:
        raise HeadwayError(
            "no_downgrade",
            f"The database cannot go down to {planned.target}: {'; '.join(map(str, one_way))}. Nothing "
            "was run: write what is missing, or restore the backup that was taken before.",
            **planned.to_dict(),
        )
    if planned.hurts and not accept_loss:
        raise HeadwayError(
            "data_loss",
            f"The downgrade to {planned.target} loses data or leaves the schema as it is: "
            f"{'; '.join(planned.hurts)}. Nothing was run: accept the loss (--accept-loss, accept_loss), "
            "or restore the backup that was taken before.",
            **planned.to_dict(),
        )
    return upgrade(project, planned, "", options, tell)


def _warnings(seen: Look, edited: bool = True) -> tuple[str, ...]:
    warnings = [f"{transaction_mode(seen.database)}."] if seen.pooler == TRANSACTION else []
    if seen.already_there:
        warnings += [_not_adopted(seen)]
    if seen.snapshot and seen.snapshot.file and not seen.snapshot.loaded:
        warnings += [str(seen.snapshot)]
    return tuple(warnings + [str(e) for e in seen.edited if edited])


def see(project: Project, secrets: Secrets, target: str, known: Files | None) -> Look:
    """Look from within a process of the app's own (process.py), with what is pending to `target`."""
    if probed := _probed(replace(project, user=None), target, known=known):
        return probed[0]
    from .look import observe

    return observe(project, secrets, target)[0]


def _probed(
    project: Project,
    target: str = HEADS,
    pending: bool = True,
    known: Files | None = None,
) -> tuple[Look, tuple[str, ...]] | None:
    """Look without alembic; None where only alembic can tell.

    Unless what is `pending` may be told that way too, it has to be nothing: its SQL, and whether its
    file can be loaded, are met only by executing it.
    """
    if target not in ("head", HEADS):
        return None
    seen = probe(project, known)
    if seen is None or (seen.pending and not pending):
        return None
    return None if target == "head" and len(seen.history.heads) > 1 else (seen, ())


def _look(
    project: Project,
    target: str = "heads",
    sql: bool = False,
    direction: str = UP,
    stays: frozenset[str] | None = None,
    snapshot: bool = False,
) -> tuple[Look, tuple[str, ...]]:
    require_alembic()
    from .look import look

    work = partial(
        look, target=target, sql=sql, direction=direction, stays=stays, snapshot=snapshot
    )
    result, log = process.run(work, project)
    return Look.from_dict(result), tuple(log)


def load() -> None:
    """Load all that runs need, in the process from which those that run env.py are forked."""
    require_alembic()
    from . import run  # noqa: F401


def require_alembic() -> None:
    """Load it in this process, from which those that run env.py are forked.

    Only where it is needed: that takes longer than all else that a run with nothing to do does.
    """
    collects = gc.isenabled()
    # Of what is loaded nothing is garbage: looking for it takes a tenth of the time, and as long
    # again when the process ends.
    gc.disable()
    try:
        import alembic  # noqa: F401 - first, to be the one that is named where SQLAlchemy lacks too
        import sqlalchemy  # noqa: F401

        from . import environment  # noqa: F401
    except ModuleNotFoundError as error:
        raise HeadwayError(
            "no_alembic",
            f"{error.name} is not installed in {sys.executable}; install the app's requirements "
            "there, or run with the interpreter that has them.",
        ) from None
    finally:
        gc.freeze()
        if collects:
            gc.enable()
