"""`make backup` and `make restore` by their playbooks, onto this machine and the tests' own server.

No app runs here: that one is stopped and started is seen where whole hosts are deployed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.backup.conftest import Bench

PROJECT = Path(__file__).parents[3]
APP = "headway_test_backup"


@dataclass(frozen=True)
class Run:
    """What a playbook run said: its exit code, tasks changed, and all of it with single blanks."""

    code: int
    changed: int
    output: str


@dataclass(frozen=True)
class Site:
    """An inventory of this machine with the test's database."""

    bench: Bench
    folder: Path
    backend: str

    def run(self, name: str, *arguments: str, **variables: Any) -> Run:
        """Run a playbook with more variables than the inventory's."""
        server = self.bench.server
        known = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "/usr/bin/python3",
            "app_name": APP,
            "app_command": "",
            "backup_directory": str(self.bench.store.directory),
            "postgres_backend": self.backend,
            "postgres_database": self.bench.database.name,
            "postgres_owner": server.user,
            "postgres_app": server.user,
            "postgres_owner_password": server.password,
            "postgres_host": server.host,
            "postgres_port": server.port,
            # Whose tasks run under the app's venv, and over the socket, where there are such.
            "__backup_python": "/usr/bin/python3",
            "__postgres_login": {
                "login_host": server.host,
                "login_port": server.port,
                "login_user": server.user,
                "login_password": server.password,
            },
        }
        hosts = {"hosts": {"localhost": None}}
        site = {"all": {"children": {"database": hosts, "app": hosts}}}
        inventory, extra = self.folder / "inventory.json", self.folder / "variables.json"
        inventory.write_text(json.dumps(site))
        extra.write_text(json.dumps({**known, **variables}))
        command = ["ansible-playbook", f"--inventory={inventory}", f"--extra-vars=@{extra}"]
        done = subprocess.run(
            [*command, f"playbooks/{name}.yml", *arguments],
            cwd=PROJECT,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(done.stdout)
        assert server.password not in done.stdout
        recap = done.stdout.partition("PLAY RECAP")[2]
        changed = int(recap.partition("changed=")[2].split()[0])
        return Run(done.returncode, changed, " ".join(done.stdout.split()))


@pytest.mark.parametrize("backend", ["service", "external"])
def test_backup_and_restore(full: Bench, tmp_path: Path, backend: str) -> None:
    site, before = Site(full, tmp_path, backend), full.everything()
    looked = site.run("backup", "--check")
    assert (looked.code, looked.changed, full.store.backups()) == (0, 1, []), looked.output
    taken = site.run("backup", "-vvv")
    assert (taken.code, taken.changed) == (0, 1), taken.output
    (backup,) = full.store.backups()
    assert f"{backup.folder} on localhost, " in taken.output
    assert f"make restore BACKUP={backup.name}" in taken.output

    full.database.query("delete from alembic_version")
    ruined = full.everything()
    unanswered = site.run("restore")
    assert unanswered.code != 0
    assert "Nothing was restored, and nothing was touched" in unanswered.output
    looked = site.run("restore", "--check")
    assert (looked.code, looked.changed) == (0, 1), looked.output
    assert full.everything() == ruined
    assert full.databases() == {full.database.name}

    restored = site.run("restore", "-vvv", restore_confirm="true", restore_backup=backup.name)
    assert (restored.code, restored.changed) == (0, 2), restored.output
    assert "revision base → c6cc06acee49" in restored.output
    (kept,) = full.databases() - {full.database.name}
    assert f"the one before is kept as {kept}" in restored.output
    assert full.everything() == before

    again = site.run("restore", restore_confirm=True, restore_drop_old=True)
    assert (again.code, again.changed) == (0, 3), again.output
    assert full.databases() == {full.database.name, kept}


def test_a_failure_says_one_sentence_and_leaves_all_as_it_was(full: Bench, tmp_path: Path) -> None:
    site = Site(full, tmp_path, "service")
    none = site.run("restore", restore_confirm=True)
    assert f"holds no backup of {full.database.name}: take one with make backup" in none.output
    full.database.query("create role headway_gone; grant select on person to headway_gone")
    full.backup()
    full.database.query("drop owned by headway_gone; drop role headway_gone")
    before = full.everything()
    failed = site.run("restore", restore_confirm=True)
    assert failed.code != 0
    assert 'role "headway_gone" does not exist' in failed.output
    assert (full.everything(), full.databases()) == (before, {full.database.name})
    refused = site.run("backup", backup_room=100_000_000)
    assert "make room, set backup_directory to a larger disk" in refused.output
