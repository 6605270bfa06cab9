"""What revision files say without being executed. Needs no alembic.

alembic is the truth: it executes the files, and an id may be computed there. This reads what is
written in plain letters, for those who have the files but not what they import, or not the time,
and says so where it is not certain.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
from pathlib import Path
from typing import Any

from .history import Revision
from .history_faults import check_graph, empty_history, no_versions_folder, several_heads

_NAMES = ("revision", "down_revision", "branch_labels", "depends_on")

# What `alembic revision` writes below the message by itself.
_generated = re.compile(r"(Revision ID|Revises|Create Date):")

# A file as `alembic revision` writes it, an assignment a line. A name of these that is given a
# value in another way, anywhere in the file, is not plain, and neither is a file that could give
# it one by means that a pattern does not see.
_docstring = re.compile(r'\s*(?:#[^\n]*\n\s*)*(?:"""([^"\\]*)"""|"([^"\\\n]*)")[ \t]*\n')
_plain = re.compile(
    r"^(revision|down_revision|branch_labels|depends_on)(?: *: [^=\n]+)? *= *"
    r"(None|(?:'[^'\\\n]*'|\"[^\"\\\n]*\")|\((?:(?:'[^'\\\n]*'|\"[^\"\\\n]*\"),? ?)+\))[ \t]*(?:#[^\n]*)?$",
    re.MULTILINE,
)
_given = re.compile(
    r"(?<![.\w])(?:revision|down_revision|branch_labels|depends_on)\b(?=[^\n=!<>]*=(?!=))"
)
_hidden = re.compile(
    r"\b(?:exec|eval|globals|vars|setattr|locals|_alembic_docs|__dict__|__doc__)\b|\bimport\s*\(?\s*\*"
    r"|\b(?:revision|down_revision|branch_labels|depends_on)\s*\\\n"
    r"|\b(?:import|as|for|def|class|del)\s[^\n]*\b(?:revision|down_revision|branch_labels|depends_on)\b"
)
_string = re.compile(r"'([^']*)'|\"([^\"]*)\"")


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
    names = sorted(name for name in os.listdir(versions) if name.endswith(".py"))
    found = []
    for name in names:
        if name.startswith((".#", "__init__")):  # as alembic passes over them
            continue
        path = os.path.join(versions, name)
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
            revision = plainly(text, path) or _parsed(text, path)
        except (SyntaxError, ValueError):  # UnicodeDecodeError is a ValueError
            return None
        if revision is None:
            return None
        found.append(revision)
    return found


def plainly(text: str, path: str) -> Revision | None:
    """Give the revision of a file as `alembic revision` writes it, found by patterns; None for others."""
    docstring = _docstring.match(text)
    body = text[docstring.end() :] if docstring else ""
    assigned = _plain.findall(body)
    said = {name: _value(value) for name, value in assigned}
    if (
        not {"revision", "down_revision"} <= said.keys()
        or len(said) < len(assigned)
        or len(_given.findall(body)) != len(assigned)
        or _hidden.search(body)
    ):
        return None
    return _revision(said, (docstring[1] or docstring[2] or "") if docstring else "", path)


def _value(written: str) -> str | tuple[str, ...] | None:
    if written == "None":
        return None
    strings = tuple(one or other for one, other in _string.findall(written))
    # ('a') is no tuple
    return strings if written.startswith("(") and ("," in written) else strings[0]


def sha256_of(file: str) -> str:
    """Give the SHA-256 of a revision's file, as hexadecimal digits."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def message_and_description(docstring: str) -> tuple[str, str]:
    """Give what a revision's author wrote: its first paragraph in a line, and what is below."""
    message, _, below = docstring.strip().partition("\n\n")
    lines = (line for line in below.splitlines() if not _generated.match(line))
    return " ".join(message.split()), "\n".join(lines).strip()


def _parsed(text: str, path: str) -> Revision | None:
    """Give the revision of a file whose four names are literals, wherever they stand."""
    module = ast.parse(text)
    if _hidden.search(text):
        return None
    return _revision(_literals(module), ast.get_docstring(module, clean=False) or "", path)


def _literals(module: ast.Module) -> dict[str, Any]:
    """The values of the names that alembic reads. Raises ValueError where one is not a literal."""
    said: dict[str, Any] = {}
    stored = 0
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            stored += isinstance(node.ctx, ast.Store) and node.id in _NAMES
        if not isinstance(node, (ast.Assign, ast.AnnAssign)):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for name in [t.id for t in targets if isinstance(t, ast.Name) and t.id in _NAMES]:
            if node.value is None:
                raise ValueError(name)
            said[name] = ast.literal_eval(node.value)
    if stored != len(said):
        raise ValueError("a name is given a value twice, or in another way")
    return said


def _revision(said: dict[str, Any], docstring: str, path: str) -> Revision | None:
    revision, down = said.get("revision"), said.get("down_revision")
    parents = (down,) if isinstance(down, str) else tuple(down or ())
    if not isinstance(revision, str) or said.get("depends_on") or said.get("branch_labels"):
        return None
    message, description = message_and_description(docstring)
    return Revision(revision, message, description, path, parents, (), (), parents)
