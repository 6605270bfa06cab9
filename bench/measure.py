"""Runs a command and measures it: seconds on the clock and the most memory that its processes held at once."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """`seconds` elapsed, `megabytes` of proportional set size (proc(5), smaps_rollup) at the peak."""

    seconds: float
    megabytes: float
    output: str


@dataclass(frozen=True)
class Series:
    """Several runs of the same."""

    runs: tuple[Measured, ...]

    @property
    def median(self) -> float:
        """Median of the seconds."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def megabytes(self) -> float:
        """The largest peak."""
        return max(run.megabytes for run in self.runs)

    def __str__(self) -> str:
        """Median and range of the seconds."""
        seconds = [run.seconds for run in self.runs]
        return f"{self.median:.1f} ({min(seconds):.1f} to {max(seconds):.1f})"


def measure(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Measured:
    """Runs `command` to its end. Ends the program with its output when it fails."""
    started = time.monotonic()
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(environment or {})},
    ) as process:
        peak = [0.0]
        ended = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, peak, ended))
        watcher.start()
        output, _ = process.communicate()
        ended.set()
        watcher.join()
    seconds = time.monotonic() - started
    if process.returncode:
        raise SystemExit(f"{output}\n{command} exited with {process.returncode}")
    return Measured(seconds, peak[0], output)


def _watch(root: int, peak: list[float], ended: threading.Event) -> None:
    while not ended.wait(0.2):
        peak[0] = max(peak[0], sum(map(_megabytes, _family(root))))


def _family(root: int) -> list[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    family = [root]
    for member in family:
        family += [pid for pid, parent in parents.items() if parent == member]
    return family


def _megabytes(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0
