"""What revision files say without being executed. Needs no alembic.

alembic is the truth: it executes the files, and an id may be computed there. This reads what is
written in plain letters, for those who have the files but not what they import, or not the time,
and says so where it is not certain.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .history import Allowance, Revision
from .history_faults import check_graph, empty_history, no_versions_folder, several_heads

_MOST = 1 << 16  # bytes

_NAMES = ("revision", "down_revision", "branch_labels", "depends_on", "headway_allow")

# What `alembic revision` writes below the message by itself.
_generated = re.compile(r"(Revision ID|Revises|Create Date):")
_all_generated = re.compile(rf"(?:{_generated.pattern}[^\n]*\n?)*")

# A file as `alembic revision` writes it: an assignment a line, before the functions. Whatever else
# has one of these names, or could give it a value by means that a pattern does not see, is parsed.
_docstring = re.compile(r'\s*(?:#[^\n]*\n\s*)*(?:"""([^"\\]*)"""|"([^"\\\n]*)")[ \t]*\n')
_assignment = re.compile(
    r"^(?:(revision|down_revision|branch_labels|depends_on)(?: *: [\w\[\], |.]+)? *= *"
    r"(None|(?:'[^'\\\n]*'|\"[^\"\\\n]*\")|\((?:(?:'[^'\\\n]*'|\"[^\"\\\n]*\"),? ?)+\))[ \t]*"
    r"|# revision identifiers, used by Alembic\.)$",
    re.MULTILINE,
)
_SIGNS = ("globals", "locals", "vars", "setattr", "eval", "__d", "_alembic_docs", "*")
_hidden = re.compile(
    r"\b(?:exec|eval|globals|vars|setattr|locals|_alembic_docs|__dict__|__doc__)\b|\bimport\s*\*"
)
_illegal = re.compile(r"[@+:-]")  # in an id, to alembic
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
    contents = contents_of(versions)
    return None if contents is None else revisions_in(contents)


def contents_of(versions: Path) -> dict[str, bytes] | None:
    """Give the revision files in a folder by path, in order; None where not all are plainly there."""
    names = []
    with os.scandir(versions) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                if not entry.is_file(follow_symlinks=False):
                    return None
                if not entry.name.startswith((".#", "__init__")):  # as alembic passes over them
                    names.append(entry.name)
            elif entry.name != "__pycache__" and entry.is_dir():
                return None
    folder = str(versions)
    return {path: _bytes(path) for path in (f"{folder}/{name}" for name in sorted(names))}


def _bytes(path: str) -> bytes:
    """Give a file's content. A file object would take twice the time."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = some = os.read(descriptor, _MOST)
        while len(some) == _MOST:
            some = os.read(descriptor, _MOST)
            content += some
        return content
    finally:
        os.close(descriptor)


def revisions_in(contents: Mapping[str, bytes]) -> list[Revision] | None:
    """Give the revisions of files, in their order; None where only alembic can tell them."""
    found = []
    for path, content in contents.items():
        try:
            text = content.decode()
            revision = plainly(text, path) or _parsed(text, path)
        except (SyntaxError, ValueError):  # UnicodeDecodeError is a ValueError
            return None
        if revision is None:
            return None
        found.append(revision)
    ids = {revision.revision for revision in found}
    if any(not ids.issuperset(revision.depends_on) for revision in found):  # a label, for instance
        return None
    return found


def plainly(text: str, path: str) -> Revision | None:
    """Give the revision of a file as `alembic revision` writes it, found by patterns; None for others."""
    docstring = _docstring.match(text)
    start = docstring.end() if docstring else 0
    rest = text[start:]
    last = max(rest.rfind(name) for name in ("revision", "branch_labels", "depends_on"))
    head = rest[: rest.find("\n", last) + 1]
    said: dict[str, Any] = {}
    named = 0
    for assignment in _assignment.finditer(head):
        name, value = assignment.groups()
        named += _mentions(assignment[0])
        if name in said:
            return None
        if name:
            said[name] = _value(value)
    if (
        not {"revision", "down_revision"} <= said.keys()
        or named != _mentions(head)
        or '"""' in head
        or "'''" in head
        or "headway_allow" in rest
        or _may_hide(rest)
        or not _is_of_one_reading(text)
    ):
        return None
    return _revision(said, (docstring[1] or docstring[2] or "") if docstring else "", path)


def _may_hide(code: str) -> bool:
    """Tell whether names may be given values in another way. Looks for signs first: that is faster."""
    signs = any(sign in code for sign in _SIGNS) or code.count("exec") != code.count("execute")
    return signs and bool(_hidden.search(code))


def _is_of_one_reading(text: str) -> bool:
    """Tell whether Python reads the same in a file, whatever encoding it may declare."""
    return "\r" not in text and (text.isascii() or "coding" not in text[:200])


def _mentions(text: str) -> int:
    """Count the names that alembic reads; down_revision has one more in it."""
    return text.count("revision") + text.count("branch_labels") + text.count("depends_on")


def _value(written: str) -> str | tuple[str, ...] | None:
    if written == "None":
        return None
    if written[0] != "(":
        return written[1:-1]
    strings = tuple(one or other for one, other in _string.findall(written))
    return strings if "," in written else strings[0]  # ('a') is no tuple


def sha256_of(file: str) -> str:
    """Give the SHA-256 of a revision's file, as hexadecimal digits."""
    return sha256(Path(file).read_bytes())


def sha256(content: bytes) -> str:
    """Give the SHA-256 of what a file has, as hexadecimal digits."""
    from hashlib import sha256 as digest  # here, since most looks need none

    return digest(content).hexdigest()


def message_and_description(docstring: str) -> tuple[str, str]:
    """Give what a revision's author wrote: its first paragraph in a line, and what is below."""
    message, _, below = docstring.strip().partition("\n\n")
    if _all_generated.fullmatch(below):
        return " ".join(message.split()), ""
    lines = (line for line in below.splitlines() if not _generated.match(line))
    return " ".join(message.split()), "\n".join(lines).strip()


def _parsed(text: str, path: str) -> Revision | None:
    """Give the revision of a file whose names are literals, wherever they stand."""
    if _may_hide(text) or not _is_of_one_reading(text):
        return None
    module = ast.parse(text)
    return _revision(_literals(module), ast.get_docstring(module, clean=False) or "", path)


def _literals(module: ast.Module) -> dict[str, Any]:
    """The values of the names that are read. Raises ValueError where one is not a literal."""
    stored = 0
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            stored += node.id in _NAMES and not isinstance(node.ctx, ast.Load)
        elif (getattr(node, "asname", None) or getattr(node, "name", None)) in _NAMES:
            raise ValueError("a name is imported or defined")
    said: dict[str, Any] = {}
    for statement in module.body:
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for name in [t.id for t in targets if isinstance(t, ast.Name) and t.id in _NAMES]:
            if statement.value is None:
                raise ValueError(name)
            said[name] = ast.literal_eval(statement.value)
    if stored != len(said):
        raise ValueError("a name is given a value twice, or in another way")
    return said


def _revision(said: dict[str, Any], docstring: str, path: str) -> Revision | None:
    """Give it as it says; None where alembic makes more of that, or refuses it.

    Labels are left to alembic: it hands them on to other revisions.
    """
    revision, down = said.get("revision"), _tuple(said.get("down_revision"))
    depends_on = _tuple(said.get("depends_on"))
    if not revision or down is None or depends_on is None or said.get("branch_labels"):
        return None
    try:
        if _illegal.search(" ".join((revision, *down, *depends_on))):
            return None
    except TypeError:  # one is no string
        return None
    message, description = message_and_description(docstring)
    parents = tuple(sorted({*down, *depends_on})) if depends_on or len(down) > 1 else down
    allowed = allowances(said.get("headway_allow", ()))
    return Revision(revision, message, description, path, down, depends_on, (), parents, allowed)


def allowances(said: Any) -> tuple[Allowance, ...]:
    """Give what `headway_allow` says; a rule without a reason has an empty one."""
    if not said:
        return ()
    if isinstance(said, Mapping):
        return tuple(Allowance(str(rule), str(reason).strip()) for rule, reason in said.items())
    rules = (said,) if isinstance(said, str) else said if isinstance(said, Iterable) else ()
    return tuple(Allowance(str(rule), "") for rule in rules)


def _tuple(value: Any) -> tuple[Any, ...] | None:
    """Give one or several as alembic takes them; None where they are of another kind."""
    if not value:
        return ()
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, (tuple, list)) else None
