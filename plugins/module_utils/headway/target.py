"""From a target as people write it to the revisions to apply."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from alembic.runtime.migration import RevisionStep
from alembic.script import ScriptDirectory
from alembic.script.revision import MultipleHeads, ResolutionError
from alembic.util import CommandError

from .errors import HeadwayError
from .history import History
from .history_faults import several_heads

HEADS = "heads"


def steps_to(
    target: str, current: tuple[str, ...], scripts: ScriptDirectory, history: History
) -> list[RevisionStep]:
    """Give alembic's own steps from `current` to `target`, in order.

    Raises HeadwayError where the target does not exist, is not one, or cannot be reached.
    """
    try:
        return scripts._upgrade_revs(target, current)  # type: ignore[arg-type]
    except CommandError as error:
        if isinstance(error.__cause__, MultipleHeads):
            raise several_heads(history.by_id[h] for h in scripts.get_heads()) from error
        if isinstance(error.__cause__, ResolutionError):
            raise HeadwayError(
                "unknown_target",
                f"There is no revision {target} in {Path(scripts.dir).absolute()}, whose head is "
                f"{' and '.join(history.heads)}; correct the target.",
                heads=history.heads,
            ) from error
        raise HeadwayError(
            "unreachable_target",
            f"The target {target} cannot be reached from {' and '.join(current) or 'base'}: "
            f"{str(error).rstrip('.')}.",
        ) from error


def ahead_of_code(unknown: Iterable[str], history: History) -> HeadwayError:
    """Say that the database has revisions that no file has."""
    return HeadwayError(
        "database_ahead",
        f"The database is at revision {' and '.join(unknown)}, which this code does not know "
        f"(its head is {' and '.join(history.heads)}): the code is older than the database. "
        "Deploy the release that has that revision or a newer one, or downgrade the database "
        "with that release first.",
        unknown=list(unknown),
        heads=history.heads,
    )
