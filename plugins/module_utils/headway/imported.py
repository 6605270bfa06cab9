"""Whether what env.py imports of the app may change where it connects to.

An app's modules can, by being imported, put variables of libpq's into the environment, or have
every engine send something when it connects. Their text is searched for the means to do so, and
so is what they import, without running any of it. Well-known libraries are trusted.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

_MOST = 300  # files

_TRUSTED = {
    *sys.stdlib_module_names,
    *("alembic", "annotated_types", "flask", "flask_migrate", "flask_sqlalchemy", "geoalchemy2"),
    *("psycopg", "psycopg2", "pydantic", "pydantic_core", "pydantic_settings", "pytz"),
    *("sqlalchemy", "sqlalchemy_utils", "sqlmodel", "typing_extensions"),
}
_means = re.compile(
    r"\blisten(?:s_for)?\b|\bputenv\b|dotenv|\balembic\b|\bimport_module\b|\b__import__\b|\bpkgutil\b"
    r"|\bsys\s*\.\s*(?:path|modules)\b|\b(?:exec|eval)\s*\("
    r"|\benviron\b(?!\s*\.get\b|\s*\[[^\]\n]*\](?!\s*=(?!=)))"
)
_import = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<dots>\.*)(?P<module>[\w.]*)[ \t]+import[ \t]*(?P<names>\([^)]*\)|[^\n#;]+)"
    r"|import[ \t]+(?P<modules>[^\n#;]+))",
    re.MULTILINE,
)


def imports_in(text: str, package: str = "") -> Iterator[str]:
    """Give the modules that a text may import, those that may be names in them included."""
    for found in _import.finditer(text):
        if found["modules"]:
            yield from (name.split()[0] for name in found["modules"].split(",") if name.strip())
            continue
        module = found["module"]
        if found["dots"]:
            up = package.split(".")[: len(package.split(".")) - len(found["dots"]) + 1]
            module = ".".join(filter(None, (*up, module)))
        yield module
        for name in re.sub(r"#[^\n]*|[()]", " ", found["names"]).split(","):
            if name.strip():
                yield f"{module}.{name.split()[0]}"


def may_meddle(env_py: str, first: Sequence[str]) -> bool:
    """Tell whether what env.py (its text) imports could change where it connects to.

    `first` are the folders that alembic puts before sys.path.
    """
    waiting, files, seen = list(imports_in(env_py)), 0, set()
    while waiting:
        module = waiting.pop()
        top = module.partition(".")[0]
        if module in seen or (top in _TRUSTED and not _is_there(top, first)):
            continue
        seen.add(module)
        if module != top:
            waiting.append(module.rpartition(".")[0])
        path = _file(module, first)
        if path is None:
            if module == top and not folders_of(top, first):
                return True
            continue  # a package without __init__.py, or a name in a module
        files += 1
        text = path.read_text(encoding="utf-8") if path.suffix == ".py" else "import_module"
        if files > _MOST or _means.search(text):
            return True
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        waiting.extend(imports_in(text, package))
    return False


def _is_there(module: str, folders: Sequence[str]) -> bool:
    """Tell whether a module of this name comes before all others; a folder alone does not."""
    spec = PathFinder.find_spec(module, folders)
    return spec is not None and spec.origin is not None


def folders_of(package: str, first: Sequence[str]) -> list[str]:
    """Give where a top-level package is, without importing it; nothing where it is none."""
    spec = _spec(package, first)
    return list(spec.submodule_search_locations or ()) if spec else []


def _file(module: str, first: Sequence[str]) -> Path | None:
    top, *below = module.split(".")
    if not below:
        spec = _spec(top, first)
        return Path(spec.origin) if spec and spec.has_location and spec.origin else None
    for folder in folders_of(top, first):
        base = Path(folder, *below)
        for path in (base / "__init__.py", base.with_suffix(".py")):
            if path.is_file():
                return path
    return None


def _spec(package: str, first: Sequence[str]) -> ModuleSpec | None:
    try:
        return PathFinder.find_spec(package, [*first, *sys.path]) or find_spec(package)
    except ValueError:  # a module that is run as a script, for instance
        return None
