"""How a database is named to people, without a password."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any


def named(dialect: str, args: Sequence[Any], parameters: Mapping[str, Any]) -> str:
    """Name the database that a driver connects to with these arguments, and libpq's environment."""

    def one(variable: str, *names: str) -> str | None:
        given = next((parameters[name] for name in names if parameters.get(name)), None)
        return str(given) if given else os.environ.get(variable) if "postgres" in dialect else None

    name = one("PGDATABASE", "dbname", "database", "db") or (str(args[0]) if args else "")
    host, port = one("PGHOST", "host"), one("PGPORT", "port")
    user = one("PGUSER", "user")
    where = f" at {host}" + (f":{port}" if port else "") if host else ""
    return f"{dialect} database {name}{where}" + (f" as {user}" if user else "")
