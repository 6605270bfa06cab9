"""Times a command that others run beside: on the clock, and of the processor, which a busy machine changes less."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Command = Sequence[str | Path]


@dataclass(frozen=True)
class Taken:
    """One run: seconds on the clock, and of the processor for the command and those that it started.

    `megabytes` is the most memory that they held at once, where it was watched.
    """

    clock: float
    processor: float
    megabytes: float | None = None


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


def processor() -> float:
    """Seconds of the processor of the commands that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
