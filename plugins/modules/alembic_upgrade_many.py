#!/usr/bin/python
# Copyright the Headway authors
# Apache License 2.0 (see LICENSE)
"""Ansible module: applies the pending migrations of many databases."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alembic_upgrade_many
short_description: Apply the pending alembic migrations of an app to many databases
version_added: 0.1.0
description:
  - Brings each of many databases, or tenants in schemas of one, to the revision asked for, as
    M(headway.deploy.alembic_upgrade) does one, with its lock, timeouts, verification and record.
  - All are looked at first. Those that have something pending are upgraded in waves, a bounded number at a time.
  - C(changed) is whether any version table before and after differ, both read from the database.
  - A rerun finds those that are at the target, and goes on with the others.
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
  only:
    description: Names of those that this run is about. By default all.
    type: list
    elements: str
  workers:
    description: How many databases are worked on at a time, each by processes of its own.
    type: int
    default: 2
  waves:
    description:
      - How many of those that have something pending each wave has, a number or a percentage, as Ansible's C(serial)
        has it. The last is repeated.
    type: list
    elements: str
    default: ["1", "10%", "100%"]
  max_failures:
    description:
      - How many databases may fail. Once more have, no other is begun, and the task fails.
      - A database that cannot be looked at has failed.
    type: int
    default: 0
  revision:
    description: The target, as with M(headway.deploy.alembic_upgrade).
    type: str
    default: heads
  allow_several_heads:
    description: Apply V(heads) also where the history has several of them.
    type: bool
    default: false
  lock:
    description:
      - Run only while no other migration of the same database and version table runs.
      - It is an advisory lock of a session of its own, so it needs no rights and ends with the run.
      - Needs PostgreSQL without a pooler in transaction mode in front; there it is refused unless this
        is V(false).
    type: bool
    default: true
  lock_wait:
    description: How many seconds to wait for another migration.
    type: float
    default: 60
  retry_for:
    description:
      - For how many seconds to go on trying where a revision cannot have its locks (SQLSTATE 55P03)
        or meets a deadlock (40P01), after growing waits.
      - Only where it was rolled back whole.
    type: float
    default: 60
  lock_timeout:
    description:
      - How long a statement may wait for a lock, with its unit. V(0) is for ever, the empty text
        leaves what the server has for the role.
      - While a statement waits for a strong lock, everything that comes after it waits too, so a
        short time here is what keeps the app answering.
      - It is set on every connection that C(env.py) makes, whichever driver it uses; what C(env.py)
        sets itself after connecting prevails.
      - What builds or drops C(CONCURRENTLY) is exempt from both timeouts, since it makes nobody wait
        who reads or writes, and leaves an invalid index behind when it is cut off.
    type: str
    default: 2s
  statement_timeout:
    description: How long a statement may take, as O(lock_timeout). Empty by default.
    type: str
    default: ""
  record:
    description:
      - Write the run down in the schema C(headway) of the database, which is created for it. The role
        needs the right to create schemas there (C(CREATE) on the database).
      - Where it cannot be written, that is a warning. The app's roles get no rights there.
    type: bool
    default: true
  edited:
    description: What it is when the file of an applied revision was edited since it was applied.
    type: str
    choices: ["off", warn, error]
    default: warn
  who:
    description: In whose name this runs, for those who wait for it. The session's C(application_name)
      has it, where the app gives none.
    type: str
    default: ""
  release:
    description: What is released, shown like O(who).
    type: str
    default: ""
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
    description: Can run in check mode and say what is pending where.
  diff_mode:
    support: partial
    description: Will return details on what has changed or would change.
    details: The revisions of each database, without their SQL.
  idempotent:
    support: partial
    description: When run twice in a row with the same arguments, the second changes nothing.
    details: With a relative O(revision) such as V(+1) each run goes a step further.
notes:
  - Needs alembic 1.13 or newer, SQLAlchemy 1.4 or newer and the app's database driver on the host.
seealso:
  - module: headway.deploy.alembic_upgrade
"""

EXAMPLES = r"""
- name: Migrate the tenants that the catalogue has
  headway.deploy.alembic_upgrade_many:
    config: /opt/evaluation_app/current/app/alembic.ini
    databases:
      query: select name, database from tenant where live order by name
      url: "{{ catalogue_url }}"
    waves: ["1", "10%", "100%"]
    user: evaluation_app
  vars:
    ansible_python_interpreter: /opt/evaluation_app/current/venv/bin/python

- name: Migrate two tenants' schemas
  headway.deploy.alembic_upgrade_many:
    config: /opt/evaluation_app/current/app/alembic.ini
    databases:
      - {name: acme, x_arguments: [tenant=acme]}
      - {name: widgets, x_arguments: [tenant=widgets]}
  vars:
    ansible_python_interpreter: /opt/evaluation_app/current/venv/bin/python
"""

RETURN = r"""
target:
  description: The revision asked for.
  returned: always, once the databases were looked at
  type: str
databases:
  description: What came of each, in the order in which they were named.
  returned: always, once the databases were looked at
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    outcome:
      description: V(done), V(at_head), V(pending) in check mode, V(failed) or V(not_tried).
      type: str
    database:
      description: Where C(env.py) connected to, without the password. Empty where it did not get that far.
      type: str
    addresses:
      description: The same as URLs, without the password. PostgreSQL only.
      type: list
      elements: str
    before:
      description: Revisions in its version table before the run.
      type: list
      elements: str
    after:
      description: Revisions in its version table after the run.
      type: list
      elements: str
    applied:
      description: Ids of the revisions that were applied.
      type: list
      elements: str
    pending:
      description: Ids of the revisions that are left.
      type: list
      elements: str
    wave:
      description: In which wave it was upgraded, from 1.
      type: int
    seconds:
      description: How long that took.
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
      description: What C(env.py) and the revisions printed.
      type: list
      elements: str
waves:
  description: The names that each wave has, or would have.
  returned: always, once the databases were looked at
  type: list
  elements: list
counts:
  description: How many came to each outcome.
  returned: always, once the databases were looked at
  type: dict
stopped:
  description: Why not all were tried, as a sentence. Empty where they were.
  returned: always, once the databases were looked at
  type: str
kind:
  description: Name of the fault, for programs, for instance C(databases_failed).
  returned: failure
  type: str
"""

from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.headway.fleet.members import chosen
from ..module_utils.headway.fleet.options import FleetOptions
from ..module_utils.headway.fleet.sources import find
from ..module_utils.headway.fleet.text import diff
from ..module_utils.headway.fleet.upgrade import upgrade
from ..module_utils.headway.project import Project
from ..module_utils.headway.task import ARGUMENTS, RUN_ARGUMENTS, perform, run_options

OPTIONS: dict[str, dict[str, Any]] = {
    "only": {"type": "list", "elements": "str"},
    "workers": {"type": "int", "default": 2},
    "waves": {"type": "list", "elements": "str", "default": ["1", "10%", "100%"]},
    "max_failures": {"type": "int", "default": 0},
}


def migrate(module: AnsibleModule, project: Project) -> dict[str, Any]:
    """Upgrade, or in check mode tell what that would do."""
    given = module.params
    members = find(given["databases"], project)
    if given["only"] is not None:
        members = chosen(members, given["only"])
    options = FleetOptions(
        target=given["revision"],
        workers=given["workers"],
        waves=tuple(given["waves"]),
        max_failures=given["max_failures"],
        allow_several_heads=given["allow_several_heads"],
        edited=given["edited"],
    )
    fleet = upgrade(project, members, options, run_options(given), dry=module.check_mode)
    result = fleet.to_dict()
    if module.check_mode:
        result["changed"] = bool(fleet.waves)
    if module._diff:
        result["diff"] = diff(fleet)
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **ARGUMENTS,
            "databases": {"type": "raw", "required": True, "no_log": True},
            **OPTIONS,
            "revision": {"type": "str", "default": "heads"},
            "allow_several_heads": {"type": "bool", "default": False},
            "edited": {"type": "str", "choices": ["off", "warn", "error"], "default": "warn"},
            **RUN_ARGUMENTS,
        },
        supports_check_mode=True,
    )
    perform(module, partial(migrate, module))


if __name__ == "__main__":
    main()
