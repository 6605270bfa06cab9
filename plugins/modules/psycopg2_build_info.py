#!/usr/bin/python
# Copyright the Headway authors
# SPDX-License-Identifier: Apache-2.0
"""Looks at what a host has to build psycopg2 with."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: psycopg2_build_info
short_description: What a host has to build psycopg2 with
version_added: 0.1.0
description:
  - Asks in one call the package database which packages are installed, each Python what it is, and C(pg_config)
    for the libpq whose headers are there.
options:
  query:
    description: The command that asks the package database, to which the names are added. Empty for none.
    type: list
    elements: str
    default: []
  packages:
    description: The names. A line C(installed NAME) of the answer tells that one is installed.
    type: list
    elements: str
    default: []
  pythons:
    description: The interpreters to ask. One that is not there is left out of the answer.
    type: list
    elements: path
    default: []
  describe:
    description: The program that each of them runs, which prints what it is as a JSON object.
    type: str
    required: true
  pg_config:
    description: The C(pg_config) that a build finds.
    type: str
    default: pg_config
attributes:
  check_mode:
    support: full
    description: It changes nothing.
  diff_mode:
    support: none
    description: Nothing to show.
author:
  - The Headway authors (@headway)
"""

EXAMPLES = r"""
- name: Look at what there is to build with
  psycopg2_build_info:
    query: [dpkg-query, --show, --showformat, '${db:Status-Status} ${Package}\n']
    packages: [gcc, libpq-dev]
    pythons: [/usr/bin/python3]
    describe: "{{ lookup('ansible.builtin.file', 'describe_python.py') }}"
  register: host
"""

RETURN = r"""
packages:
  description: Those of O(packages) that are installed.
  returned: success
  type: list
  elements: str
pythons:
  description: What each Python that is there says of itself, or C(error).
  returned: success
  type: dict
libpq:
  description: The version of libpq that a build finds, empty where there is none.
  returned: success
  type: str
  sample: "15.18"
"""

import os
import shutil
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.deployment import pythons


def installed(module: AnsibleModule, query: list[str], names: list[str]) -> list[str]:
    """Those of the names that the package database calls installed."""
    if not (query and names):
        return []
    _, answer, said = module.run_command([*query, *names], environ_update={"LC_ALL": "C"})
    if "error:" in said:
        module.fail_json(msg=f"{query[0]} does not answer: {' '.join(said.split())}")
    there = {line[10:] for line in answer.splitlines() if line.startswith("installed ")}
    return [name for name in names if name in there]


def libpq(module: AnsibleModule, pg_config: str) -> str:
    """The version that pg_config tells, as 15.18 of "PostgreSQL 15.18 (Debian ...)"."""
    if not (os.path.exists(pg_config) or shutil.which(pg_config)):
        return ""
    code, answer, _ = module.run_command([pg_config, "--version"])
    words = answer.split()
    return words[1] if code == 0 and len(words) > 1 else ""


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(
        argument_spec={
            "query": {"type": "list", "elements": "str", "default": []},
            "packages": {"type": "list", "elements": "str", "default": []},
            "pythons": {"type": "list", "elements": "path", "default": []},
            "describe": {"type": "str", "required": True},
            "pg_config": {"type": "str", "default": "pg_config"},
        },
        supports_check_mode=True,
    )
    given = module.params
    described = {path: pythons.ask(Path(path), given["describe"]) for path in given["pythons"]}
    module.exit_json(
        changed=False,
        packages=installed(module, given["query"], given["packages"]),
        pythons={path: said for path, said in described.items() if said},
        libpq=libpq(module, given["pg_config"]),
    )


if __name__ == "__main__":
    main()
