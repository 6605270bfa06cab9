"""The images by name."""

from __future__ import annotations

from collections.abc import Callable

import docker

from . import enterprise_linux, postgres
from .recipes import Layer, Recipe, Root

# The reference of a fresh machine: no sudo, no systemd running, no Docker, not even python3-venv.
FRESH = Root(
    name="fresh",
    suite="bookworm",
    packages=("python3", "make", "ca-certificates"),
    changes=("CMD sleep infinity", "ENV DEBIAN_FRONTEND=noninteractive"),
)
BOOKWORM = Root("bookworm", "bookworm", ("python3", "systemd-sysv", "dbus", "ca-certificates"))


def booting(name: str, base: Recipe) -> Layer:
    """A base that has systemd, as a host that boots with it."""
    return Layer(name, "systemd", (("BASE", base),))


# Each is given the engine, to see what it has.
CATALOGUE: dict[str, Callable[[docker.DockerClient], Recipe]] = {
    "fresh": lambda engine: FRESH,
    "debian12": lambda engine: booting("debian12", BOOKWORM),
    "el9": lambda engine: booting("el9", enterprise_linux.base("9", engine)),
    "el10": lambda engine: booting("el10", enterprise_linux.base("10", engine)),
    "postgres": postgres.image,
}
