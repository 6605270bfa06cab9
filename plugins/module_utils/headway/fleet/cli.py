"""`headway status` and `headway upgrade` of many databases."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ..errors import HeadwayError
from ..options import RunOptions
from ..process import Tell
from ..project import Project
from . import upgrade as fleet
from .arguments import fleet_options
from .members import Member
from .results import Fleet
from .sources import find
from .text import fleet_text


def status(project: Project, options: argparse.Namespace, tell: Tell) -> Fleet:
    """Look at all that --databases names."""
    return fleet.status(project, _named(options.databases, project), fleet_options(options), tell)


def upgrade(
    project: Project, options: argparse.Namespace, run_options: RunOptions, tell: Tell
) -> Fleet:
    """Upgrade them; where that fails, what came of each is printed before the fault."""
    if options.command:
        raise HeadwayError("one_database_only", "--command runs for one database only.")
    members = _named(options.databases, project)
    try:
        return fleet.upgrade(project, members, fleet_options(options), run_options, tell)
    except HeadwayError as fault:
        if options.format == "text" and "databases" in fault.data:
            print(fleet_text(Fleet.from_dict(fault.data)))
        raise


def _named(file: str, project: Project) -> tuple[Member, ...]:
    try:
        given = json.loads(sys.stdin.read() if file == "-" else Path(file).read_text("utf-8"))
    except OSError as error:
        raise HeadwayError("bad_databases", f"{file} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise HeadwayError("bad_databases", f"{file} is no JSON in UTF-8.") from None
    return find(given, project)
