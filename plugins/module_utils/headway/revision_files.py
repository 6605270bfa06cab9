"""Reads the revision files into a history, and names the file and the id where that fails."""

from __future__ import annotations

import hashlib
import re
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionMap

from .errors import HeadwayError
from .history import Allowance, History, Revision
from .history_faults import check_graph, empty_history, no_versions_folder

# What `alembic revision` writes below the message by itself.
_generated = re.compile(r"(Revision ID|Revises|Create Date):")


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
        from_head_to_base = list(scripts.walk_revisions())
    except Exception as error:
        raise HeadwayError(
            "history_invalid", f"alembic refuses the revisions in {folders}: {error}"
        ) from error
    return History(tuple(_revision(script) for script in reversed(from_head_to_base)))


def sha256_of(file: str) -> str:
    """Give the SHA-256 of a revision's file, as hexadecimal digits."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


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
    below = script.longdoc.partition("\n\n")[2].splitlines()
    down_revision = _tuple(script.down_revision)
    return Revision(
        revision=script.revision,
        message=" ".join(script.doc.split()),
        description="\n".join(line for line in below if not _generated.match(line)).strip(),
        file=str(script.path),
        down_revision=down_revision,
        depends_on=_tuple(script.dependencies),
        branch_labels=tuple(sorted(script.branch_labels)),
        # As alembic resolved it: depends_on may be a label or the beginning of an id.
        parents=tuple(sorted({*down_revision, *script._resolved_dependencies})),
        allowed=_allowed(getattr(script.module, "headway_allow", {})),
    )


def _allowed(said: Any) -> tuple[Allowance, ...]:
    """Give what `headway_allow` says; a rule without a reason has an empty one."""
    if isinstance(said, Mapping):
        return tuple(Allowance(str(rule), str(reason).strip()) for rule, reason in said.items())
    rules = (said,) if isinstance(said, str) else said if isinstance(said, Iterable) else ()
    return tuple(Allowance(str(rule), "") for rule in rules)


def _tuple(value: str | Iterable[str] | None) -> tuple[str, ...]:
    if not value:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
