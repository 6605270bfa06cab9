#!/usr/bin/python
# Copyright the Headway authors
# SPDX-License-Identifier: Apache-2.0
"""Reads an app's source on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: app_source_info
short_description: What a release of an app's source is made of
version_added: 0.1.0
description:
  - Reads an app's source on the controller and tells the release that it makes, its requirements and where
    its alembic.ini is.
  - Refuses revision files that alembic would refuse, where that is certain without executing them.
  - Packs a folder into an archive that is the same for the same content, unless it is there already.
options:
  source:
    description: A folder or a wheel on the controller, or a pinned requirement (V(name==version)).
    type: str
    required: true
  alembic_config:
    description: The alembic.ini in the source, relative to it. Found when not given.
    type: str
    default: ""
  alembic_name:
    description: The section of the alembic.ini.
    type: str
    default: alembic
  script_location:
    description: The migration environment, a folder or V(package:path). The app's own when not given.
    type: str
    default: ""
  requirements:
    description:
      - Requirements files, relative to the folder, or lines for pip.
      - "None: requirements.txt, or the dependencies in pyproject.toml."
    type: list
    elements: str
    default: []
  psycopg2_install:
    description: Which psycopg2 the requirements are to name.
    type: str
    choices: [source, binary]
    default: source
  target:
    description: The revision to migrate to. Several heads are a fault only where it is V(heads) or V(head).
    type: str
    default: heads
  archives:
    description: The folder that keeps the archives.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: It changes nothing but its own folder of archives.
  diff_mode:
    support: none
    description: Nothing to show.
author:
  - The Headway authors (@headway)
"""

EXAMPLES = r"""
- name: Know the release that the source makes
  app_source_info:
    source: app
    archives: .cache/releases
  delegate_to: localhost
  become: false
  register: source
"""

RETURN = r"""
release:
  description: The release's id, from the content of the source and its requirements.
  returned: success
  type: str
  sample: 3f9a1c0b7d21
digest:
  description: sha256 of the source's files without its alembic.ini.
  returned: success
  type: str
alembic_config:
  description: The alembic.ini relative to the source, also where it is yet to be rendered.
  returned: success
  type: str
  sample: alembic.ini
alembic_config_exists:
  description: Whether the source has that alembic.ini.
  returned: success
  type: bool
alembic_in_pyproject:
  description: Whether a pyproject.toml beside it has a table C(tool.alembic).
  returned: success
  type: bool
script_location:
  description:
    - The migration environment that the alembic.ini is to name, where the app does not say it itself.
    - The one that was asked for, or the folder where there is just one.
  returned: success
  type: str
  sample: alembic
versions:
  description: The folder of the revision files on the controller, empty where only alembic can tell.
  returned: success
  type: str
requirements:
  description: Lines for pip.
  returned: success
  type: list
  elements: str
constraints:
  description: Constraints for pip.
  returned: success
  type: list
  elements: str
installs:
  description: A digest of what goes into a venv.
  returned: success
  type: str
local:
  description: Whether requirements name paths in the source.
  returned: success
  type: bool
archive:
  description: The packed folder or the wheel, empty where there is neither.
  returned: success
  type: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.deployment import source
from ..module_utils.deployment.errors import SourceError
from ..module_utils.deployment.requirements import RequirementsError
from ..module_utils.headway import static
from ..module_utils.headway.errors import HeadwayError


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "str", "required": True},
            "alembic_config": {"type": "str", "default": ""},
            "alembic_name": {"type": "str", "default": "alembic"},
            "script_location": {"type": "str", "default": ""},
            "requirements": {"type": "list", "elements": "str", "default": []},
            "psycopg2_install": {
                "type": "str",
                "choices": ["source", "binary"],
                "default": "source",
            },
            "target": {"type": "str", "default": "heads"},
            "archives": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        read = source.read(
            given["source"],
            alembic_config=given["alembic_config"],
            alembic_name=given["alembic_name"],
            script_location=given["script_location"],
            requirements=given["requirements"],
            psycopg2=given["psycopg2_install"],
            archives=Path(given["archives"]),
        )
        if read.versions:
            static.check(Path(read.versions), given["target"])
    except (SourceError, RequirementsError, HeadwayError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **read.to_dict())


if __name__ == "__main__":
    main()
