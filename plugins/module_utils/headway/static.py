"""What revision files say without being executed. Needs no alembic.

alembic is the truth: it executes the files, and an id may be computed there. This reads what is
written in plain letters, for those who have the files but not what they import, and says so
where it is not certain.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from .history import Revision
from .history_faults import check_graph, empty_history, no_versions_folder, several_heads

_NAMES = ("revision", "down_revision", "branch_labels", "depends_on")


def check(versions: Path, target: str) -> None:
    """Raise HeadwayError for what is certainly wrong with the revision files in `versions`.

    Several heads are a fault only where `target` is "heads" or "head".
    """
    if not versions.is_dir():
        raise no_versions_folder(str(versions))
    revisions = read(versions)
    if revisions is None:
        return
    if not revisions:
        raise empty_history(str(versions))
    check_graph([(r.revision, r.down_revision, r.file) for r in revisions])
    followed = {parent for revision in revisions for parent in revision.parents}
    heads = [revision for revision in revisions if revision.revision not in followed]
    if len(heads) > 1 and target in ("head", "heads"):
        raise several_heads(heads)


def read(versions: Path) -> list[Revision] | None:
    """Give the revisions in a folder, by file name; None where only alembic can tell them."""
    if any(path.is_dir() and path.name != "__pycache__" for path in versions.iterdir()):
        return None
    found = []
    for path in sorted(versions.glob("*.py")):
        if path.name.startswith("__init__"):
            continue
        try:
            module = ast.parse(path.read_text(encoding="utf-8"))
            said = _literals(module)
        except (SyntaxError, ValueError):  # UnicodeDecodeError is a ValueError
            return None
        if "revision" in said:
            revision = _revision(said, ast.get_docstring(module) or "", path)
            if revision is None:
                return None
            found.append(revision)
    return found


def _literals(module: ast.Module) -> dict[str, Any]:
    """The values of the names that alembic reads. Raises ValueError where one is not a literal."""
    said: dict[str, Any] = {}
    for statement in ast.walk(module):
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        names = [t.id for t in targets if isinstance(t, ast.Name) and t.id in _NAMES]
        for name in names:
            value = statement.value  # type: ignore[attr-defined]
            if name in said or value is None:
                raise ValueError(name)
            said[name] = ast.literal_eval(value)
    return said


def _revision(said: dict[str, Any], docstring: str, path: Path) -> Revision | None:
    revision, down = said["revision"], said.get("down_revision")
    parents = (down,) if isinstance(down, str) else tuple(down or ())
    if not isinstance(revision, str) or said.get("depends_on") or said.get("branch_labels"):
        return None
    message = " ".join(docstring.partition("\n\n")[0].split())
    return Revision(revision, message, "", str(path), parents, (), (), parents)
