"""How a run over many databases is to behave, as a caller says it."""

from __future__ import annotations

from dataclasses import dataclass

from ..data import Data
from ..errors import HeadwayError
from .waves import WAVES, check


@dataclass(frozen=True)
class FleetOptions(Data):
    """Where to, and how many databases at a time.

    Of `workers` each has one database at a time. `waves` divide those that have something pending;
    once more than `max_failures` databases have failed, no other one is begun. The rest is as
    `engine.plan` has it.
    """

    target: str = "heads"
    workers: int = 2
    waves: tuple[str, ...] = WAVES
    max_failures: int = 0
    allow_several_heads: bool = False
    edited: str = "warn"

    def __post_init__(self) -> None:
        """Raise HeadwayError for waves that are none, and for no worker at all."""
        check(self.waves)
        if self.workers < 1:
            raise HeadwayError("no_workers", "There is no worker: let there be one or more.")
