"""Looks at a host before and after a run in check mode."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from testinfra.host import Host

PROJECT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
SCENARIO = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])

# What a host changes by itself, what its package manager keeps of what it was asked, and where Ansible works.
NOT_COMPARED = [
    *("/var/log", "/var/lib/postgresql", "/var/lib/pgsql"),
    *("/var/cache", "/root/.rpmdb"),
    *("/root/.ansible", "/root/.cache"),
]


def files(host: Host) -> set[str]:
    """Give a line for each file's kind, mode, owner, path and target, and one for its digest; mounts are left out."""
    pruned = " -o ".join(f"-path {path}" for path in NOT_COMPARED)
    look = f"find / -xdev \\( {pruned} \\) -prune -o"
    found = host.check_output(
        f"{look} -printf '%y %m %U:%G %p %l\\n'; {look} -type f -exec sha256sum {{}} +"
    )
    return set(found.splitlines())


def database(host: Host) -> list[str]:
    """Give roles, schema and rows of all databases, without what differs between two dumps."""
    dump = host.check_output("pg_dumpall --username=postgres")
    return [line for line in dump.splitlines() if "restrict" not in line]


def check(*arguments: str) -> str:
    """Give the output of a deploy in check and diff mode, which succeeds; line breaks and margins as one blank."""
    done = subprocess.run(
        [
            "ansible-playbook",
            "-i",
            SCENARIO / "inventory",
            "deploy.yml",
            "--check",
            "--diff",
            *arguments,
        ],
        cwd=PROJECT,
        env={**os.environ, "ANSIBLE_CALLBACKS_ENABLED": "summary", "ANSIBLE_FORCE_COLOR": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join(done.stdout.split())
