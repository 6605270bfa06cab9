"""Reads the revision files into a history, and names the file and the id where that fails."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path

from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionMap

from .errors import HeadwayError
from .history import History, Revision, in_order
from .history_faults import check_graph, empty_history, no_versions_folder
from .static import allowances, message_and_description


def load_history(scripts: ScriptDirectory) -> History:
    """Read the revision files through `scripts`, which is left with them loaded.

    alembic executes the files, so ids that are computed there are right. Duplicates it meets
    with a warning and an absent parent with a KeyError: both are refused here, by name, before
    it builds its map.
    """
    locations = [Path(location) for location in scripts._version_locations]
    folders = ", ".join(map(str, locations))
    if not any(location.is_dir() for location in locations):
        raise no_versions_folder(folders)
    found = _execute(scripts, locations)
    if not found:
        raise empty_history(folders)
    check_graph([(s.revision, _tuple(s.down_revision), str(s.path)) for s in found])
    scripts.revision_map = RevisionMap(lambda: iter(found))
    try:
        revisions = list(map(_revision, scripts.walk_revisions()))
    except Exception as error:
        raise HeadwayError(
            "history_invalid", f"alembic refuses the revisions in {folders}: {error}"
        ) from error
    return History(in_order(revisions))


def _execute(scripts: ScriptDirectory, locations: list[Path]) -> list[Script]:
    try:
        return list(scripts._load_revisions())
    except SyntaxError as error:
        raise HeadwayError(
            "syntax_error",
            f"{error.filename}, line {error.lineno}, is not valid Python: {error.msg}.",
        ) from error
    except (Exception, SystemExit) as error:
        folders = tuple(str(location.resolve()) for location in locations)
        frames = traceback.extract_tb(error.__traceback__)
        own = [f for f in frames if str(Path(f.filename).resolve()).startswith(folders)]
        if not own:
            raise HeadwayError(
                "history_invalid", f"alembic cannot read the revisions: {error}"
            ) from error
        raise HeadwayError(
            "revision_import",
            f"{own[-1].filename}, line {own[-1].lineno}, cannot be loaded: "
            f"{type(error).__name__}: {error}.",
        ) from error


def _revision(script: Script) -> Revision:
    message, description = message_and_description(script.longdoc)
    down_revision = _tuple(script.down_revision)
    return Revision(
        revision=script.revision,
        message=message,
        description=description,
        file=str(script.path),
        down_revision=down_revision,
        depends_on=_tuple(script.dependencies),
        branch_labels=tuple(sorted(script.branch_labels)),
        # As alembic resolved it: depends_on may be a label or the beginning of an id.
        parents=tuple(sorted({*down_revision, *script._resolved_dependencies})),
        allowed=allowances(getattr(script.module, "headway_allow", {})),
    )


def _tuple(value: str | Iterable[str] | None) -> tuple[str, ...]:
    if not value:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
