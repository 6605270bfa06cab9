#!/usr/bin/python
# Copyright the Headway authors
# SPDX-License-Identifier: Apache-2.0
"""Puts into wheels what pip compiled for a venv."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: app_wheels
short_description: Wheels of what pip compiled for a venv
version_added: 0.1.0
description:
  - Finds what is compiled in a venv and was not published as a wheel, and has pip put that into wheels, from its
    cache where it has one.
  - An index takes no wheel for plain C(linux), so a distribution with that tag was compiled here. What was installed
    from a path or a URL is left out, since its name and version do not tell where it came from.
options:
  venv:
    description: The venv's folder.
    type: path
    required: true
  folder:
    description: Where the wheels go. It is made, and may hold nothing else.
    type: path
    required: true
attributes:
  check_mode:
    support: none
    description: Skipped.
  diff_mode:
    support: none
    description: Nothing to show.
author:
  - The Headway authors (@headway)
"""

EXAMPLES = r"""
- name: Have wheels of what was compiled
  app_wheels:
    venv: /opt/evaluation_app/venvs/0a1b2c
    folder: /opt/evaluation_app/venvs/0a1b2c/wheels
  register: compiled
"""

RETURN = r"""
wheels:
  description: The C(file) of each wheel, its C(sha256) and the C(requirement), pinned, that it meets.
  returned: success
  type: list
  elements: dict
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.deployment import wheels


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(
        argument_spec={
            "venv": {"type": "path", "required": True},
            "folder": {"type": "path", "required": True},
        }
    )
    venv, folder = Path(module.params["venv"]), Path(module.params["folder"])
    compiled = wheels.compiled(venv)
    if compiled:
        pip = [str(venv / "bin" / "pip"), "--disable-pip-version-check", "wheel", "--no-deps"]
        code, _, said = module.run_command([*pip, "--wheel-dir", str(folder), *compiled])
        if code:
            module.warn(
                f"pip could not put {', '.join(compiled)} into wheels ({' '.join(said.split())}): "
                "each host of this kind compiles them"
            )
    module.exit_json(changed=bool(compiled), wheels=wheels.described(folder))


if __name__ == "__main__":
    main()
