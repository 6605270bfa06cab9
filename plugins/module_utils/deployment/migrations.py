"""Where an app's migrations are, read from its files on the controller."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import tree
from .errors import SourceError
from .pyproject import read_pyproject


@dataclass(frozen=True)
class Migrations:
    """`config` and `versions` (of the revision files) as paths, `own_ini` the app's alembic.ini.

    `script_location` is what a rendered alembic.ini is to say: empty where the app says it itself.
    `versions` is empty where alembic alone can tell.
    """

    config: str
    own_ini: bytes
    in_pyproject: bool
    script_location: str
    versions: str


def of_package(source: str, *, config: str, script_location: str) -> Migrations:
    """The migrations inside a package, whose files are not read. Raises SourceError where nothing names them."""
    if not script_location:
        raise SourceError(
            f"the app source {source} is a package: say where its migrations are in "
            "alembic_script_location (package:path)"
        )
    return Migrations(config or "alembic.ini", b"", False, script_location, "")


def of_folder(root: Path, *, config: str, name: str, script_location: str) -> Migrations:
    """The migrations of the app in `root`, as section `name` of its alembic.ini or pyproject.toml has them.

    `config` and `script_location` are what the caller knows better. Raises SourceError where that leaves
    nothing to go by.
    """
    config = config or _find_config(root)
    path = root / config
    own_ini = path.read_bytes() if path.is_file() else b""
    tool = read_pyproject(path.with_name("pyproject.toml")).get("tool", {}).get("alembic")
    options = {**(tool or {}), **_section(path, own_ini, name, required=tool is None)}
    asked = script_location
    if not script_location and "script_location" not in options:
        asked = script_location = _find_script_location(root, Path(config).parent)
        if not script_location:
            raise SourceError(
                f"the app source {root} does not say where its migrations are, and has no one folder with "
                "env.py and script.py.mako: name the folder, or package:path, in alembic_script_location"
            )
    versions = _versions(path.parent, script_location or options["script_location"], options)
    return Migrations(config, own_ini, tool is not None, asked, versions)


def _find_config(root: Path) -> str:
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


def _section(path: Path, ini: bytes, name: str, *, required: bool) -> Mapping[str, str]:
    if not ini:
        return {}
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(ini.decode())
    except (configparser.Error, UnicodeDecodeError) as error:
        words = " ".join(str(error).split())
        raise SourceError(f"{path} is not a valid ini file: {words}") from error
    if parser.has_section(name):
        return parser[name]
    if required:
        fit = [f"[{there}]" for there in parser if parser.has_option(there, "script_location")]
        raise SourceError(
            f"{path} has no section [{name}], those with a script_location are "
            f"{', '.join(fit) or 'none'}: correct alembic_name"
        )
    return {}


def _find_script_location(root: Path, config_folder: Path) -> str:
    """The one folder with an env.py beside its script.py.mako, relative to alembic.ini's folder; else ""."""
    found = {
        os.path.relpath(relative.parent, config_folder)
        for relative in tree.files(root)
        if relative.name == "script.py.mako" and (root / relative.parent / "env.py").is_file()
    }
    return found.pop() if len(found) == 1 else ""


def _versions(folder: Path, script_location: str, options: Mapping[str, Any]) -> str:
    """The folder beside env.py, unless the options send alembic elsewhere."""
    location = str(script_location).replace("%(here)s", str(folder))
    elsewhere = {"version_locations", "recursive_version_locations"} & options.keys()
    if elsewhere or ":" in location or "%" in location:
        return ""
    return os.path.normpath(folder / location / "versions")
