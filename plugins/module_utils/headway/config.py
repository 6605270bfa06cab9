"""From the caller's words to alembic's configuration and script folder."""

from __future__ import annotations

import configparser
import inspect
import os
import sys
from pathlib import Path

from alembic.config import CommandLine, Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from .errors import HeadwayError
from .project import Project
from .secrets import Secrets

PYPROJECT = "pyproject.toml"

_parser = CommandLine().parser  # once for all processes: it takes as long as to connect


def load_config(project: Project, command: tuple[str, ...], secrets: Secrets) -> Config:
    """Give the configuration that `alembic <command>` would have, run in the ini's folder.

    Changes this process's working directory to that folder, since relative paths in the file,
    in env.py and in `prepend_sys_path` count from there.
    """
    path = Path(project.config_path)
    _check_readable(path)
    os.chdir(path.parent)
    ini, toml = (path.parent / "alembic.ini", path) if path.name == PYPROJECT else (path, None)
    options = _parser.parse_args(
        ["-c", str(ini), "-n", project.name, *(f"-x{x}" for x in project.x_arguments), *command]
    )
    files: dict[str, str] = {"file_": str(ini)}
    if "toml_file" in inspect.signature(Config).parameters:
        files["toml_file"] = str(toml or path.parent / PYPROJECT)
    elif toml:
        raise HeadwayError(
            "config_unsupported",
            f"{toml}: the alembic in {sys.prefix} reads no {PYPROJECT} (alembic 1.16 and newer "
            "do); use an alembic.ini.",
        )
    config = Config(**files, ini_section=project.name, cmd_opts=options)  # type: ignore[arg-type]
    _check_sections(config, ini, project, secrets)
    if project.url:
        config.set_section_option(project.name, "sqlalchemy.url", project.url.replace("%", "%%"))
    return config


def load_scripts(config: Config, project: Project) -> ScriptDirectory:
    """Give alembic's script folder, its revision files not read yet."""
    where = f"[{project.name}] in {project.config_path}"
    try:
        scripts = ScriptDirectory.from_config(config)
    except (CommandError, ModuleNotFoundError, ValueError) as error:
        raise _script_location_fault(config, where, error) from error
    env_py = Path(scripts.dir, "env.py")
    if not env_py.is_file():
        raise HeadwayError(
            "no_env_py",
            f"There is no env.py in {env_py.parent.absolute()}, the script_location of {where}; "
            "point script_location at the folder that `alembic init` made.",
        )
    return scripts


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb"):
            return
    except FileNotFoundError:
        kind, problem = "no_config", "does not exist; name the app's alembic.ini"
    except PermissionError:
        kind, problem = "config_unreadable", "may not be read by this account"
    except OSError as error:
        kind, problem = "config_unreadable", f"cannot be read: {error.strerror}"
    raise HeadwayError(kind, f"The alembic configuration {path} {problem}.")


def _check_sections(config: Config, ini: Path, project: Project, secrets: Secrets) -> None:
    try:
        file_config = config.file_config
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or getattr(error, "errors", [[None]])[0][0]
        raise HeadwayError(
            "config_syntax",
            f"{ini} is not a valid ini file: {type(error).__name__} at line {line}.",
        ) from None
    except UnicodeDecodeError:
        raise HeadwayError("config_syntax", f"{ini} is not written in UTF-8.") from None
    for section in file_config.sections():
        for option in file_config.options(section):
            secrets.learn(file_config.get(section, option, raw=True))
    if not file_config.has_section(project.name):
        if getattr(config, "toml_alembic_config", None):
            return
        there = ", ".join(f"[{name}]" for name in file_config.sections()) or "no section at all"
        raise HeadwayError(
            "no_section",
            f"{ini} has no section [{project.name}], it has {there}; give the name of the "
            "section that has script_location.",
        )
    for option in file_config.options(project.name):
        try:
            file_config.get(project.name, option)
        except configparser.InterpolationError:
            raise HeadwayError(
                "config_percent",
                f"{option} of [{project.name}] in {ini} has a % that stands alone; write %% for "
                "each % in an ini file (in a URL's password: percent-encode, then double the %).",
            ) from None


def _script_location_fault(config: Config, where: str, error: Exception) -> HeadwayError:
    get = getattr(config, "get_alembic_option", config.get_main_option)
    location = get("script_location")
    if not location:
        return HeadwayError(
            "no_script_location",
            f"{where} has no script_location; set it to the folder that holds env.py and versions.",
        )
    if isinstance(error, ModuleNotFoundError):
        return HeadwayError(
            "no_script_location",
            f"script_location of {where} is {location}, and {sys.executable} has no module "
            f"{error.name}; install the app there, or correct script_location.",
        )
    if not Path(location).exists() and ":" not in location:
        return HeadwayError(
            "no_script_location",
            f"script_location of {where} is {location}, and {Path(location).absolute()} does "
            "not exist; point it at the folder that holds env.py and versions.",
        )
    return HeadwayError("config_invalid", f"alembic refuses {where}: {error}")
