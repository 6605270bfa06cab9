"""Where an app's migrations and their database are, as its ini file and an ordinary env.py say."""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .imported import folders_of, may_meddle
from .ordinary import Ordinary, ordinary
from .plain_url import PlainUrl, plain_url
from .project import Project
from .results import SNAPSHOT_FILE

_ENGINE_OPTIONS = {
    *("url", "echo", "echo_pool", "future", "pool_pre_ping", "pool_recycle", "pool_size"),
}
_ELSEWHERE = {"version_locations", "recursive_version_locations", "sourceless"}
_LOGGING = {"loggers", "handlers", "formatters"}
_options_of_alembic = re.compile(
    r"""^\s*(?:\[\s*["']?tool["']?\s*(?:\]|\.\s*["']?alembic\b)|["']?tool["']?\s*[.=])""",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Place:
    """Where the revision files are and a snapshot would be, the database's URL, and what env.py asks for there."""

    versions: Path
    snapshot: Path
    url: PlainUrl
    asked: Ordinary


def place(project: Project) -> Place | None:
    """Give where the migrations are; None where only env.py can tell. Runs nothing of the app."""
    path = Path(project.config_path)
    parser = configparser.ConfigParser({"here": path.parent.as_posix()})
    try:
        parser.read_string(path.read_text(encoding="ascii"))
        options = dict(parser.items(project.name))
        first = _first_on_path(options, path.parent)
        source = _folder(options, path.parent, first)
        env_py = (source / "env.py").read_text(encoding="utf-8") if source else ""
        asked = ordinary(env_py)
        url = plain_url(project.url or options.get("sqlalchemy.url", ""))
        if source is None or asked is None or url is None or _in_pyproject(path.parent):
            return None
        if asked.sets_logging_up and not {*parser.sections()} >= _LOGGING:
            return None
        if may_meddle(env_py, first):
            return None
    except (configparser.Error, OSError, SyntaxError, ValueError):
        return None
    asked_of_engine = {n.partition(".")[2] for n in options if n.startswith("sqlalchemy.")}
    return (
        Place((source / "versions").resolve(), source / SNAPSHOT_FILE, url, asked)
        if asked_of_engine <= _ENGINE_OPTIONS
        else None
    )


def _in_pyproject(folder: Path) -> bool:
    """Tell whether alembic reads a part of its options from there."""
    try:
        return bool(_options_of_alembic.search((folder / "pyproject.toml").read_text("utf-8")))
    except FileNotFoundError:
        return False


def _first_on_path(options: Mapping[str, str], beside: Path) -> list[str]:
    """Give what alembic puts before sys.path. Raises ValueError where that may be read in two ways."""
    said = options.get("prepend_sys_path", "")
    if re.search(r"[\s,:;]", said):
        raise ValueError(said)
    return [str(beside / said)] if said else []


def _folder(options: Mapping[str, str], beside: Path, first: list[str]) -> Path | None:
    """Give the folder of env.py, where its revisions are in `versions` and nowhere else."""
    location = options.get("script_location", "")
    if not location or _ELSEWHERE & options.keys():
        return None
    package, colon, inside = location.partition(":")
    if not colon:
        return (beside / location).resolve()
    where = folders_of(package, first) if package.isidentifier() else []
    return Path(where[0], *inside.split(":")).resolve() if len(where) == 1 else None
