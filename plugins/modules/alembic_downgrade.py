#!/usr/bin/python
# Copyright the Headway authors
# Apache License 2.0 (see LICENSE)
"""Ansible module: takes applied migrations back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alembic_downgrade
short_description: Take alembic migrations of an app back
version_added: 0.1.0
description:
  - Takes revisions back with their own C(downgrade), through the app's own C(env.py), unchanged, the last one first.
  - Refuses where a revision has no way back, or where data would be lost that O(accept_loss) does not accept.
    What is dropped is told from the statements, and the database says whether it holds rows now.
  - C(changed) is whether the version table before and after differ, both read from the database.
  - Each revision gets a transaction of its own, unless C(env.py) says otherwise, so that those
    before one that fails stay taken back and a rerun resumes there.
  - Runs under the same lock, timeouts and retries as M(headway.deploy.alembic_upgrade), and is written down like it.
  - Must run with the interpreter that has the app's packages, so set
    C(ansible_python_interpreter) to that of the app's virtual environment on the task.
author:
  - The Headway authors
options:
  config:
    description: Path of the app's C(alembic.ini), or of a C(pyproject.toml) with C([tool.alembic]).
    type: path
    required: true
  revision:
    description:
      - Where to end, in alembic's words. V(-1), an id or the beginning of one, V(branch@-1), or V(base).
      - Exactly one of this and O(stays) is given.
    type: str
    default: ""
  stays:
    description:
      - The ids of all revisions that another release of the app knows, as C(history) of
        M(headway.deploy.alembic_info) has them. What is applied and not among them is taken back.
    type: list
    elements: str
  accept_loss:
    description:
      - Go down also where what is dropped holds rows, or may hold some, or a C(downgrade) is empty and leaves the
        schema as it is.
      - A revision that has no C(downgrade), or one that raises C(NotImplementedError), stops it all the same.
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
    description: Can run in check mode and return what it would change, without changing it.
    support: full
    details:
      - The database is read and C(changed) is the same comparison, with the revisions that would
        be taken back left out.
      - The revisions' functions are executed to learn their SQL, without a database connection.
        What a revision does by other means (files, requests, a connection that it opens itself)
        it does in check mode too, as it does with C(alembic upgrade --sql).
  diff_mode:
    description: Will return details on what has changed or would change.
    support: partial
    details: Revisions, what each drops, and their SQL. A revision that reads rows is named, without its SQL.
  idempotent:
    description: When run twice in a row with the same arguments, the second changes nothing.
    support: partial
    details: With a relative O(revision) such as V(-1) each run goes a step further.
notes:
  - C(env.py) is run up to three times, each in a process of its own. To see what is pending, to
    take it back, and to verify. Only the first happens where nothing is.
  - Needs alembic 1.13 or newer, SQLAlchemy 1.4 or newer and the app's database driver on the host.
seealso:
  - module: headway.deploy.alembic_info
  - module: headway.deploy.alembic_upgrade
"""

EXAMPLES = r"""
- name: Take the last revision back, where nothing is lost with it
  headway.deploy.alembic_downgrade:
    config: /opt/evaluation_app/current/app/alembic.ini
    revision: "-1"
    user: evaluation_app
  vars:
    ansible_python_interpreter: /opt/evaluation_app/current/venv/bin/python

- name: Know what the earlier release knows
  headway.deploy.alembic_info:
    config: /opt/evaluation_app/previous/app/alembic.ini
    user: evaluation_app
  vars:
    ansible_python_interpreter: /opt/evaluation_app/previous/venv/bin/python
  register: earlier

- name: Take back what it does not know
  headway.deploy.alembic_downgrade:
    config: /opt/evaluation_app/current/app/alembic.ini
    stays: "{{ earlier.history | map(attribute='revision') }}"
    user: evaluation_app
  vars:
    ansible_python_interpreter: /opt/evaluation_app/current/venv/bin/python
"""

RETURN = r"""
database:
  description: Where C(env.py) connected to, without the password.
  returned: success
  type: str
  sample: postgresql database evaluation_app at 127.0.0.1:5432 as evaluation_app_owner
target:
  description: The revision asked for, or where O(stays) leads.
  returned: success
  type: str
direction:
  description: V(down).
  returned: success
  type: str
before:
  description: Revisions in the version table before the run.
  returned: always, once the database was read
  type: list
  elements: str
after:
  description: Revisions in the version table after the run; in check mode, as they would be.
  returned: always, once the database was read
  type: list
  elements: str
heads:
  description: What the version table holds once everything is applied.
  returned: always, once the files were read
  type: list
  elements: str
applied:
  description: Revisions that the run took back, in order. Empty in check mode.
  returned: always, once the database was read
  type: list
  elements: dict
  contains:
    revision:
      description: Its id.
      type: str
    message:
      description: The first paragraph of its docstring.
      type: str
    seconds:
      description: Time until after its commit. Null where the run ended before it could tell.
      type: float
pending:
  description:
    - Revisions on the way to the target that are applied. In check mode those that would be taken back,
      after a failure those that are left, otherwise empty.
  returned: always, once the database was read
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
    statements:
      description:
        - What it sends, each with the line of its file that does, null for what alembic sends by itself.
        - Null where only the run can tell, or it was not asked for.
      type: list
      elements: dict
    sql:
      description: The statements as one text.
      type: str
    allowed:
      description: Rules of the review that its author says may be broken, each with the reason.
      type: list
      elements: dict
    sql_unknown:
      description: Why only the run can tell.
      type: str
sql_complete:
  description: Whether the SQL of every pending revision is known.
  returned: in check mode
  type: bool
server:
  description: PostgreSQL's version. Empty for another database.
  returned: in check mode
  type: str
tables:
  description: Empty on the way down.
  returned: in check mode
  type: list
  elements: dict
losses:
  description: What the downgrade drops.
  returned: in check mode, and where it was refused
  type: list
  elements: dict
  contains:
    revision:
      description: The revision whose C(downgrade) drops it.
      type: str
    what:
      description: For instance C(table person) or C(column person.email).
      type: str
    holds_rows:
      description: Whether it holds anything now. Null where that is not known.
      type: bool
no_downgrade:
  description: Revisions that have no way back.
  returned: in check mode, and where it was refused
  type: list
  elements: dict
  contains:
    revision:
      description: Its id.
      type: str
    file:
      description: The path of its file.
      type: str
    line:
      description: Where in the file.
      type: int
    why:
      description: What is there in its place.
      type: str
    runs:
      description: Whether it can be run all the same, being empty.
      type: bool
hurts:
  description: What keeps the downgrade from being harmless, a line each.
  returned: in check mode
  type: list
  elements: str
snapshot:
  description: Null; see M(headway.deploy.alembic_upgrade).
  returned: always, once the database was read
  type: dict
invalid_indexes:
  description: Indexes that the run left invalid, on PostgreSQL. Where there are any, it failed.
  returned: always, once the downgrade was run
  type: list
  elements: str
waits:
  description: What the run had to wait for.
  returned: always, once the upgrade was run, and where another migration held the lock
  type: list
  elements: dict
  contains:
    cause:
      description:
        - V(migration) where another one held the lock.
        - V(lock) or V(deadlock) where a revision was rolled back and tried again.
      type: str
    revision:
      description: The revision that was tried again.
      type: str
    seconds:
      description: How long it waited.
      type: float
    sessions:
      description: Who was in the way, as C(pg_stat_activity) has them. The literals of the query are hidden.
      type: list
      elements: dict
warnings:
  description: What deserves attention, a sentence each. Ansible shows them.
  returned: where there is something
  type: list
  elements: str
log:
  description: What C(env.py) and the revisions printed, line by line.
  returned: always
  type: list
  elements: str
kind:
  description: Name of the fault, for programs, for instance C(data_loss) or C(revision_failed).
  returned: failure
  type: str
sqlstate:
  description: The database's code of the error.
  returned: failure, where the database gave one
  type: str
"""

from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.headway.engine import downgrade, plan_downgrade
from ..module_utils.headway.plan_report import diff
from ..module_utils.headway.project import Project
from ..module_utils.headway.task import ARGUMENTS, RUN_ARGUMENTS, perform, predicted, run_options


def take_back(module: AnsibleModule, project: Project) -> dict[str, Any]:
    """Downgrade, or in check mode tell what that would do."""
    given = module.params
    planned = plan_downgrade(project, given["revision"], stays=given["stays"])
    if module.check_mode:
        result = {**predicted(planned), "hurts": planned.hurts}
    else:
        options, accept_loss = run_options(given), given["accept_loss"]
        result = downgrade(project, planned, options, accept_loss=accept_loss).to_dict()
    if module._diff:
        result["diff"] = diff(planned)
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **ARGUMENTS,
            "revision": {"type": "str", "default": ""},
            "stays": {"type": "list", "elements": "str"},
            "accept_loss": {"type": "bool", "default": False},
            **RUN_ARGUMENTS,
        },
        supports_check_mode=True,
    )
    perform(module, partial(take_back, module))


if __name__ == "__main__":
    main()
