#!/usr/bin/python
# Copyright the Headway authors
# Apache License 2.0 (see LICENSE)
"""Ansible module: reads where many databases and their migrations stand."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alembic_info_many
short_description: Where many databases stand with an app's alembic migrations
version_added: 0.1.0
description:
  - Reads the revisions in each of many databases, or tenants in schemas of one, and those in the files, as
    M(headway.deploy.alembic_info) does with one. Changes neither.
  - A database that is ahead of the files, or that cannot be looked at, is a result, not a failure of the task.
  - Must run with the interpreter that has the app's packages, so set
    C(ansible_python_interpreter) to that of the app's virtual environment on the task.
author:
  - The Headway authors
options:
  config:
    description: Path of the app's C(alembic.ini), or of a C(pyproject.toml) with C([tool.alembic]).
    type: path
    required: true
  databases:
    description:
      - Which databases there are. A list, each with C(name) and how C(env.py) finds it, that is C(url)
        (in place of C(sqlalchemy.url)), C(x_arguments) or C(environment).
      - Or a mapping of C(query) and C(url), asked of a catalogue database, with the columns C(name) and C(url),
        C(database) (one beside the catalogue), C(x_argument) or C(x_arguments).
      - Or a mapping of C(command), run in the folder of O(config) as O(user), that prints such an entry as JSON on
        each line.
      - It is shown nowhere.
    type: raw
    required: true
  workers:
    description: How many databases are worked on at a time, each by processes of its own.
    type: int
    default: 2
  name:
    description: Section of the file, as with C(alembic --name).
    type: str
    default: alembic
  x_arguments:
    description: Arguments for C(env.py), each as with C(alembic -x).
    type: list
    elements: str
    default: []
  environment:
    description:
      - Environment variables for C(env.py) and the revisions.
      - They are shown nowhere, and the passwords in them are blanked out of everything returned.
    type: dict
    default: {}
  user:
    description:
      - Account that C(env.py) and the revisions run as. The module, which must then run as root,
        takes on its uid, groups and C(HOME) before any of the app's code is loaded, so that
        neither sudo nor su is needed on the host.
      - The account needs to be able to execute the interpreter.
      - Without it the app's code runs as the account that the task runs as.
    type: str
attributes:
  check_mode:
    support: full
    description: Can run in check mode and return the same, since it changes nothing.
  diff_mode:
    support: none
    description: Will return details on what has changed when in diff mode.
    details: It changes nothing.
  idempotent:
    support: full
    description: When run twice in a row with the same arguments, the second has the same outcome.
notes:
  - Needs alembic 1.13 or newer, SQLAlchemy 1.4 or newer and the app's database driver on the host.
seealso:
  - module: headway.deploy.alembic_info
  - module: headway.deploy.alembic_upgrade_many
"""

EXAMPLES = r"""
- name: See where the tenants stand
  headway.deploy.alembic_info_many:
    config: /opt/evaluation_app/current/app/alembic.ini
    databases:
      query: select name, database from tenant where live order by name
      url: "{{ catalogue_url }}"
    user: evaluation_app
  vars:
    ansible_python_interpreter: /opt/evaluation_app/current/venv/bin/python
  register: tenants

- name: Stop where one is not at head
  ansible.builtin.assert:
    that: tenants.counts.at_head == tenants.databases | length
    fail_msg: "{{ tenants.text }}"
"""

RETURN = r"""
databases:
  description: Where each stands, in the order in which they were named.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    outcome:
      description: V(at_head), V(pending), V(ahead) of the files, or V(failed).
      type: str
    database:
      description: Where C(env.py) connected to, without the password. Empty where it did not get that far.
      type: str
    addresses:
      description: The same as URLs, without the password. PostgreSQL only.
      type: list
      elements: str
    before:
      description: Revisions in its version table.
      type: list
      elements: str
    after:
      description: The same.
      type: list
      elements: str
    applied:
      description: Empty.
      type: list
      elements: str
    pending:
      description: Ids of the revisions that it is behind by, in order.
      type: list
      elements: str
    wave:
      description: Null.
      type: int
    seconds:
      description: Null.
      type: float
    kind:
      description: Name of the fault, for programs.
      type: str
    reason:
      description: The fault, in a sentence.
      type: str
    warnings:
      description: What deserves attention.
      type: list
      elements: str
    log:
      description: What C(env.py) and the revisions printed, where that failed.
      type: list
      elements: str
counts:
  description: How many there are of each outcome.
  returned: success
  type: dict
text:
  description: The same for a person, a line for each database. Those that are not at head come first.
  returned: success
  type: str
kind:
  description: Name of the fault, for programs, for instance C(bad_databases).
  returned: failure
  type: str
"""

from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.headway.fleet.options import FleetOptions
from ..module_utils.headway.fleet.sources import find
from ..module_utils.headway.fleet.text import fleet_text
from ..module_utils.headway.fleet.upgrade import status
from ..module_utils.headway.project import Project
from ..module_utils.headway.task import ARGUMENTS, perform


def look(module: AnsibleModule, project: Project) -> dict[str, Any]:
    """Give where each stands."""
    options = FleetOptions(workers=module.params["workers"])
    fleet = status(project, find(module.params["databases"], project), options)
    told = fleet.to_dict()
    return {
        "changed": False,
        "databases": told["databases"],
        "counts": told["counts"],
        "text": fleet_text(fleet, every=True),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **ARGUMENTS,
            "databases": {"type": "raw", "required": True, "no_log": True},
            "workers": {"type": "int", "default": 2},
        },
        supports_check_mode=True,
    )
    perform(module, partial(look, module))


if __name__ == "__main__":
    main()
