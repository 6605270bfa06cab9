"""PostgreSQL's own programs for the server that a connection reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from .passfile import password_of
from .programs import Run, fitting, libpq_parameters, runner
from .session import PlainSession


def tools(
    connection: Connection, given: Mapping[str, Any], database: str, **environment: str
) -> tuple[Run, dict[str, str]]:
    """Give what runs the programs that fit a connection's server, and how they reach it.

    `given` is what the driver was given; `database` is the one that a passfile has a password for.
    Raises HeadwayError as `fitting`.
    """
    asked = "select (current_setting('server_version_num')::int / 10000)::text"
    major = PlainSession(connection).rows(asked)[0][0]
    parameters, password = libpq_parameters(connection.connection.driver_connection, given)
    environment["PGAPPNAME"] = "headway rehearsal"
    if password := password or password_of(database, parameters) or "":
        environment["PGPASSWORD"] = password
    return runner(fitting(int(major)), environment), parameters
