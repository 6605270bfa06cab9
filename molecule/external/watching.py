"""The watcher on the database's host, who asks both apps all the time (files/watcher.py)."""

from __future__ import annotations

import json
from typing import Any

from testinfra.host import Host

SAW = "/var/log/watcher.json"


def watch(elsewhere: Host, apps: list[str]) -> None:
    """Have them watch from now on, and nobody else."""
    stop(elsewhere)
    watcher = "/usr/bin/python3 /usr/local/lib/watcher.py"
    elsewhere.check_output(f"systemd-run --collect --unit=watcher {watcher} {SAW} {' '.join(apps)}")


def stop(elsewhere: Host) -> None:
    """Have nobody watch."""
    elsewhere.run_expect([0, 5], "systemctl stop watcher")  # 5: not loaded, it was stopped before


def watched(elsewhere: Host) -> dict[str, Any]:
    """Have them stop, where they watch still, and give what they saw."""
    stop(elsewhere)
    saw: dict[str, Any] = json.loads(elsewhere.file(SAW).content_string)
    return saw
