"""An app's pyproject.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomllib

from .errors import SourceError


def read_pyproject(path: Path) -> dict[str, Any]:
    """Gives its tables, none where there is no such file. Raises SourceError where it is not TOML."""
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from error
