#!/usr/bin/python
"""Ansible module: what is on a host that PostgreSQL needs or has, without asking the server."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import shutil
import socket
import stat
import subprocess
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: postgres_host_info
short_description: What is on a host that PostgreSQL needs or has
description:
  - Reads packages, files, the data directory, its server process, the port and the disk in one go,
    so that the tasks which change them run only where there is something to change.
  - Needs nothing but the Python that Ansible itself needs; the server need not be there.
options:
  packages:
    description: Names asked of dpkg or rpm.
    type: list
    elements: str
    default: []
  files:
    description: Files as they should be; those that are not are returned in C(stale).
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: Where it lies., type: path, required: true}
      sha256: {description: Hex digest of its content., type: str, required: true}
      owner: {description: Name or number of its owner., type: str, required: true}
      group: {description: Name or number of its group., type: str, required: true}
      mode: {description: Its permission bits in octal., type: str, required: true}
  data_directory:
    description: The cluster's data directory.
    type: path
  bin_directory:
    description: Where C(pg_controldata) lies.
    type: path
  port:
    description: The TCP port that is wanted.
    type: int
  unit:
    description: The systemd unit that starts the server at boot.
    type: str
  engine_socket:
    description: Where a container engine would listen.
    type: path
  markers:
    description: Paths of which is told whether they exist.
    type: dict
    default: {}
attributes:
  check_mode: {support: full, description: It only reads.}
  diff_mode: {support: none, description: It only reads.}
author: The Headway authors
"""

EXAMPLES = r"""
- name: Look at the host
  postgres_host_info:
    packages: [postgresql-15, python3-psycopg2]
    data_directory: /var/lib/postgresql/15/main
    bin_directory: /usr/lib/postgresql/15/bin
    port: 5432
  register: host
"""

RETURN = r"""
missing_packages: {description: Names that are not installed., type: list, returned: always}
stale: {description: Paths of files that are not as they should be., type: list, returned: always}
markers: {description: Whether each path exists., type: dict, returned: always}
cluster:
  description: >-
    C(exists), C(version) (major), C(checksums), C(user_databases) (how many, from the data
    directory), C(pid), C(port) and C(socket_directory) of its running server (pid 0 where none runs).
  type: dict
  returned: always
port_holder: {description: The program that listens on the port and is not this cluster., type: str, returned: always}
free_bytes: {description: Free space where the data directory lies or would lie., type: int, returned: always}
booted_with_systemd: {description: Whether systemd runs this host., type: bool, returned: always}
enabled: {description: Whether the unit starts at boot; true where systemd does not run., type: bool, returned: always}
engine_answers: {description: Whether a container engine answers there., type: bool, returned: always}
selinux: {description: Whether SELinux is enabled., type: bool, returned: always}
"""

LISTENING = "0A"
FIRST_USER_OID = 16384
ENGINE_SECONDS = 5


def output(*command: str) -> str:
    """Standard output of a command, in the C locale; empty where it is not there."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
        )
    except FileNotFoundError:
        return ""
    return done.stdout


def provided(name: str) -> bool:
    """Whether an installed rpm provides a name; a default version may bear a plainer one."""
    query = ["rpm", "--query", "--whatprovides", name]
    return subprocess.run(query, capture_output=True, check=False).returncode == 0


def missing_packages(names: list[str]) -> list[str]:
    """Those of the names that neither dpkg nor rpm knows as installed."""
    if shutil.which("dpkg-query"):
        text = output(
            "dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\n", *names
        )
        installed = {line.split()[1] for line in text.splitlines() if line.startswith("installed ")}
    else:
        installed = {name for name in names if provided(name)}
    return [name for name in names if name not in installed]


def is_as_wanted(wanted: dict[str, str]) -> bool:
    """Whether a file has the wanted content, owner, group and permission bits."""
    path = Path(wanted["path"])
    try:
        status = path.stat()
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    return (
        hashlib.sha256(content).hexdigest() == wanted["sha256"]
        and stat.S_IMODE(status.st_mode) == int(wanted["mode"], 8)
        and wanted["owner"] in names_of(status.st_uid, pwd.getpwuid)
        and wanted["group"] in names_of(status.st_gid, grp.getgrgid)
    )


def names_of(number: int, look_up: Any) -> set[str]:
    """A user's or group's number and, where it has one, its name."""
    try:
        return {str(number), look_up(number)[0]}
    except KeyError:
        return {str(number)}


def server_process(data: Path) -> dict[str, Any]:
    """Process, port and socket directory of the server that runs on a data directory.

    The lines of postmaster.pid are pid, data directory, start time, port, socket directory, …
    (PostgreSQL's src/include/utils/pidfile.h).
    """
    none = {"pid": 0, "port": 0, "socket_directory": ""}
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        name = Path(f"/proc/{lines[0].strip()}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return none
    if name not in {"postgres", "postmaster"} or len(lines) < 5:
        return none
    return {"pid": int(lines[0]), "port": int(lines[3]), "socket_directory": lines[4].strip()}


def cluster(data: Path, bin_directory: str) -> dict[str, Any]:
    """The cluster in a data directory, running or not."""
    if not (data / "PG_VERSION").exists():
        return {
            "exists": False,
            "version": "",
            "checksums": False,
            "user_databases": 0,
            "pid": 0,
            "port": 0,
            "socket_directory": "",
        }
    control = output(f"{bin_directory}/pg_controldata", str(data))
    checksums = [line for line in control.splitlines() if line.startswith("Data page checksum")]
    oids = [int(entry) for entry in os.listdir(data / "base") if entry.isdigit()]
    return {
        "exists": True,
        "version": (data / "PG_VERSION").read_text().strip(),
        "checksums": bool(checksums) and not checksums[0].endswith(" 0"),
        "user_databases": sum(oid >= FIRST_USER_OID for oid in oids),
        **server_process(data),
    }


def listeners(port: int) -> dict[str, int]:
    """Socket inode and user id of each listener on a TCP port here (proc(5), /proc/net/tcp)."""
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(table):
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            field = line.split()
            if field[3] == LISTENING and int(field[1].rpartition(":")[2], 16) == port:
                found[field[9]] = int(field[7])
    return found


def port_holder(port: int) -> str:
    """The program that listens on a port, by command where that can be seen; empty for none.

    In a container root may not look into another user's processes (ptrace(2), CAP_SYS_PTRACE).
    """
    found = listeners(port)
    sockets = {f"socket:[{inode}]" for inode in found}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if not any(
                os.readlink(descriptor) in sockets for descriptor in (process / "fd").iterdir()
            ):
                continue
            command = (
                (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
        except OSError:
            continue
        return f"{command.strip()[:120]} (process {process.name})"
    return "".join(
        f"a program of user {min(names_of(uid, pwd.getpwuid))}" for uid in [*found.values()][:1]
    )


def engine_answers(path: str) -> bool:
    """Whether a container engine answers on its socket (Docker's API: GET /_ping)."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as engine:
            engine.settimeout(ENGINE_SECONDS)
            engine.connect(path)
            engine.sendall(b"GET /_ping HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b" 200 " in engine.recv(64)
    except OSError:
        return False


def free_bytes(data: Path) -> int:
    """Free bytes for ordinary users on the file system of a directory that may not exist yet."""
    there = next(parent for parent in [data, *data.parents] if parent.exists())
    return shutil.disk_usage(there).free


def main() -> None:
    """Read everything that was asked and return it."""
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "list", "elements": "str", "default": []},
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    **{
                        name: {"type": "str", "required": True}
                        for name in ("sha256", "owner", "group", "mode")
                    },
                },
            },
            "data_directory": {"type": "path"},
            "bin_directory": {"type": "path"},
            "port": {"type": "int"},
            "unit": {"type": "str"},
            "engine_socket": {"type": "path"},
            "markers": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    data = Path(wanted["data_directory"])
    there = cluster(data, wanted["bin_directory"])
    systemd = os.path.isdir("/run/systemd/system")
    module.exit_json(
        changed=False,
        missing_packages=missing_packages(wanted["packages"]),
        stale=[each["path"] for each in wanted["files"] if not is_as_wanted(each)],
        markers={name: os.path.exists(path) for name, path in wanted["markers"].items()},
        cluster=there,
        port_holder="" if there["port"] == wanted["port"] else port_holder(wanted["port"]),
        free_bytes=free_bytes(data),
        booted_with_systemd=systemd,
        enabled=not systemd
        or output("systemctl", "is-enabled", wanted["unit"]).strip() == "enabled",
        engine_answers=engine_answers(wanted["engine_socket"]),
        selinux=os.path.exists("/sys/fs/selinux/enforce"),
    )


if __name__ == "__main__":
    main()
