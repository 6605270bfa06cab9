"""Times a command that others run beside: on the clock, and of the processor, which a busy machine changes less."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

Command = Sequence[str | Path]


@dataclass(frozen=True)
class Taken:
    """Seconds on the clock, and of the processor for the command and those that it started."""

    clock: float
    processor: float


def taken(command: Command, folder: Path, environment: Mapping[str, str] | None = None) -> Taken:
    """Runs `command` to its end. Raises CalledProcessError where it fails."""
    before, began = processor(), time.monotonic()
    subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    return Taken(time.monotonic() - began, processor() - before)


def middle(runs: Sequence[Taken]) -> Taken:
    """The medians."""
    return Taken(median(run.clock for run in runs), median(run.processor for run in runs))


def series(runs: Sequence[Taken]) -> str:
    """Median, minimum and maximum on the clock, and the median of the processor."""
    clock = [run.clock for run in runs]
    values = middle(runs)
    return f"{values.clock:.2f} ({min(clock):.2f} to {max(clock):.2f}); {values.processor:.2f}"


def processor() -> float:
    """Seconds of the processor of the commands that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
