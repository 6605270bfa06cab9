"""Asks a Python of the host, the platform's or a venv's, about itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any


def ask(python: Path, program: str) -> dict[str, Any]:
    """What `program` prints, a JSON object, where that Python runs it isolated (-I).

    Empty where there is no such Python; `error` says why where it does not run the program.
    """
    if not python.exists():
        return {}
    try:
        done = subprocess.run(
            [str(python), "-Ic", program], capture_output=True, text=True, check=False
        )
    except OSError as error:
        return {"error": str(error)}
    if done.returncode:
        return {"error": f"it exits with {done.returncode}: {' '.join(done.stderr.split())}"}
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return {"error": f"it prints {done.stdout[:100]!r}"}
    return answer if isinstance(answer, dict) else {"error": f"it prints {done.stdout[:100]!r}"}
