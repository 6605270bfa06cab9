"""Which revisions cannot be taken back, told from their files. Needs no alembic."""

from __future__ import annotations

import ast
from pathlib import Path

from .results import NoDowngrade

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def no_downgrade(revision: str, file: str) -> NoDowngrade | None:
    """Say why `file` has no way back; None where it has one.

    An empty downgrade() beside an empty upgrade(), as in a merge, is a way back.
    """
    module = ast.parse(Path(file).read_bytes())
    functions = {f.name: f for f in module.body if isinstance(f, _FUNCTIONS)}
    downgrade = functions.get("downgrade")
    if downgrade is None:
        made_otherwise = "downgrade" in _names(module)
        return None if made_otherwise else NoDowngrade(revision, file, 1, "there is none", False)
    body = _without_docstring(downgrade.body)
    if body and isinstance(body[0], ast.Raise) and _raises_not_implemented(body[0]):
        line = body[0].lineno
        return NoDowngrade(revision, file, line, "it raises NotImplementedError", False)
    upgrade = functions.get("upgrade")
    if _is_empty(body) and not (upgrade and _is_empty(_without_docstring(upgrade.body))):
        return NoDowngrade(revision, file, downgrade.lineno, "it is empty", True)
    return None


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    return [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]


def _is_empty(body: list[ast.stmt]) -> bool:
    return all(isinstance(statement, ast.Pass) for statement in body)


def _raises_not_implemented(statement: ast.Raise) -> bool:
    raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def _names(module: ast.Module) -> set[str]:
    """Give what else is bound to a name: assigned or imported."""
    names = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    imports = (node for node in module.body if isinstance(node, (ast.Import, ast.ImportFrom)))
    return names | {alias.asname or alias.name for node in imports for alias in node.names}
