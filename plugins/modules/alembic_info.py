#!/usr/bin/python
# Copyright the Headway authors
# Apache License 2.0 (see LICENSE)
"""Ansible module: reads where a database and its migrations stand."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alembic_info
short_description: Where a database and its alembic migrations stand
version_added: 0.1.0
description:
  - Reads the revisions in the database, through the app's own C(env.py), and those in the files.
  - Changes neither. An empty database gets no version table.
  - Must run with the interpreter that has the app's packages, so set
    C(ansible_python_interpreter) to that of the app's virtual environment on the task.
author:
  - The Headway authors
options:
  config:
    description: Path of the app's C(alembic.ini), or of a C(pyproject.toml) with C([tool.alembic]).
    type: path
    required: true
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
    description: Can run in check mode and return the same, since it changes nothing.
    support: full
  diff_mode:
    description: Will return details on what has changed when in diff mode.
    support: none
    details: It changes nothing.
  idempotent:
    description: When run twice in a row with the same arguments, the second has the same outcome.
    support: full
notes:
  - C(env.py) is run, and what it does besides migrating (statements that it sends itself) it does.
  - Needs alembic 1.13 or newer, SQLAlchemy 1.4 or newer and the app's database driver on the host.
seealso:
  - module: headway.deploy.alembic_upgrade
"""

EXAMPLES = r"""
- name: See where the database stands
  headway.deploy.alembic_info:
    config: /opt/evaluation_app/current/app/alembic.ini
    user: evaluation_app
  vars:
    ansible_python_interpreter: /opt/evaluation_app/current/venv/bin/python
  register: database

- name: Stop where something is pending
  ansible.builtin.assert:
    that: database.at_head
    fail_msg: "{{ database.pending | map(attribute='revision') | join(', ') }} pending"
"""

RETURN = r"""
database:
  description: Where C(env.py) connected to, without the password.
  returned: success
  type: str
  sample: postgresql database evaluation_app at 127.0.0.1:5432 as evaluation_app_owner
current:
  description: Revisions in the version table. Empty before the first migration.
  returned: success
  type: list
  elements: str
heads:
  description: What the version table holds once everything is applied.
  returned: success
  type: list
  elements: str
at_head:
  description: Whether the database is there.
  returned: success
  type: bool
unknown:
  description:
    - Revisions of the database that no file has.
    - Where there are any, the code is older than the database, and C(pending) is empty because it
      cannot be told.
  returned: success
  type: list
  elements: str
pending:
  description: Revisions not applied yet, in order, each as in C(history).
  returned: success
  type: list
  elements: dict
graph:
  description: Where a history with several heads parts, drawn as text. Empty for another.
  returned: success
  type: str
branches:
  description: Revisions after which the history goes on in more than one way.
  returned: success
  type: list
  elements: dict
  contains:
    revision:
      description: The revision.
      type: str
    into:
      description: The revisions that follow it.
      type: list
      elements: str
history:
  description: All revisions in the files, each after those it depends on.
  returned: success
  type: list
  elements: dict
  contains:
    revision:
      description: Its id.
      type: str
    message:
      description: The first paragraph of its docstring.
      type: str
    description:
      description: What its author wrote below that.
      type: str
    file:
      description: The path of its file.
      type: str
    down_revision:
      description: The revisions it follows.
      type: list
      elements: str
    depends_on:
      description: Other revisions it needs, as the file has them.
      type: list
      elements: str
    branch_labels:
      description: Names of the branch it is on.
      type: list
      elements: str
    parents:
      description: All revisions it comes after.
      type: list
      elements: str
    allowed:
      description: Rules of the review of a plan that its author says may be broken, each with the reason.
      type: list
      elements: dict
runs:
  description:
    - The last runs of Headway's on this version table, newest first, as the schema C(headway) of the
      database has them. Empty where none is recorded, or where the role may not read it.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The run's id.
      type: str
    version_tables:
      description: The version tables it was about.
      type: list
      elements: str
    direction:
      description: V(up).
      type: str
    target:
      description: The revision asked for.
      type: str
    before:
      description: Revisions in the version table before.
      type: list
      elements: str
    after:
      description: Revisions in the version table after.
      type: list
      elements: str
    who:
      description: In whose name it ran.
      type: str
    role:
      description: The role in the database.
      type: str
    release:
      description: What was released.
      type: str
    started:
      description: When it began, in UTC.
      type: str
    seconds:
      description: How long it took, with all waiting.
      type: float
    retries:
      description: How often it tried again.
      type: int
    outcome:
      description: V(applied), V(failed), V(running), or V(interrupted) where it ended without a word.
      type: str
    reason:
      description: Why it failed.
      type: str
    revisions:
      description: The revisions that it applied.
      type: list
      elements: str
edited:
  description: Applied revisions whose files are not any more what was applied, as the record has it.
  returned: success
  type: list
  elements: dict
  contains:
    revision:
      description: Its id.
      type: str
    file:
      description: The path of its file.
      type: str
    applied:
      description: When it was applied, in UTC.
      type: str
already_there:
  description:
    - Tables of a database without any revision that pending ones would create. Where there are any,
      it is to be adopted (M(headway.deploy.alembic_adopt)) before it can be upgraded.
  returned: success
  type: list
  elements: str
invalid_indexes:
  description: Indexes that a build left invalid, on PostgreSQL. They serve no query; drop them and build them again.
  returned: success
  type: list
  elements: str
warnings:
  description: What deserves attention, a sentence each. Ansible shows them.
  returned: where there is something
  type: list
  elements: str
log:
  description: What C(env.py) printed, line by line.
  returned: always
  type: list
  elements: str
kind:
  description: Name of the fault, for programs, for instance C(wrong_password).
  returned: failure
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.headway.engine import status
from ..module_utils.headway.project import Project
from ..module_utils.headway.report import graph_text
from ..module_utils.headway.task import ARGUMENTS, perform


def read(project: Project) -> dict[str, Any]:
    """Give the status as the module returns it."""
    standing = status(project)
    return {"changed": False, **standing.to_dict(), "graph": graph_text(standing)}


def main() -> None:
    """Run the module."""
    perform(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), read)


if __name__ == "__main__":
    main()
