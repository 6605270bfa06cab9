#!/usr/bin/python
# Copyright the Headway authors
# Apache License 2.0 (see LICENSE)
"""Ansible module: takes a verified backup of a PostgreSQL database."""

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_backup
short_description: Take a verified backup of a PostgreSQL database
version_added: 0.1.0
description:
  - Dumps a database with C(pg_dump) of the server's version, in directory format, to a folder
    C(<directory>/<database>/<time>) that gets this name only once the dump was verified.
  - Verified means that its table of contents has every object that the catalog has, as of the
    same snapshot, and the file of every table's rows. C(SHA256SUMS) is written beside the dump.
  - A database that holds nothing needs no backup, and none is made.
author: The Headway authors
options:
  database: {description: The database., type: str, required: true}
  directory: {description: Where backups go., type: path, required: true}
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
  jobs: {description: How many tables are dumped at a time; no more than there are cores., type: int, default: 2}
  keep:
    description: How many backups to keep, the new one among them. One always stays.
    type: int
    default: 5
  room:
    description: >-
      What must be free in O(directory) before a backup is begun, in percent of the database's size.
      A dump is compressed and has no indexes, so it most often takes less.
    type: int
    default: 100
attributes:
  check_mode: {support: full, description: Says what would be backed up and whether there is room.}
  diff_mode: {support: none, description: Nothing to show.}
  idempotent: {support: none, description: Each run takes a backup.}
"""

EXAMPLES = r"""
- name: Take a backup
  postgres_backup:
    database: evaluation_app
    directory: /var/backups/headway
    server: {backend: service, host: /var/run/postgresql, port: 5432, user: postgres}
  register: taken
"""

RETURN = r"""
backup:
  description: >-
    C(name), C(folder), C(taken) (time), C(seconds), C(bytes), C(database_bytes), C(server_version)
    and C(revisions) (of every table alembic_version). Empty where none was made.
  type: dict
  returned: success
holds_anything: {description: Whether the database holds anything., type: bool, returned: success}
database_bytes: {description: Size of the database., type: int, returned: success}
missing_tools:
  description: The major version of the tools that an external server needs and this host lacks, or nothing.
  type: str
  returned: success
backups:
  description: The backups that there are, newest first, each as RV(backup).
  type: list
  elements: dict
  returned: success
dropped: {description: Names of the backups that were dropped., type: list, elements: str, returned: success}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.backup.take import look, take
from ..module_utils.backup.task import ARGUMENTS, missing_tools, perform, programs


def main() -> None:
    """Run the module."""
    more = {"keep": {"type": "int", "default": 5}, "room": {"type": "int", "default": 100}}
    module = AnsibleModule(argument_spec={**ARGUMENTS, **more}, supports_check_mode=True)

    def work(given: dict[str, Any], server: Any, store: Any) -> dict[str, Any]:
        taken = look(server, store, given["room"])
        missing = missing_tools(given, server) if taken.holds_anything else ""
        if taken.holds_anything and not module.check_mode:
            limits = {name: given[name] for name in ("keep", "jobs", "room")}
            taken = take(server, programs(given, server), store, **limits)
        backups = [backup.to_dict() for backup in reversed(store.backups())]
        return {
            "changed": taken.holds_anything,
            "missing_tools": missing,
            "backups": backups,
            **taken.to_dict(),
        }

    perform(module, work)


if __name__ == "__main__":
    main()
