"""What a look at one of many databases comes to, in short, so that hundreds of them stay small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import engine
from ..data import Data
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
    """Give a Glance as a dictionary. Raises HeadwayError as `engine.plan`."""
    seen = engine.see(project, secrets, options.target, known)
    plan = engine.planned(seen, (), options.target, options.allow_several_heads, options.edited)
    return Glance(
        database=plan.database,
        addresses=tuple(sorted({t.database for t in seen.version_tables})),
        places=tuple(f"{t.database} {t}" for t in seen.version_tables) or (plan.database,),
        current=plan.current,
        pending=tuple(p.revision for p in plan.pending),
        warnings=plan.warnings,
    ).to_dict()
