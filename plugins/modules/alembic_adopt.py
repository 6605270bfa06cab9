#!/usr/bin/python
# Copyright the Headway authors
# Apache License 2.0 (see LICENSE)
"""Ansible module: finds the revision whose schema a database without a version has."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alembic_adopt
short_description: Take an existing database into alembic's care
version_added: 0.1.0
description:
  - Runs the revisions one after the other in an empty scratch database, compares the schema after each with the
    live one's, and tells which revision has exactly that, or the nearest and the differences.
  - Stamps the live database with O(revision) where that is the one, and never without being told which.
author:
  - The Headway authors
options:
  revision:
    description: What to stamp it with. Empty compares only.
    type: str
    default: ""
  accept_differences:
    description: Stamp it though the schemas differ.
    type: bool
    default: false
  scratch:
    description: An empty scratch database that was made for this run.
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
  check_mode: {support: full, description: Compares and does not stamp.}
  diff_mode: {support: none, description: The differences are in the result.}
  idempotent: {support: full, description: A database that has a version is left as it is.}
"""

EXAMPLES = r"""
- name: Adopt a database that was made by hand
  headway.deploy.alembic_adopt:
    config: /opt/evaluation_app/current/app/alembic.ini
    revision: c6cc06acee49
  vars:
    ansible_python_interpreter: /opt/evaluation_app/current/venv/bin/python
"""

RETURN = r"""
summary: {description: What it comes to, in a sentence., returned: success, type: str}
before: {description: Revisions in the version table before., returned: success, type: list, elements: str}
after: {description: Revisions in the version table after., returned: success, type: list, elements: str}
matches:
  description: Revisions that have exactly this schema.
  returned: success
  type: list
  elements: dict
nearest: {description: The revision with the fewest differences., returned: success, type: dict}
differences:
  description: Those of the revision asked for or else of the nearest.
  returned: success
  type: list
  elements: dict
stopped: {description: Why later revisions could not be compared., returned: success, type: str}
log: {description: What C(env.py) and the revisions printed., returned: always, type: list, elements: str}
"""

from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.headway.adoption import AdoptionOptions
from ..module_utils.headway.engine import adopt
from ..module_utils.headway.project import Project
from ..module_utils.headway.task import ARGUMENTS, perform

OPTIONS: dict[str, dict[str, Any]] = {
    "revision": {"type": "str", "default": ""},
    "accept_differences": {"type": "bool", "default": False},
    "scratch": {"type": "str", "default": ""},
    "who": {"type": "str", "default": ""},
}


def run(module: AnsibleModule, project: Project) -> dict[str, Any]:
    """Give the adoption as the module returns it."""
    options = AdoptionOptions(
        **{name: module.params[name] for name in OPTIONS}, dry=module.check_mode
    )
    adoption = adopt(project, options)
    return {"summary": adoption.summary, **adoption.to_dict()}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={**ARGUMENTS, **OPTIONS}, supports_check_mode=True)
    perform(module, partial(run, module))


if __name__ == "__main__":
    main()
