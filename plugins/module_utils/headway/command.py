"""Runs an app's own command in place of alembic's upgrade.

Some apps migrate only through a command of theirs: it creates tables first, or sets up what
env.py needs. What came of it is read from the database all the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from .apply import Attempt
from .project import Project
from .secrets import Secrets


def run_command(project: Project, secrets: Secrets, *, command: str) -> dict[str, Any]:
    """Run `command` in a shell, and give an Attempt as a dictionary.

    It runs in the folder of alembic.ini, with this interpreter's programs first on PATH.
    """
    del secrets  # what is printed is cleaned by the caller
    programs = os.path.dirname(sys.executable)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ.get('PATH', os.defpath)}"}
    status = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=os.path.dirname(project.config_path),
        env=environment,
        check=False,
    ).returncode
    if status == 0:
        return Attempt(seconds={}).to_dict()
    how = f"was ended by signal {-status}" if status < 0 else f"exited with {status}"
    return Attempt(seconds={}, reason=f"`{command}` {how}").to_dict()
