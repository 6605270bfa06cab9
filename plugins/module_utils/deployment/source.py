"""An app's source on the controller: where its migrations are, what it requires, which release it makes."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import tomllib

from . import tree
from .requirements import Requirements, RequirementsError

_PINNED = re.compile(r"^[A-Za-z0-9][\w.-]*(\[[\w,.-]+\])?\s*(==|@)\s*\S+$")


class SourceError(ValueError):
    """One sentence on a source that cannot be deployed."""


@dataclass(frozen=True)
class Source:
    """`digest` leaves alembic.ini out (a deploy lays its own values over it); `release` is made of all.

    `versions` is the folder of the revision files, empty where alembic alone can tell.
    """

    release: str
    digest: str
    alembic_config: str
    alembic_config_exists: bool
    script_location: str
    versions: str
    requirements: list[str]
    constraints: list[str]
    archive: str

    def to_dict(self) -> dict[str, object]:
        """Gives the fields for JSON."""
        return asdict(self)


def read(
    source: str,
    *,
    alembic_config: str,
    requirements: Sequence[str],
    psycopg2: str,
    archives: Path,
    wheels: str,
) -> Source:
    """What a release of `source` is made of: a folder, a wheel, or a pinned requirement.

    `requirements` are files below the folder or lines for pip; none at all means the folder's
    requirements.txt or the project table of its pyproject.toml. A folder's archive is left in `archives`;
    `wheels` is the hosts' folder for a wheel. Raises SourceError or RequirementsError.
    """
    path = Path(source)
    root = path if path.is_dir() else None
    wanted = _requirements(root, requirements)
    config, own_ini, script_location, archive = alembic_config or "alembic.ini", b"", "", ""
    if root is not None:
        config = alembic_config or find_alembic_config(root)
        own_ini = (root / config).read_bytes() if (root / config).is_file() else b""
        script_location = find_script_location(root, Path(config).parent)
        digest = tree.digest(root, without=[config])
    elif path.suffix == ".whl" and path.is_file():
        digest, archive = hashlib.sha256(path.read_bytes()).hexdigest(), str(path)
        wanted.lines.insert(0, f"{wheels}/{digest[:12]}/{path.name}")
    elif _PINNED.match(source):
        digest = hashlib.sha256(source.encode()).hexdigest()
        wanted.lines.insert(0, source)
    elif os.sep in source or path.suffix == ".whl":
        raise SourceError(
            f"the app source {source} does not exist on the controller: correct app_source"
        )
    else:
        raise SourceError(
            f'the app source "{source}" is neither a folder, git+URL@version, a wheel nor a pinned '
            "requirement (name==version): correct app_source"
        )
    wanted.choose_psycopg2(psycopg2)
    identity = hashlib.sha256()
    for part in (digest, *wanted.lines, *wanted.constraints):
        identity.update(hashlib.sha256(part.encode()).digest())
    identity.update(own_ini)
    release = identity.hexdigest()[:12]
    if root is not None:
        archive = str(archives / f"{release}.tar.gz")
        if not Path(archive).exists():
            tree.pack(root, Path(archive))
    return Source(
        release,
        digest,
        config,
        bool(own_ini),
        script_location,
        _versions(root, config, script_location, own_ini),
        wanted.lines,
        wanted.constraints,
        archive,
    )


def find_alembic_config(root: Path) -> str:
    """The one alembic.ini at most two folders below `root`, relative to it; alembic.ini where there is none."""
    found = [
        str(relative)
        for relative in tree.files(root)
        if relative.name == "alembic.ini" and len(relative.parts) <= 3
    ]
    if "alembic.ini" in found or not found:
        return "alembic.ini"
    if len(found) > 1:
        raise SourceError(
            f"the app source {root} has several alembic.ini ({', '.join(found)}): "
            "name the one to use in alembic_config"
        )
    return found[0]


def find_script_location(root: Path, config_folder: Path) -> str:
    """The one folder with an env.py beside its script.py.mako, relative to alembic.ini's folder; else ""."""
    found = {
        os.path.relpath(relative.parent, config_folder)
        for relative in tree.files(root)
        if relative.name == "script.py.mako" and (root / relative.parent / "env.py").is_file()
    }
    return found.pop() if len(found) == 1 else ""


def _versions(root: Path | None, config: str, script_location: str, ini: bytes) -> str:
    """The folder beside env.py, unless alembic.ini sends alembic elsewhere."""
    elsewhere = re.search(rb"(?m)^(version_locations|recursive_version_locations)\s*=", ini)
    if root is None or not script_location or elsewhere:
        return ""
    return os.path.normpath(root / Path(config).parent / script_location / "versions")


def _requirements(root: Path | None, given: Sequence[str]) -> Requirements:
    wanted = Requirements()
    if not given and root is not None:
        if (root / "requirements.txt").is_file():
            wanted.read(root / "requirements.txt")
        elif (root / "pyproject.toml").is_file():
            wanted.lines += _project_dependencies(root / "pyproject.toml")
        else:
            raise RequirementsError(
                f"the app source {root} has neither requirements.txt nor pyproject.toml: "
                "list its requirements in app_requirements"
            )
    for item in given:
        if root is not None and (root / item).is_file():
            wanted.read(root / item)
        elif item.endswith((".txt", ".in", ".lock")):
            raise RequirementsError(
                f"the requirements file {item} of app_requirements does not exist in {root}"
            )
        else:
            wanted.lines.append(item)
    return wanted


def _project_dependencies(pyproject: Path) -> list[str]:
    try:
        project = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("project", {})
    except tomllib.TOMLDecodeError as error:
        raise RequirementsError(f"{pyproject} cannot be read: {error}") from error
    return list(project.get("dependencies", []))
