"""Runs of the role `postgres` alone, and hosts to run it on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from docker.models.containers import Container

from tests.images.host import run, throwaway

PROJECT = Path(__file__).parents[3]
PLAYBOOK = """
- hosts: all
  gather_facts: false
  roles: [postgres]
"""
# A password with every character that a URL, a shell, SQL or a connection string could trip over.
OWNER_PASSWORD = "p%a@s:s/w#o?r d'\"\\é"  # noqa: S105 (a throwaway host's)
APP_PASSWORD = "app's $ecret"  # noqa: S105 (a throwaway host's)


@dataclass(frozen=True)
class Run:
    """What a playbook run said: tasks changed, the message of the one that failed, all output."""

    changed: int
    message: str
    tasks: list[str]
    output: str

    @property
    def succeeded(self) -> bool:
        """Whether no task failed."""
        return not self.message


@dataclass(frozen=True)
class Role:
    """The role on one host, with the variables of its inventory."""

    host: str
    variables: dict[str, Any]
    folder: Path
    without: tuple[str, ...] = field(default=())

    def run(self, *arguments: str, **variables: Any) -> Run:
        """Run the role with more variables than the inventory's; give what it said."""
        inventory = self.folder / "inventory.json"
        known = {name: value for name, value in self.variables.items() if name not in self.without}
        inventory.write_text(json.dumps({"all": {"hosts": {self.host: known}}}))
        playbook = self.folder / "playbook.yml"
        playbook.write_text(PLAYBOOK)
        done = subprocess.run(
            ["ansible-playbook", f"--inventory={inventory}", str(playbook), *arguments]
            + ([f"--extra-vars={json.dumps(variables)}"] if variables else []),
            cwd=PROJECT,
            check=False,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            },
        )
        return said(done)


def said(done: subprocess.CompletedProcess[str]) -> Run:
    """Read the output of Ansible's JSON callback."""
    start = done.stdout.find("{\n")
    assert start >= 0, done.stdout + done.stderr
    report, _ = json.JSONDecoder().raw_decode(done.stdout[start:])
    changed, message, tasks = 0, "", []
    for task in report["plays"][0]["tasks"]:
        for result in task["hosts"].values():
            if result.get("changed"):
                changed += 1
                tasks.append(task["task"]["name"])
            if result.get("failed"):
                message = str(result["msg"])
    return Run(changed, message, tasks, done.stdout + done.stderr)


@dataclass(frozen=True)
class Server:
    """A host and the role on it."""

    container: Container
    role: Role

    def shell(self, command: str) -> str:
        """Give the output of a shell command that root runs on the host; it must succeed."""
        done = run(self.container, command)
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def sql(self, statement: str, database: str = "evaluation_app") -> str:
        """Give what psql prints for a statement of the superuser's."""
        command = ["psql", "-XAtqU", "postgres", "-d", database, "-c", statement]
        done = self.container.exec_run(command)
        output = cast(bytes, done.output).decode().strip()
        assert done.exit_code == 0, output
        return output

    def login(self, role: str, password: str, statement: str) -> tuple[int, str]:
        """Give exit code and output of a statement that a role sends over TCP."""
        done = self.container.exec_run(
            ["psql", "-XAtqh", "127.0.0.1", "-U", role, "-d", "evaluation_app", "-c", statement],
            environment={"PGPASSWORD": password},
        )
        return done.exit_code or 0, cast(bytes, done.output).decode().strip()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A fresh Debian host without systemd on which nothing has run."""
    with throwaway("headway-test-postgres-service") as container:
        variables = {
            "ansible_connection": "community.docker.docker",
            "ansible_python_interpreter": "/usr/bin/python3",
            "postgres_owner_password": OWNER_PASSWORD,
            "postgres_app_password": APP_PASSWORD,
        }
        role = Role(str(container.name), variables, tmp_path_factory.mktemp("role"))
        yield Server(container, role)
