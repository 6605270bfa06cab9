"""Writes revisions into an empty version table, without running them."""

from __future__ import annotations

from typing import Any

from .environment import Environment
from .guard import Guard
from .options import RunOptions
from .project import Project
from .results import Look
from .secrets import Secrets
from .static import sha256_of


def stamp(
    project: Project, secrets: Secrets, *, revisions: tuple[str, ...], seen: Look, who: str
) -> dict[str, Any]:
    """Do what `alembic stamp` does, under the lock of migrations.

    Gives the SHA-256 of the files of all revisions that count as applied from then on.
    """
    environment = Environment(project, ("stamp", *revisions), secrets, seen.history)
    with Guard(environment, seen, RunOptions(who=who, lock=not seen.pooler)) as guard:
        try:
            environment.run(
                lambda current, _: environment.scripts._stamp_revs(revisions, current),
                " ".join(revisions),
                read_only=False,
                first=guard.before,
            )
        except (Exception, SystemExit) as error:
            raise environment.fault(error) from error
    files = ((r.revision, r.file) for r in seen.history.revisions)
    applied = seen.history.applied(revisions)
    return {revision: sha256_of(file) for revision, file in files if revision in applied}
