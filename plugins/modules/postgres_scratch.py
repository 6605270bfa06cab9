#!/usr/bin/python
# Copyright the Headway authors
# Apache License 2.0 (see LICENSE)
"""Ansible module: makes a scratch database beside a live one, for a rehearsal."""

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_scratch
short_description: Make a scratch database beside a live PostgreSQL database
version_added: 0.1.0
description:
  - Makes a database C(headway_rehearsal_...) with the live one's schema, owner, rights and settings,
    by C(pg_dump) and C(pg_restore) of the server's version. The live one is only read.
  - Needed where the role that migrates may not create databases. Only for the time of one run, which
    hands the name to M(headway.deploy.alembic_rehearse) and drops it afterwards.
  - Its comment marks it as scratch. One that a killed run has left is dropped by the next run; a
    database without the mark is never touched.
author: The Headway authors
options:
  database: {description: The live database., type: str, required: true}
  directory: {description: Where the dump lies while it is copied., type: path, required: true}
  state:
    description: V(present) makes one of a new name, V(absent) drops O(name).
    type: str
    choices: [present, absent]
    default: present
  name: {description: The scratch database to drop., type: str, default: ''}
  rows:
    description: What is copied of it. V(none) of its rows, all of them, or, with V(empty), not even the schema.
    type: str
    choices: [none, all, empty]
    default: none
  who: {description: In whose name it is made., type: str, default: ''}
  jobs: {description: Not used., type: int, default: 2}
  server:
    description: As for M(headway.deploy.postgres_backup).
    type: dict
    required: true
    suboptions:
      backend:
        description: Whose tools.
        type: str
        choices: [service, container, external]
        required: true
      host: {description: Address, or directory of the server's socket., type: str, required: true}
      port: {description: TCP port, which also names the socket., type: int, required: true}
      user: {description: Role to log in as., type: str, required: true}
      password: {description: Its password., type: str, default: ''}
      parameters: {description: More of libpq's parameters., type: dict, default: {}}
      container: {description: The server's container., type: str}
      container_port: {description: The server's port in its container., type: int, default: 5432}
      engine_socket:
        description: Where the container's engine listens.
        type: path
        default: /var/run/docker.sock
attributes:
  check_mode: {support: none, description: It is for the time of a run alone.}
  diff_mode: {support: none, description: Nothing to show.}
  idempotent: {support: none, description: Each run makes a new one.}
notes:
  - It never reports a change, since nothing of what it makes stays.
"""

EXAMPLES = r"""
- name: Have a scratch database
  postgres_scratch:
    database: evaluation_app
    directory: /var/backups/headway
    server: {backend: service, host: /var/run/postgresql, port: 5432, user: postgres}
  register: scratch
"""

RETURN = r"""
name: {description: Its name; empty where none could be made., type: str, returned: success}
reason: {description: Why none could be made, in a sentence., type: str, returned: success}
dropped: {description: Those of killed runs that were dropped., type: list, elements: str, returned: success}
"""

from functools import partial
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.backup import tools
from ..module_utils.backup.errors import BackupError
from ..module_utils.backup.server import Server, Session
from ..module_utils.backup.task import ARGUMENTS, perform, programs
from ..module_utils.headway import scratch

Result = dict[str, Any]


def make(module: AnsibleModule, given: Result, server: Server, live: Session) -> Result:
    """Make it; where that fails, leave nothing, and give the reason."""
    dropped = scratch.drop_leftovers(live)
    if reason := scratch.may_create(live):
        return {"name": "", "reason": f"{reason}.", "dropped": dropped}
    name = scratch.new_name(given["database"])
    try:
        lacking = fill(given, server, live, name)
    except BackupError as error:
        scratch.drop(live, name)
        reason = f"No scratch database could be made of {given['database']}: {error}"
        return {"name": "", "reason": reason, "dropped": dropped}
    except BaseException:
        scratch.drop(live, name)
        raise
    for what in lacking:
        module.warn(f"The scratch database of {given['database']} was not given: {what}")
    return {"name": name, "reason": "", "dropped": dropped}


def fill(given: Result, server: Server, live: Session, name: str) -> list[str]:
    """Make a database of this name and copy into it; give what it could not be given."""
    scratch.create(live, name, given["who"], handed_over=True)
    lacking = []
    if given["rows"] != scratch.EMPTY:
        kit = programs(given, server)
        folder = Path(given["directory"])
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = kit.server(server)
        parameters = {
            **there.parameters,
            "host": there.host,
            "port": str(there.port),
            "user": there.user,
        }
        run = partial(
            tools.run, kit, work=folder, environment=there.environment("headway rehearsal")
        )
        words = scratch.copy(run, parameters, given["database"], name, given["rows"], folder)
        lacking = [words] if words else []
    return lacking + scratch.give_properties(live, name)


def work(module: AnsibleModule, given: Result, server: Server, store: Any) -> Result:
    """Make it or drop it, in a session of the live database."""
    with server.session(given["database"]) as live:
        if given["state"] == "present":
            return {"changed": False, **make(module, given, server, live)}
        if scratch.is_scratch(live, given["name"]):
            scratch.drop(live, given["name"])
        return {"changed": False, "name": "", "reason": "", "dropped": []}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **ARGUMENTS,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str", "default": ""},
            "rows": {"type": "str", "choices": ["none", "all", "empty"], "default": "none"},
            "who": {"type": "str", "default": ""},
        },
        required_if=[("state", "absent", ["name"])],
    )
    perform(module, partial(work, module))


if __name__ == "__main__":
    main()
