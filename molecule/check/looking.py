"""Looks at a host before and after a run in check mode."""

from __future__ import annotations

from shared.plays import play
from testinfra.host import Host

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
    return play("deploy.yml", "--check", "--diff", *arguments).succeeded
