#!/usr/bin/python
# Copyright the Headway authors
# Apache License 2.0 (see LICENSE)
"""Ansible module: applies the pending migrations."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alembic_upgrade
short_description: Apply the pending alembic migrations of an app
version_added: 0.1.0
description:
  - Brings the database to the revision asked for, through the app's own C(env.py), unchanged.
  - C(changed) is whether the version table before and after differ, both read from the database.
  - Each revision gets a transaction of its own, unless C(env.py) says otherwise, so that those
    before one that fails are kept and a rerun resumes there.
  - Reads the database again after the run, and fails when it is not where it should be.
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
      - Where to go. V(heads), an id or the beginning of one, V(+1), or V(branch@head); several with
        blanks between.
      - A revision that is applied already leaves everything as it is; nothing is downgraded;
        M(headway.deploy.alembic_downgrade) does that.
    type: str
    default: heads
  allow_several_heads:
    description:
      - Apply V(heads) also where the history has several of them.
      - Without it that is refused, since two heads are most often a merge that was forgotten.
    type: bool
    default: false
  command:
    description:
      - A shell command of the app's own, run in place of alembic's upgrade in the folder of
        O(config), with the interpreter's programs first on C(PATH).
      - It runs only where something is pending, and the database is read before and after it.
    type: str
    default: ""
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
        sets itself after connecting prevails. For O(command) it is handed on in C(PGOPTIONS).
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
  snapshot:
    description:
      - Whether an empty database is loaded from the app's snapshot, C(snapshot.sql) beside C(env.py), in
        place of the revisions that it stands for. Those that came after it run as usual.
      - V(auto) does where the files of all its revisions are unchanged, and says in RV(snapshot) why not where
        not. V(off) runs the revisions.
    type: str
    choices: [auto, "off"]
    default: auto
  edited:
    description:
      - What it is when the file of an applied revision was edited since it was applied. The record
        tells, so revisions applied by other means are not judged.
    type: str
    choices: ["off", warn, error]
    default: warn
  lint:
    description:
      - In check mode, whether the pending SQL is judged on the controller, and a danger is a fault.
      - Needs C(pglast) and C(squawk) there. Where they are not, V(warn) says so and shows the plan alone,
        V(error) fails.
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
  action:
    description: Its result in check mode is reviewed on the controller.
    support: full
  check_mode:
    description: Can run in check mode and return what it would change, without changing it.
    support: full
    details:
      - The database is read and C(changed) is the same comparison, with the revisions that would
        be applied put in.
      - The revisions' functions are executed to learn their SQL, without a database connection.
        What a revision does by other means (files, requests, a connection that it opens itself)
        it does in check mode too, as it does with C(alembic upgrade --sql).
  diff_mode:
    description: Will return details on what has changed or would change.
    support: partial
    details: Revisions and their SQL. A revision that reads rows is named, without its SQL.
  idempotent:
    description: When run twice in a row with the same arguments, the second changes nothing.
    support: partial
    details: With a relative O(revision) such as V(+1) each run goes a step further.
notes:
  - C(env.py) is run up to three times, each in a process of its own. To see what is pending, to
    apply it, and to verify. Only the first happens where nothing is pending.
  - Needs alembic 1.13 or newer, SQLAlchemy 1.4 or newer and the app's database driver on the host.
seealso:
  - module: headway.deploy.alembic_info
  - module: headway.deploy.alembic_downgrade
"""

EXAMPLES = r"""
- name: Migrate to head
  headway.deploy.alembic_upgrade:
    config: /opt/evaluation_app/current/app/alembic.ini
    user: evaluation_app
  vars:
    ansible_python_interpreter: /opt/evaluation_app/current/venv/bin/python
  register: migration

- name: Migrate a tenant of an app that takes its URL from the environment
  headway.deploy.alembic_upgrade:
    config: /opt/evaluation_app/current/app/alembic.ini
    x_arguments:
      - tenant=acme
    environment:
      DATABASE_URL: "{{ database_url }}"
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
  description: The revision asked for.
  returned: success
  type: str
direction:
  description: V(up).
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
  description: Revisions that the run applied, in order. Empty in check mode.
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
    - Revisions on the way to the target that are not applied. In check mode those that would be,
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
losses:
  description: Empty; see M(headway.deploy.alembic_downgrade).
  returned: in check mode
  type: list
  elements: dict
no_downgrade:
  description: Empty; see M(headway.deploy.alembic_downgrade).
  returned: in check mode
  type: list
  elements: dict
sql_complete:
  description: Whether the SQL of every pending revision is known.
  returned: in check mode
  type: bool
server:
  description: PostgreSQL's version. Empty for another database.
  returned: in check mode
  type: str
tables:
  description: Tables that are there and that the pending SQL names, with their sizes as the server estimates them.
  returned: in check mode
  type: list
  elements: dict
review:
  description:
    - For each pending revision the tables it touches with the lock it takes and the dangers in it, with the safe way.
    - C(docs/plan.md) has its form.
  returned: in check mode, unless O(lint) is V(off)
  type: dict
refused:
  description: Why O(lint=error) refuses the plan, as a sentence. Empty where it does not.
  returned: in check mode
  type: str
text:
  description: Plan and review as text for a person, as diff mode shows it.
  returned: in check mode
  type: str
snapshot:
  description: What was done with the app's snapshot, or in check mode would be. Null where the database has a revision
    already, and where O(snapshot=off).
  returned: always, once the database was read
  type: dict
  contains:
    file:
      description: Its path. Empty where the app has none.
      type: str
    loaded:
      description: The revisions in whose place it was loaded. Empty where it was not.
      type: list
      elements: str
    reason:
      description: Why it was not loaded.
      type: str
invalid_indexes:
  description: Indexes that the run left invalid, on PostgreSQL. Where there are any, it failed.
  returned: always, once the upgrade was run
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
  description: Name of the fault, for programs, for instance C(two_heads) or C(revision_failed).
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

from ..module_utils.headway.engine import plan, upgrade
from ..module_utils.headway.plan_report import diff
from ..module_utils.headway.project import Project
from ..module_utils.headway.task import ARGUMENTS, RUN_ARGUMENTS, perform, predicted, run_options

LINT = {"type": "str", "choices": ["off", "warn", "error"], "default": "warn"}


def migrate(module: AnsibleModule, project: Project) -> dict[str, Any]:
    """Upgrade, or in check mode tell what that would do."""
    planned = plan(
        project,
        module.params["revision"],
        allow_several_heads=module.params["allow_several_heads"],
        sql=module.check_mode or module._diff,
        edited=module.params["edited"],
        command=module.params["command"],
        snapshot=module.params["snapshot"] == "auto",
    )
    if module.check_mode:
        result = predicted(planned)
    else:
        result = upgrade(
            project, planned, module.params["command"], run_options(module.params)
        ).to_dict()
    if module._diff:
        result["diff"] = diff(planned)
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **ARGUMENTS,
            "revision": {"type": "str", "default": "heads"},
            "allow_several_heads": {"type": "bool", "default": False},
            "command": {"type": "str", "default": ""},
            "edited": {"type": "str", "choices": ["off", "warn", "error"], "default": "warn"},
            "snapshot": {"type": "str", "choices": ["auto", "off"], "default": "auto"},
            "lint": LINT,  # heeded by the action plugin
            **RUN_ARGUMENTS,
        },
        supports_check_mode=True,
    )
    perform(module, partial(migrate, module))


if __name__ == "__main__":
    main()
