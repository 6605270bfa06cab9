"""PostgreSQL's own programs: those of the server's version, on this host or in its image."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from .errors import BackupError
from .server import Server, Session

FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", *os.environ.get("PATH", "").split(":"))
ENGINES = ("docker", "podman")
# How much of a program's words goes into a sentence.
WORDS = 400


class Tools(Protocol):
    """A place that PostgreSQL's programs are in."""

    def server(self, server: Server) -> Server:
        """Give the server as they reach it."""

    def command(self, program: str, work: Path) -> list[str]:
        """Give the command, without arguments, that runs a program on the files below `work`."""


@dataclass(frozen=True)
class LocalTools:
    """The programs of a folder on this host; `servers_own` where a server here came with them."""

    folder: Path
    servers_own: bool = False

    def server(self, server: Server) -> Server:
        """Give the server as they reach it."""
        return server

    def command(self, program: str, work: Path) -> list[str]:
        """Give the command, without arguments, that runs a program on the files below `work`."""
        return [str(self.folder / program)]


@dataclass(frozen=True)
class ContainedTools:
    """The programs of the image that a container was made of, each run in a container of its own.

    `port` is the server's inside of the container, whose network they share.
    """

    engine: str
    socket: str
    container: str
    image: str
    port: int

    def server(self, server: Server) -> Server:
        """Give the server as they reach it."""
        return replace(server, host="127.0.0.1", port=self.port)

    def command(self, program: str, work: Path) -> list[str]:
        """Give the command, without arguments, that runs a program on the files below `work`."""
        return [
            "env",
            f"DOCKER_HOST=unix://{self.socket}",
            self.engine,
            "run",
            "--rm",
            f"--network=container:{self.container}",
            f"--user={os.geteuid()}:{os.getegid()}",
            f"--volume={work}:{work}:z",
            "--env=PGPASSWORD",
            "--env=PGAPPNAME",
            f"--entrypoint={program}",
            self.image,
        ]


def beside_server(session: Session) -> LocalTools:
    """Give those of a server on this host, which a superuser may ask for its folder.

    Raises BackupError where its package came without them.
    """
    folder = Path(session.value("select setting from pg_config() where name = 'BINDIR'"))
    if not (folder / "pg_dump").exists():
        raise BackupError(
            f"{folder} has the server but no pg_dump: install the client programs of the same "
            "version."
        )
    return LocalTools(folder, servers_own=True)


def on_this_host(server_major: int) -> LocalTools:
    """Give those that are nearest to a server elsewhere: of its major version or a newer one.

    Raises BackupError where there are none, since pg_dump refuses a server newer than itself.
    """
    found: dict[int, Path] = {}
    for pattern in FOLDERS:
        for folder in sorted(glob.glob(pattern)):
            if (major := _major(Path(folder))) is not None:
                found.setdefault(major, Path(folder))
    fitting = [major for major in found if major >= server_major]
    if fitting:
        return LocalTools(found[min(fitting)])
    have = f"only those of PostgreSQL {max(found)}" if found else "none of them"
    raise BackupError(
        f"The server is PostgreSQL {server_major} and needs pg_dump and pg_restore of "
        f"{server_major} or newer; this host has {have}: install the client package "
        f"(postgresql-client-{server_major}, postgresql{server_major})."
    )


def in_container(container: str, socket: str, port: int) -> ContainedTools:
    """Give those of the image of a running container; `socket` is where its engine listens.

    Raises BackupError where there is no engine's command or no such container.
    """
    engine = next(filter(shutil.which, ENGINES), None)
    if engine is None:
        raise BackupError(
            f"Neither {' nor '.join(ENGINES)} is installed here, and the tools of container "
            f"{container} are reached through it: install the engine's command."
        )
    done = subprocess.run(
        [engine, "container", "inspect", "--format", "{{.Image}}", container],
        env={**os.environ, "DOCKER_HOST": f"unix://{socket}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupError(f"Container {container} cannot be looked at: {_last_words(done.stderr)}")
    return ContainedTools(engine, socket, container, done.stdout.strip(), port)


def run(
    tools: Tools,
    program: str,
    arguments: Sequence[str],
    work: Path,
    environment: dict[str, str] | None = None,
) -> str:
    """Give a program's output.

    Raises BackupError with its own words where it fails. What interrupts us ends it.
    """
    done = subprocess.run(
        [*tools.command(program, work), *arguments],
        env={**os.environ, "LC_ALL": "C", **(environment or {})},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        umask=0o077,
        check=False,
    )
    if done.returncode:
        raise BackupError(f"{program} failed: {_last_words(done.stderr)}")
    return done.stdout


def _last_words(text: str) -> str:
    return " ".join(text.split())[-WORDS:] or "it said nothing"


def _major(folder: Path) -> int | None:
    if not (folder / "pg_dump").exists() or not (folder / "pg_restore").exists():
        return None
    done = subprocess.run(
        [str(folder / "pg_dump"), "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found[1]) if found else None
