"""Runs a command and watches the most memory that its processes hold at once."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.clock import Taken, processor


@dataclass(frozen=True)
class Measured:
    """What a command took, megabytes of proportional set size (proc(5), smaps_rollup) with it, and what it said."""

    taken: Taken
    output: str


def measure(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Measured:
    """Runs `command` to its end. Ends the program with its output when it fails."""
    before, began = processor(), time.monotonic()
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
        try:
            output, _ = process.communicate()
        finally:  # interrupted, too: a thread that goes on keeps the program from ending
            ended.set()
            watcher.join()
    took = Taken(time.monotonic() - began, processor() - before, peak[0])
    if process.returncode:
        raise SystemExit(f"{output}\n{command} exited with {process.returncode}")
    return Measured(took, output)


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
