"""From a target as people write it to the revisions to apply, or to take back.

A target is in alembic's words; up, it may be several with blanks between (`expand@head other@head`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from alembic.runtime.migration import MigrationStep, RevisionStep
from alembic.script import ScriptDirectory
from alembic.script.revision import MultipleHeads, ResolutionError
from alembic.util import CommandError

from .errors import HeadwayError
from .history import History
from .history_faults import several_heads


def steps_to(
    target: str, current: tuple[str, ...], scripts: ScriptDirectory, history: History
) -> list[RevisionStep]:
    """Give alembic's own steps up from `current` to `target`, in order.

    Raises HeadwayError where the target does not exist, is not one, or cannot be reached.
    """
    steps: list[RevisionStep] = []
    reached = current
    for one in target.split():
        more = _reaching(one, reached, scripts, history)
        steps += more
        reached = history.heads_of(
            history.applied(reached) | {step.revision.revision for step in more}
        )
    return steps


def _reaching(
    target: str, current: tuple[str, ...], scripts: ScriptDirectory, history: History
) -> list[RevisionStep]:
    try:
        return scripts._upgrade_revs(target, current)  # type: ignore[arg-type]
    except CommandError as error:
        if isinstance(error.__cause__, MultipleHeads):
            raise several_heads(history.by_id[h] for h in scripts.get_heads()) from error
        if isinstance(error.__cause__, ResolutionError):
            raise _unknown(target, scripts, history) from error
        raise _unreachable(target, current, str(error)) from error


def above(
    target: str, current: tuple[str, ...], scripts: ScriptDirectory, history: History
) -> list[str]:
    """Give the revisions that a downgrade to `target` takes back, in order, as alembic has it.

    Raises HeadwayError where the target does not exist or is not below `current`.
    """
    if not current:
        return []
    try:
        with scripts._catch_revision_errors():
            revisions = scripts.revision_map.iterate_revisions(
                current, target, select_for_downgrade=True
            )
            return [script.revision for script in revisions]
    except CommandError as error:
        if isinstance(error.__cause__, ResolutionError):
            raise _unknown(target, scripts, history) from error
        raise _unreachable(target, current, str(error)) from error


def beyond(known: Collection[str], current: tuple[str, ...], history: History) -> list[str]:
    """Give the applied revisions that are not `known`, in the order in which to take them back.

    Raises HeadwayError where one that is known builds on one that is not.
    """
    applied = history.applied(current)
    foreign = [r.revision for r in reversed(history.revisions) if r.revision in applied - {*known}]
    _check_nothing_builds_on(foreign, applied, history)
    return foreign


def left_to_take_back(
    planned: Collection[str], current: tuple[str, ...], history: History
) -> list[str]:
    """Give those of `planned` that are still applied, in the order in which to take them back.

    Raises HeadwayError where the database was moved on since they were planned.
    """
    applied = history.applied(current)
    _check_nothing_builds_on(planned, applied, history)
    return [r.revision for r in reversed(history.revisions) if r.revision in applied & {*planned}]


def steps_back(revisions: Iterable[str], scripts: ScriptDirectory) -> list[RevisionStep]:
    """Give the steps that take `revisions` back; one without a downgrade() fails when it is run."""
    steps = []
    for script in map(scripts.get_revision, revisions):
        if not hasattr(script.module, "downgrade"):
            vars(script.module)["downgrade"] = _not_there
        steps.append(MigrationStep.downgrade_from_script(scripts.revision_map, script))
    return steps


def _not_there() -> None:
    raise NotImplementedError("there is no downgrade()")


def _check_nothing_builds_on(
    taken_back: Collection[str], applied: Collection[str], history: History
) -> None:
    for revision in {*applied} - {*taken_back}:
        if below := {*history.by_id[revision].parents} & {*taken_back}:
            raise HeadwayError(
                "still_needed",
                f"Revision {' and '.join(sorted(below))} cannot be taken back: {revision} "
                f"({history.by_id[revision].file}), which is applied and stays, builds on it. Nothing was "
                "run; plan again, or name a target below both.",
            )


def _unknown(target: str, scripts: ScriptDirectory, history: History) -> HeadwayError:
    return HeadwayError(
        "unknown_target",
        f"There is no revision {target} in {Path(scripts.dir).absolute()}, whose head is "
        f"{' and '.join(history.heads)}; correct the target.",
        heads=history.heads,
    )


def _unreachable(target: str, current: tuple[str, ...], why: str) -> HeadwayError:
    return HeadwayError(
        "unreachable_target",
        f"The target {target} cannot be reached from {' and '.join(current) or 'base'}: "
        f"{why.rstrip('.')}.",
    )
