"""Runs this project's playbooks from here onto throwaway hosts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]

CONNECTION = {
    "ansible_connection": "community.docker.docker",
    "ansible_python_interpreter": "/usr/bin/python3",
}


@dataclass(frozen=True)
class Run:
    """A run of ansible-playbook; its output with margins and line breaks as one blank."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        """How many tasks changed something, on all hosts together."""
        assert self.code == 0, self.output
        return self.changed_before_failing

    @property
    def changed_before_failing(self) -> int:
        return sum(map(int, re.findall(r" : ok=\d+ changed=(\d+)", self.output)))

    @property
    def failure(self) -> str:
        assert self.code != 0, self.output
        return self.output


def playbook(
    inventory: Path,
    groups: Mapping[str, Sequence[str]],
    variables: Mapping[str, Any],
    *arguments: str,
    name: str = "deploy.yml",
) -> Run:
    """Runs a playbook with an inventory, written to `inventory`, of these groups and variables.

    Caches and reports lie beside the inventory, not in the project's own folders.
    """
    children = {group: {"hosts": dict.fromkeys(hosts)} for group, hosts in groups.items()}
    site = {"all": {"children": children, "vars": {**CONNECTION, **variables}}}
    inventory.write_text(json.dumps(site))
    leavings = {
        "__app_cache": str(inventory.parent / "cache"),
        "__migrate_reports": str(inventory.parent / "reports"),
    }
    done = subprocess.run(
        ["ansible-playbook", "-i", inventory, "-e", json.dumps(leavings), name, *arguments],
        cwd=PROJECT,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout)
    return Run(done.returncode, " ".join(done.stdout.split()))
