"""The passwords that libpq's passfile has, for another database than they are written for.

libpq and asyncpg look there by the database's name, too, and so find none for a scratch database
(PostgreSQL's manual, "The Password File").
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_field = re.compile(r"(?:\\.|[^:\\])*")


def password_of(database: str, reached: Mapping[str, Any]) -> str | None:
    """Give the password for a database; `reached` has what a driver is given."""
    file = Path(reached.get("passfile") or os.environ.get("PGPASSFILE") or Path.home() / ".pgpass")
    try:
        lines = file.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    known = {
        "host": reached.get("host") or os.environ.get("PGHOST"),
        "port": reached.get("port") or os.environ.get("PGPORT"),
        "user": reached.get("user") or os.environ.get("PGUSER"),
    }
    if str(known["host"] or "").startswith("/"):
        known["host"] = "localhost"  # as libpq looks for a socket of the default folder
    for line in lines:
        fields = [re.sub(r"\\(.)", r"\1", field) for field in _fields(line)]
        if line.startswith("#") or len(fields) < 5:
            continue
        host, port, name, user, password = fields[:5]
        asked = ((host, known["host"]), (port, known["port"]), (user, known["user"]))
        if name in (database, "*") and all(
            has in ("*", str(wanted)) or not wanted for has, wanted in asked
        ):
            return password
    return None


def _fields(line: str) -> list[str]:
    fields, position = [], 0
    while position <= len(line):
        found = _field.match(line, position)
        if found is None:
            break
        fields.append(found[0])
        position = found.end() + 1
    return fields
