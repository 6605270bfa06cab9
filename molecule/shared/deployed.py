"""A deployed host as its users see it: its database, its app, its processes."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from testinfra.host import Host

SYSTEM_PYTHON = "/usr/bin/python3"
SECRET = "Keep8Me7Hidden"  # noqa: S105 (a part of each password of shared/group_vars)

# Connection and statement are read from standard input: a deployed app's own tests look at command lines.
QUERY = """
import json, sys, psycopg2
connection, statement = json.load(sys.stdin)
database = psycopg2.connect(**connection)
database.autocommit = True
cursor = database.cursor()
cursor.execute(statement)
print(json.dumps(cursor.fetchall() if cursor.description else [], default=str))
"""

REQUEST = """
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=10)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode())
"""

# tcp(4) and proc(5): address and port in hexadecimal, the address in the machine's byte order; 0A is LISTEN.
LISTENING = "0A"


@dataclass(frozen=True)
class Site:
    """What the inventory says of a host, with the roles' defaults where it says nothing."""

    given: Mapping[str, Any]

    @property
    def host(self) -> str:
        return str(self.given["inventory_hostname"])

    @property
    def app(self) -> str:
        return str(self.given.get("app_name", "evaluation_app"))

    @property
    def port(self) -> int:
        return int(self.given.get("app_port", 8000))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def root(self) -> str:
        return f"/opt/{self.app}"

    @property
    def etc(self) -> str:
        return f"/etc/{self.app}"

    @property
    def database(self) -> str:
        return str(self.given.get("postgres_database", self.app))

    @property
    def owner(self) -> str:
        return f"{self.database}_owner"

    @property
    def app_role(self) -> str:
        return f"{self.database}_app"

    def login(self, role: str) -> dict[str, str]:
        """How a role of the deploy's logs in over TCP, by psycopg2's keywords."""
        password = {self.owner: "postgres_owner_password", self.app_role: "postgres_app_password"}
        return {
            "host": str(self.given.get("postgres_host", "127.0.0.1")),
            "dbname": self.database,
            "user": role,
            "password": str(self.given[password[role]]),
        }

    def superuser(self) -> dict[str, str]:
        """How one administers the server: over its socket, a container's by password."""
        login = {"dbname": self.database, "user": "postgres"}
        if self.given.get("postgres_backend") == "container":
            password = str(self.given["postgres_superuser_password"])
            return {**login, "host": "127.0.0.1", "password": password}
        return {**login, "host": "/var/run/postgresql"}


@dataclass(frozen=True)
class Refused:
    """What a server said in place of rows."""

    message: str


def query(host: Host, login: Mapping[str, str], statement: str) -> list[list[Any]] | Refused:
    """Give a statement's rows, which is committed, or why there are none; with the system's psycopg2."""
    asked = json.dumps([login, statement])
    done = host.run("printf %%s %s | %s -c %s", asked, SYSTEM_PYTHON, QUERY)
    if done.rc:
        return Refused(done.stderr)
    return cast(list[list[Any]], json.loads(done.stdout))


def rows(host: Host, login: Mapping[str, str], statement: str) -> list[list[Any]]:
    """Give a statement's rows; fails with what the server said where it gives none."""
    answer = query(host, login, statement)
    assert not isinstance(answer, Refused), answer.message
    return answer


def refusal(host: Host, login: Mapping[str, str], statement: str) -> str:
    """Give what the server said to a statement; fails where it was obeyed."""
    answer = query(host, login, statement)
    assert isinstance(answer, Refused), f"{statement} was obeyed: {answer}"
    return answer.message


def get(host: Host, url: str) -> tuple[int, str]:
    """Give status and body of a URL that is asked for on the host."""
    done = host.run("%s -c %s %s", SYSTEM_PYTHON, REQUEST, url)
    assert done.rc == 0, f"{url} did not answer: {done.stderr}"
    status, _, body = done.stdout.strip().partition(" ")
    return int(status), body


def listening(host: Host, port: int) -> set[str]:
    """Give the addresses at which something listens on a TCP port (proc(5), /proc/net/tcp)."""
    found = set()
    for line in host.check_output("tail -q -n +2 /proc/net/tcp /proc/net/tcp6").splitlines():
        _, local, _, state, *_ = line.split()
        address, _, number = local.partition(":")
        if state == LISTENING and int(number, 16) == port:
            words = [address[i : i + 8] for i in range(0, len(address), 8)]
            packed = b"".join(struct.pack("=I", int(word, 16)) for word in words)
            found.add(
                socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, packed)
            )
    return found


def command_lines(host: Host) -> str:
    """Give the command lines of all processes, one a line; minimal hosts have no ps."""
    lines = host.check_output(
        "for each in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$each; echo; done"
    )
    return str(lines)


def process_of(host: Host, unit: str) -> int:
    """Give the main process of a systemd unit."""
    return int(host.check_output("systemctl show --property MainPID --value %s", unit))
