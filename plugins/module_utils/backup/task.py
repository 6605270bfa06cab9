"""What both Ansible modules share. Knows AnsibleModule by its shape only."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import tools
from .errors import BackupError, ServerError
from .server import Server, major
from .store import Store

ARGUMENTS: dict[str, dict[str, Any]] = {
    "database": {"type": "str", "required": True},
    "directory": {"type": "path", "required": True},
    "jobs": {"type": "int", "default": 2},
    "server": {
        "type": "dict",
        "required": True,
        "required_if": [("backend", "container", ["container"])],
        "options": {
            "backend": {
                "type": "str",
                "required": True,
                "choices": ["service", "container", "external"],
            },
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "user": {"type": "str", "required": True},
            "password": {"type": "str", "default": "", "no_log": True},
            "parameters": {"type": "dict", "default": {}},
            "container": {"type": "str"},
            "container_port": {"type": "int", "default": 5432},
            "engine_socket": {"type": "path", "default": "/var/run/docker.sock"},
        },
    },
}

Work = Callable[[dict[str, Any], Server, Store], dict[str, Any]]


def perform(module: Any, work: Work) -> None:
    """End the module with what `work` returns, or with the fault it raises, in a sentence."""
    given = module.params
    where = given["server"]
    shown = {**where, "password": "(not shown)", "parameters": sorted(where["parameters"])}
    invocation = {"module_args": {**given, "server": shown}}
    # Ansible would blank the password out wherever it occurs, "postgres" in every name too. No
    # result of ours has it in it.
    module.no_log_values.clear()
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, _stop)
    server = Server(
        where["host"],
        where["port"],
        where["user"],
        where["password"],
        {name: str(value) for name, value in where["parameters"].items()},
    )
    try:
        result = work(given, server, Store(Path(given["directory"]), given["database"]))
    except ServerError as fault:
        message = f"The server refused a step of the work on {given['database']}: {fault}"
        module.fail_json(msg=message, invocation=invocation)
    except BackupError as fault:
        module.fail_json(msg=str(fault), invocation=invocation)
    else:
        module.exit_json(**result, invocation=invocation)


def programs(given: dict[str, Any], server: Server) -> tools.Tools:
    """Give the tools of the server's version, where the backend has them."""
    where = given["server"]
    if where["backend"] == "container":
        return tools.in_container(
            where["container"], where["engine_socket"], where["container_port"]
        )
    with server.session() as session:
        if where["backend"] == "service":
            return tools.beside_server(session)
        return tools.on_this_host(major(session))


def missing_tools(given: dict[str, Any], server: Server) -> str:
    """Give the major version of the tools that an external server needs and this host lacks; "" for none."""
    if given["server"]["backend"] != "external":
        return ""
    with server.session() as session:
        version = major(session)
    try:
        tools.on_this_host(version)
    except BackupError:
        return str(version)
    return ""


def _stop(number: int, _frame: Any) -> None:
    """End in good order, with nothing half done left, where a signal would end us at once."""
    sys.exit(128 + number)
