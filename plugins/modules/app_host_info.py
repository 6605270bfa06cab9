#!/usr/bin/python
# Copyright the Headway authors
# SPDX-License-Identifier: Apache-2.0
"""Looks at an app's host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: app_host_info
short_description: One look at an app's host
version_added: 0.1.0
description:
  - Tells in one call what a deploy decides by. Releases and whether one is intact, the venv, the running process
    and whether it is older than what it read at its start, who uses the port, the room left on the disk.
options:
  root:
    description: The app's folder on the host, which holds C(releases), C(venvs) and C(current).
    type: path
    required: true
  release:
    description: The release to look at.
    type: str
    default: ""
  digest:
    description: The digest that the files of O(release) are to have, as M(app_source_info) gives it.
    type: str
    default: ""
  alembic_config:
    description: The alembic.ini of the release, which the digest leaves out.
    type: str
    default: alembic.ini
  venv:
    description: The venv to look at.
    type: str
    default: ""
  venv_question:
    description: A program that the venv's Python runs, isolated, and that prints a JSON object.
    type: str
    default: ""
  unit:
    description: The systemd unit that runs the app.
    type: str
    default: ""
  pidfile:
    description: The pidfile of the supervisor that runs the app where there is no systemd.
    type: path
    default: /nonexistent
  running:
    description: The file in which the app's start script leaves its pid and release.
    type: path
    default: /nonexistent
  port:
    description: The TCP port that the app is to listen on, 0 for none.
    type: int
    default: 0
  read_at_start:
    description: Files that the app reads when it starts.
    type: list
    elements: path
    default: []
  user:
    description: The app's account.
    type: str
    default: ""
  expected:
    description: Folders and files, and what they are to be.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where it is.
        type: path
        required: true
      owner:
        description: Whose it is to be.
        type: str
        default: root
      group:
        description: Which group it is to have.
        type: str
        default: root
      mode:
        description: Which mode it is to have, in octal digits.
        type: str
        required: true
      sha256:
        description: What a file's content is to be. Without this and O(expected[].options) it is to be a folder.
        type: str
        default: ""
      section:
        description: The section of an ini file that is to have O(expected[].options).
        type: str
        default: ""
      options:
        description: What the section is to have; it may have more.
        type: dict
attributes:
  check_mode:
    support: full
    description: It changes nothing.
  diff_mode:
    support: none
    description: Nothing to show.
author:
  - The Headway authors (@headway)
"""

EXAMPLES = r"""
- name: Look at the host
  app_host_info:
    root: /opt/evaluation_app
    unit: evaluation_app.service
    port: 8000
  register: host
"""

RETURN = r"""
account:
  description: The group, home and shell of the account, empty where there is none.
  returned: success
  type: dict
amiss:
  description: The paths of O(expected) that are not what they are to be.
  returned: success
  type: list
  elements: str
live:
  description: The release that C(current) points to.
  returned: success
  type: str
previous:
  description: The release that was live before, one back.
  returned: success
  type: str
went_live:
  description: The releases in the order in which they went live, the live one last.
  returned: success
  type: list
  elements: str
alembic_configs:
  description: The alembic.ini of each release that is there, empty where it is not the only one.
  returned: success
  type: dict
releases:
  description: The releases on the host, newest first.
  returned: success
  type: list
  elements: str
venvs:
  description: Each venv with the releases that use it.
  returned: success
  type: dict
release_intact:
  description: Whether the files of the release are there as they were deployed.
  returned: success
  type: bool
release_venv:
  description: The venv that the release points to.
  returned: success
  type: str
venv:
  description: The venv that was looked at.
  returned: success
  type: str
venv_answer:
  description: What O(venv_question) printed, or C(error); none where there is no venv.
  returned: success
  type: dict
venv_seal:
  description: A digest of the venv's files.
  returned: success
  type: str
venv_intact:
  description: Whether the venv is as it was when it was sealed.
  returned: success
  type: bool
process:
  description: The app's main process (pid, name, uid, started in seconds since the epoch), or none.
  returned: success
  type: dict
socket_held:
  description: Whether systemd listens for the app, and hands it the socket.
  returned: success
  type: bool
enabled:
  description: The app's systemd units that are started at boot.
  returned: success
  type: list
  elements: str
outdated:
  description: The app's systemd units whose files have changed since systemd read them.
  returned: success
  type: list
  elements: str
drop_ins:
  description: The drop-ins of the app's systemd units, as systemd read them. Each is a warning, too.
  returned: success
  type: list
  elements: str
running_release:
  description: The release that the process was started from.
  returned: success
  type: str
stale:
  description: Whether a file of O(read_at_start), or a drop-in of the unit, is newer than the process.
  returned: success
  type: bool
port_taken:
  description: Whether something other than the app listens on the port.
  returned: success
  type: bool
port_user:
  description: The process that listens on the port, where it can be seen.
  returned: success
  type: dict
supervised:
  description: Whether the supervisor of O(pidfile) runs.
  returned: success
  type: bool
free_bytes:
  description: Bytes left where O(root) is.
  returned: success
  type: int
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.deployment import host

EXPECTED = {
    "path": {"type": "path", "required": True},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "required": True},
    "sha256": {"type": "str", "default": ""},
    "section": {"type": "str", "default": ""},
    "options": {"type": "dict"},
}


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "required": True},
            "release": {"type": "str", "default": ""},
            "digest": {"type": "str", "default": ""},
            "alembic_config": {"type": "str", "default": "alembic.ini"},
            "venv": {"type": "str", "default": ""},
            "venv_question": {"type": "str", "default": ""},
            "unit": {"type": "str", "default": ""},
            "pidfile": {"type": "path", "default": "/nonexistent"},
            "running": {"type": "path", "default": "/nonexistent"},
            "port": {"type": "int", "default": 0},
            "read_at_start": {"type": "list", "elements": "path", "default": []},
            "user": {"type": "str", "default": ""},
            "expected": {"type": "list", "elements": "dict", "default": [], "options": EXPECTED},
        },
        supports_check_mode=True,
    )
    given = module.params
    found = host.look(
        Path(given["root"]),
        release=given["release"],
        digest=given["digest"],
        alembic_config=given["alembic_config"],
        venv=given["venv"],
        venv_question=given["venv_question"],
        unit=given["unit"],
        pidfile=Path(given["pidfile"]),
        running=Path(given["running"]),
        port=given["port"],
        read_at_start=[Path(path) for path in given["read_at_start"]],
        user=given["user"],
        expected=[host.Expected(**item) for item in given["expected"]],
    )
    for drop_in in found.drop_ins:
        module.warn(f"{drop_in} is laid over the unit that the deploy writes, and left as it is.")
    module.exit_json(changed=False, **found.to_dict())


if __name__ == "__main__":
    main()
