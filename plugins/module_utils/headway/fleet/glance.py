"""What a look at one of many databases comes to, in short, so that hundreds of them stay small."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .. import engine
from ..data import Data
from ..errors import HeadwayError
from ..probe import Files
from ..project import Project
from ..secrets import Secrets
from .options import FleetOptions


@dataclass(frozen=True)
class Glance(Data):
    """What is pending in a database. `places` are its version tables, each with its address."""

    database: str
    addresses: tuple[str, ...]
    places: tuple[str, ...]
    current: tuple[str, ...]
    pending: tuple[str, ...]
    warnings: tuple[str, ...]


def glance(
    project: Project, secrets: Secrets, *, options: FleetOptions, known: Files | None
) -> dict[str, Any]:
    """Give a Glance as a dictionary.

    Raises HeadwayError as `engine.plan`, with the Glance in its data where there is a database.
    """
    seen = engine.see(project, secrets, options.target, known)
    there = Glance(
        database=seen.database,
        addresses=tuple(sorted({t.database for t in seen.version_tables})),
        places=tuple(f"{t.database} {t}" for t in seen.version_tables) or (seen.database,),
        current=seen.current,
        pending=(),
        warnings=(),
    )
    try:
        plan = engine.planned(seen, (), options.target, options.allow_several_heads, options.edited)
    except HeadwayError as fault:
        fault.data["glance"] = there.to_dict()
        raise
    pending = tuple(p.revision for p in plan.pending)
    return replace(there, pending=pending, warnings=plan.warnings).to_dict()
