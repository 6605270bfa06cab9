#!/usr/bin/python
"""Ansible module: what a PostgreSQL server answers about itself and one of its databases."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import pwd
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.community.postgresql.plugins.module_utils.saslprep import (  # type: ignore[import-untyped]
    saslprep,
)

try:
    import psycopg2
    from psycopg2.extras import RealDictCursor
except ImportError:
    psycopg2 = None  # type: ignore[assignment]

DOCUMENTATION = r"""
module: postgres_server_info
short_description: What a PostgreSQL server answers about itself and one of its databases
description:
  - Sends one query to the server and one to a database of it, each giving one row, and compares
    stored passwords with wanted ones.
  - Columns of type boolean tell whether something is as wanted; the names of those that are not
    are returned in C(wrong). All other columns are returned as they are.
  - A server that does not answer is an answer, not a failure.
  - Put C(no_log) on the task; O(passwords) and O(login_password) are secrets, and C(verifiers) stand for them.
options:
  login_host: {description: Address, or directory of the server's socket., type: str, required: true}
  login_port: {description: TCP port, which also names the socket., type: int, required: true}
  login_user: {description: Role to log in as., type: str, required: true}
  login_password: {description: Its password., type: str, default: ''}
  login_db: {description: Database in which O(query) runs., type: str, default: postgres}
  os_user:
    description: Operating system's user as whom to connect, for peer authentication.
    type: str
  connect_parameters: {description: More of libpq's parameters., type: dict, default: {}}
  query: {description: SQL that gives one row about the server., type: str, required: true}
  database: {description: Database in which O(database_query) runs; where there is none it is left out., type: str}
  database_query: {description: SQL that gives one row about the database., type: str}
  named_args: {description: Values for C(%(name)s) in both queries., type: dict, default: {}}
  passwords:
    description: Wanted password of each role; the role that logs in must be a superuser.
    type: dict
    default: {}
attributes:
  check_mode: {support: full, description: It only reads.}
  diff_mode: {support: none, description: It only reads.}
author: The Headway authors
"""

EXAMPLES = r"""
- name: Look at the server
  postgres_server_info:
    login_host: /var/run/postgresql
    login_port: 5432
    login_user: postgres
    os_user: postgres
    query: select current_setting('server_version') as version
  register: server
"""

RETURN = r"""
answers: {description: Whether the server let the role in and answered., type: bool, returned: always}
error: {description: The server's or libpq's own words where it did not., type: str, returned: always}
row: {description: All columns that are not boolean., type: dict, returned: always}
wrong: {description: Names of the boolean columns that are not true., type: list, returned: always}
verifiers:
  description: A new SCRAM verifier for each role whose stored password is not the wanted one.
  type: dict
  returned: always
"""

CONNECT_SECONDS = 5
SCRAM = re.compile(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)")
SCRAM_ITERATIONS = 4096  # the server's own default, scram_iterations


def scram_verifier(password: str, salt: bytes, iterations: int) -> str:
    """What PostgreSQL stores for a password (RFC 5803, libpq's scram_build_secret)."""
    try:
        prepared = saslprep(password)
    except (TypeError, ValueError):
        prepared = password  # the server, too, takes a password that SASLprep refuses as it is
    salted = hashlib.pbkdf2_hmac("sha256", prepared.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    part = [base64.b64encode(each).decode() for each in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{part[0]}${part[1]}:{part[2]}"


def is_stored(password: str, stored: str | None) -> bool:
    """Whether a stored verifier is SCRAM and stands for a password."""
    found = SCRAM.fullmatch(stored or "")
    if not found:
        return False
    salt = base64.b64decode(found[2])
    return hmac.compare_digest(scram_verifier(password, salt, int(found[1])), found[0])


@contextmanager
def acting_as(os_user: str | None) -> Iterator[None]:
    """Effective user for a while: peer authentication asks the kernel for it at connect."""
    before = os.geteuid()
    if os_user and before == 0:
        os.seteuid(pwd.getpwnam(os_user).pw_uid)
    try:
        yield
    finally:
        os.seteuid(before)


def connect(wanted: dict[str, Any], database: str) -> Any:
    """A read-only session in a database of the server."""
    with acting_as(wanted["os_user"]):
        session = psycopg2.connect(
            host=wanted["login_host"],
            port=wanted["login_port"],
            user=wanted["login_user"],
            password=wanted["login_password"],
            dbname=database,
            **{"connect_timeout": CONNECT_SECONDS, **wanted["connect_parameters"]},
        )
    session.set_session(readonly=True)
    return session


def one_row(session: Any, query: str, values: dict[str, Any]) -> dict[str, Any]:
    """The first row of a query's result."""
    with session.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(query, values)
        return dict(cursor.fetchone())


def new_verifiers(session: Any, passwords: dict[str, str]) -> dict[str, str]:
    """A fresh verifier for each role whose stored one is not its password's."""
    with session.cursor() as cursor:
        cursor.execute(
            "select rolname, rolpassword from pg_authid where rolname = any(%s)", [list(passwords)]
        )
        stored = dict(cursor.fetchall())
    return {
        role: scram_verifier(password, secrets.token_bytes(16), SCRAM_ITERATIONS)
        for role, password in passwords.items()
        if not is_stored(password, stored.get(role))
    }


def look(wanted: dict[str, Any]) -> dict[str, Any]:
    """Ask the server, then its database where it is there."""
    session = connect(wanted, wanted["login_db"])
    row = one_row(session, wanted["query"], wanted["named_args"])
    verifiers = new_verifiers(session, wanted["passwords"]) if wanted["passwords"] else {}
    if wanted["database"] and wanted["database"] in row.get("databases", {}):
        session.close()
        session = connect(wanted, wanted["database"])
        row |= one_row(session, wanted["database_query"], wanted["named_args"])
    session.close()
    return {
        "row": {name: value for name, value in row.items() if not isinstance(value, bool)},
        "wrong": [name for name, value in row.items() if value is False],
        "verifiers": verifiers,
    }


def main() -> None:
    """Look, and return what was seen or why nothing was."""
    # Not no_log here but on the task: a module's no_log blanks out a secret wherever it occurs in
    # what is returned, so that the password "postgres" would change the names of databases.
    secret = {"no_log": False}
    text = {"type": "str"}
    module = AnsibleModule(
        argument_spec={
            "login_host": {**text, "required": True},
            "login_port": {"type": "int", "required": True},
            "login_user": {**text, "required": True},
            "login_password": {**text, **secret, "default": ""},
            "login_db": {**text, "default": "postgres"},
            "os_user": text,
            "connect_parameters": {"type": "dict", "default": {}},
            "query": {**text, "required": True},
            "database": text,
            "database_query": text,
            "named_args": {"type": "dict", "default": {}},
            "passwords": {**secret, "type": "dict", "default": {}},
        },
        required_together=[("database", "database_query")],
        supports_check_mode=True,
    )
    nothing: dict[str, Any] = {"row": {}, "wrong": [], "verifiers": {}}
    if psycopg2 is None:
        module.exit_json(answers=False, error=missing_required_lib("psycopg2"), **nothing)
    try:
        seen = look(module.params)
    except psycopg2.OperationalError as error:
        module.exit_json(answers=False, error=" ".join(str(error).split()), **nothing)
    except psycopg2.Error as error:
        module.fail_json(msg=f"The server refused a question: {' '.join(str(error).split())}")
    module.exit_json(answers=True, error="", **seen)


if __name__ == "__main__":
    main()
