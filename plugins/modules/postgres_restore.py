#!/usr/bin/python
# Copyright the Headway authors
# Apache License 2.0 (see LICENSE)
"""Ansible module: brings a backup back, beside the live database or in its place."""

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_restore
short_description: Bring a backup of a PostgreSQL database back
version_added: 0.1.0
description:
  - Works in two steps, so that the app needs to stop for the second alone.
  - O(state=beside) verifies every file of a backup, restores it into a new database
    C(<database>_restore_<time>) with its rights and settings, and compares what is in it with what
    the backup says. The live database is not touched.
  - O(state=live) ends the sessions of the live database and renames both in one transaction. The
    one before is kept as C(<database>_before_restore_<time>).
  - A step that fails leaves the live database as it was, and no new one.
author: The Headway authors
options:
  database: {description: The live database., type: str, required: true}
  state:
    description: What to come to. V(absent) drops what a restore has made or kept, O(restored).
    type: str
    choices: [beside, live, absent]
    required: true
  backup: {description: The backup's name; the newest where it is empty., type: str, default: ''}
  restored: {description: The database to put in place or to drop., type: str}
  wait:
    description: How long the live database's sessions may take to end, in seconds.
    type: int
    default: 30
  directory: {description: Where backups are., type: path, required: true}
  server:
    description: Where the server is, who logs in, and whose tools are used.
    type: dict
    required: true
    suboptions:
      backend:
        description: >-
          Whose tools. Those beside the server on this host (V(service)), those of the image of a
          container (V(container)), the nearest that this host has (V(external)).
        type: str
        choices: [service, container, external]
        required: true
      host: {description: Address, or directory of the server's socket., type: str, required: true}
      port: {description: TCP port, which also names the socket., type: int, required: true}
      user: {description: Role to log in as., type: str, required: true}
      password:
        description: Its password. The tools get it in their environment, never on a command line.
        type: str
        default: ''
      parameters: {description: More of libpq's parameters., type: dict, default: {}}
      container: {description: The server's container., type: str}
      container_port: {description: The server's port in its container., type: int, default: 5432}
      engine_socket:
        description: Where the container's engine listens.
        type: path
        default: /var/run/docker.sock
  jobs: {description: How many tables are restored at a time; no more than there are cores., type: int, default: 2}
attributes:
  check_mode: {support: full, description: Verifies the backup and says what would be restored.}
  diff_mode: {support: none, description: Nothing to show.}
  idempotent: {support: partial, description: Only O(state=absent) is.}
"""

EXAMPLES = r"""
- name: Restore the newest backup beside the live database
  postgres_restore:
    state: beside
    database: evaluation_app
    directory: /var/backups/headway
    server: {backend: service, host: /var/run/postgresql, port: 5432, user: postgres}
  register: restored

- name: Put it in place
  postgres_restore:
    state: live
    restored: "{{ restored.restored }}"
    database: evaluation_app
    directory: /var/backups/headway
    server: {backend: service, host: /var/run/postgresql, port: 5432, user: postgres}
"""

RETURN = r"""
backup:
  description: The backup, as M(postgres_backup) returns it.
  type: dict
  returned: with O(state=beside)
restored: {description: The new database; empty in check mode., type: str, returned: with O(state=beside)}
live_bytes: {description: Size of the live one; null where there is none., type: int, returned: with O(state=beside)}
live_revisions: {description: Its revisions., type: list, returned: with O(state=beside)}
kept:
  description: The name of the database that was live before; empty where there was none.
  type: str
  returned: with O(state=live), not in check mode
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.backup.restore import drop, go_live, look, restore_beside
from ..module_utils.backup.task import ARGUMENTS, perform, programs


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **ARGUMENTS,
            "state": {"type": "str", "required": True, "choices": ["beside", "live", "absent"]},
            "backup": {"type": "str", "default": ""},
            "restored": {"type": "str"},
            "wait": {"type": "int", "default": 30},
        },
        required_if=[
            ("state", "live", ["restored"]),
            ("state", "absent", ["restored"]),
        ],
        supports_check_mode=True,
    )

    def beside(given: dict[str, Any], server: Any, store: Any) -> dict[str, Any]:
        if module.check_mode:
            found = look(server, store, given["backup"])
        else:
            tools = programs(given, server)
            found = restore_beside(server, tools, store, given["backup"], jobs=given["jobs"])
        return {"changed": True, **found.to_dict()}

    def live(given: dict[str, Any], server: Any, _store: Any) -> dict[str, Any]:
        if module.check_mode:
            return {"changed": True}
        kept = go_live(server, given["database"], given["restored"], wait=given["wait"])
        return {"changed": True, "kept": kept}

    def absent(given: dict[str, Any], server: Any, _store: Any) -> dict[str, Any]:
        if module.check_mode:
            return {"changed": True}
        return {"changed": drop(server, given["database"], given["restored"])}

    perform(module, {"beside": beside, "live": live, "absent": absent}[module.params["state"]])


if __name__ == "__main__":
    main()
