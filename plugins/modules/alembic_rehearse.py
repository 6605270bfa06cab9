#!/usr/bin/python
# Copyright the Headway authors
# Apache License 2.0 (see LICENSE)
"""Ansible module: runs pending migrations in a scratch database."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alembic_rehearse
short_description: Run pending alembic migrations in a scratch database
version_added: 0.1.0
description:
  - Makes a scratch database of the live one's schema on the same server, or takes the one that
    M(headway.deploy.postgres_scratch) has made, runs the pending revisions there, down and up again, and
    tells what each did. SQL, seconds, locks, tables rewritten, drift from the models, and whether its
    downgrade takes it back.
  - The live database is only read. The scratch database is dropped at the end.
  - A revision that fails there is a result (RV(outcome=failed)), not a failure of the task.
author:
  - The Headway authors
options:
  revision:
    description: The target, as with M(headway.deploy.alembic_upgrade).
    type: str
    default: heads
  allow_several_heads: {description: Whether V(heads) may be several., type: bool, default: false}
  command:
    description: The app's own command, if it migrates by one. That cannot be rehearsed.
    type: str
    default: ""
  rows:
    description: What of the live rows is copied where the scratch database is made here.
    type: str
    choices: [none, all]
    default: none
  scratch:
    description: A scratch database that was made for this run.
    type: str
    default: ""
  no_scratch:
    description: Why none could be made for this run. Nothing is run then.
    type: str
    default: ""
  who: {description: In whose name this runs., type: str, default: ""}
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
  check_mode: {support: full, description: It changes nothing that stays.}
  diff_mode: {support: none, description: Nothing to show.}
  idempotent: {support: full, description: It changes nothing that stays.}
notes:
  - What a revision does by other means than SQLAlchemy's connections (files, requests, a connection
    of a driver's own) it does for real, and three times (up, down, up).
"""

EXAMPLES = r"""
- name: Rehearse what is pending
  headway.deploy.alembic_rehearse:
    config: /opt/evaluation_app/current/app/alembic.ini
    user: evaluation_app
  vars:
    ansible_python_interpreter: /opt/evaluation_app/current/venv/bin/python
  register: rehearsal
"""

RETURN = r"""
outcome:
  description: V(passed), V(failed), V(inconclusive) or V(impossible); RV(not_rehearsed) says why.
  returned: success
  type: str
summary: {description: What it comes to, in a line., returned: success, type: str}
revisions: {description: What each revision did., returned: success, type: list, elements: dict}
failed_revision: {description: The revision that failed., returned: success, type: str}
reason: {description: How., returned: success, type: str}
drift:
  description: What autogenerate would propose afterwards, null where not known.
  returned: success
  type: list
  elements: str
down_and_up:
  description: V(same) where down and up again comes back to the same schema.
  returned: success
  type: str
not_rehearsed:
  description: What it does not tell, in sentences.
  returned: success
  type: list
  elements: str
dropped:
  description: Scratch databases of killed runs that were dropped.
  returned: success
  type: list
  elements: str
log: {description: What C(env.py) and the revisions printed., returned: always, type: list, elements: str}
"""

from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.headway.engine import plan, rehearse
from ..module_utils.headway.project import Project
from ..module_utils.headway.rehearsal import RehearsalOptions
from ..module_utils.headway.task import ARGUMENTS, perform

OPTIONS: dict[str, dict[str, Any]] = {
    "rows": {"type": "str", "choices": ["none", "all"], "default": "none"},
    "scratch": {"type": "str", "default": ""},
    "no_scratch": {"type": "str", "default": ""},
    "who": {"type": "str", "default": ""},
}


def run(module: AnsibleModule, project: Project) -> dict[str, Any]:
    """Give the rehearsal as the module returns it."""
    given = module.params
    planned = plan(
        project,
        given["revision"],
        allow_several_heads=given["allow_several_heads"],
        sql=False,
        edited="off",
        command=given["command"],
    )
    options = RehearsalOptions(**{name: given[name] for name in OPTIONS})
    rehearsal = rehearse(project, planned, given["command"], options)
    return {"changed": False, "summary": rehearsal.summary, **rehearsal.to_dict()}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **ARGUMENTS,
            "revision": {"type": "str", "default": "heads"},
            "allow_several_heads": {"type": "bool", "default": False},
            "command": {"type": "str", "default": ""},
            **OPTIONS,
        },
        supports_check_mode=True,
    )
    perform(module, partial(run, module))


if __name__ == "__main__":
    main()
