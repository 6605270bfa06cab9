"""An app's source on the controller: where its migrations are, what it requires, which release it makes."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from . import migrations, tree
from .errors import SourceError
from .pyproject import read_pyproject
from .requirements import Requirements, RequirementsError

_PINNED = re.compile(r"^[A-Za-z0-9][\w.-]*(\[[\w,.-]+\])?\s*(==|@)\s*\S+$")


@dataclass(frozen=True)
class Source:
    """`digest` leaves alembic.ini out (a deploy lays its own values over it); `release` is made of all.

    `script_location` is what alembic.ini is to be given, empty where the app says it itself; `versions` the
    folder of the revision files, empty where alembic alone can tell. `installs` is a digest of what goes
    into the venv; `local` whether files of the source do.
    """

    release: str
    digest: str
    alembic_config: str
    alembic_config_exists: bool
    alembic_in_pyproject: bool
    script_location: str
    versions: str
    requirements: list[str]
    constraints: list[str]
    installs: str
    local: bool
    archive: str

    def to_dict(self) -> dict[str, object]:
        """Gives the fields for JSON."""
        return asdict(self)


def read(
    source: str,
    *,
    alembic_config: str,
    alembic_name: str,
    script_location: str,
    requirements: Sequence[str],
    psycopg2: str,
    archives: Path,
) -> Source:
    """What a release of `source` is made of: a folder, a wheel, or a pinned requirement.

    `requirements` are files below the folder or lines for pip; none at all means the folder's
    requirements.txt or the project table of its pyproject.toml. The migrations are those of `alembic_config`,
    in its section `alembic_name`, unless `script_location` says otherwise. A folder's archive is left in
    `archives`. Raises SourceError or RequirementsError.
    """
    path = Path(source)
    root = path if path.is_dir() else None
    wanted = _requirements(root, requirements)
    archive = ""
    if root is not None:
        found = migrations.of_folder(
            root, config=alembic_config, name=alembic_name, script_location=script_location
        )
        digest = tree.digest(root, without=[found.config])
    elif path.suffix == ".whl" and path.is_file():
        digest, archive = hashlib.sha256(path.read_bytes()).hexdigest(), str(path)
        wanted.lines.insert(0, f"./{path.name}")
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
    if root is None:
        found = migrations.of_package(
            source, config=alembic_config, script_location=script_location
        )
    wanted.choose_psycopg2(psycopg2)
    required = [*wanted.lines, *wanted.constraints]
    release = _hash(digest, *required, found.own_ini.decode())[:12]
    if root is not None:
        archive = str(archives / f"{release}.tar.gz")
        if not Path(archive).exists():
            tree.pack(root, Path(archive))
    return Source(
        release=release,
        digest=digest,
        alembic_config=found.config,
        alembic_config_exists=bool(found.own_ini),
        alembic_in_pyproject=found.in_pyproject,
        script_location=found.script_location,
        versions=found.versions,
        requirements=wanted.lines,
        constraints=wanted.constraints,
        installs=_hash(*required, *([digest] if wanted.local else [])),
        local=wanted.local,
        archive=archive,
    )


def _hash(*parts: str) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part.encode()).digest())
    return total.hexdigest()


def _requirements(root: Path | None, given: Sequence[str]) -> Requirements:
    wanted = Requirements()
    if not given and root is not None:
        if (root / "requirements.txt").is_file():
            wanted.read(root / "requirements.txt")
        elif (root / "pyproject.toml").is_file():
            project = read_pyproject(root / "pyproject.toml").get("project", {})
            wanted.lines += project.get("dependencies", [])
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
            wanted.take(item)
    return wanted
