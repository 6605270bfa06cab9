"""Runs this project's playbooks on a scenario's hosts."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
SCENARIO = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])


@dataclass(frozen=True)
class Run:
    """A run of ansible-playbook; what it said, with line breaks and margins as one blank."""

    code: int
    said: str

    @property
    def succeeded(self) -> str:
        """What it said; fails where it failed."""
        assert self.code == 0, self.said
        return self.said

    @property
    def failed(self) -> str:
        """What it said; fails where it succeeded."""
        assert self.code != 0, self.said
        return self.said


def play(name: str, *arguments: str) -> Run:
    """Run a playbook, with the summary that molecule's own runs are without."""
    done = subprocess.run(
        ["ansible-playbook", "-i", SCENARIO / "inventory", name, *arguments],
        cwd=PROJECT,
        env={**os.environ, "ANSIBLE_CALLBACKS_ENABLED": "summary", "ANSIBLE_FORCE_COLOR": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout)
    return Run(done.returncode, " ".join(done.stdout.split()))
