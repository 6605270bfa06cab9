from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
# A filter runs in the process that Ansible forks for a task and host.
FILTER = """
import gc

class FilterModule:
    def filters(self):
        return {"frozen": lambda _: gc.get_freeze_count()}
"""
PLAYBOOK = """
- name: Ask a task's process
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Ask
      ansible.builtin.debug:
        msg: "frozen: {{ none | frozen }}"
"""


def frozen(folder: Path, callbacks: str) -> int:
    """How many objects a task's process does not search for garbage."""
    (folder / "asked.py").write_text(FILTER)
    (folder / "asked.yml").write_text(PLAYBOOK)
    (folder / "ansible.cfg").write_text(
        f"[defaults]\nfilter_plugins = {folder}\ncallback_plugins = {PROJECT}/plugins/callback\n"
        f"callbacks_enabled = {callbacks}\n"
    )
    said = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", "asked.yml"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = re.search(r"frozen: (\d+)", said)
    assert found, said
    return int(found[1])


@pytest.mark.parametrize(("callbacks", "freezes"), [("freeze, summary", True), ("summary", False)])
def test_a_tasks_process_does_not_search_what_the_controller_loaded(
    tmp_path: Path, callbacks: str, freezes: bool
) -> None:
    # Ansible and this playbook are some 60,000 objects that Python tracks.
    assert (frozen(tmp_path, callbacks) > 10_000) == freezes
