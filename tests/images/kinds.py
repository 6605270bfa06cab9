"""What the test hosts are made of, as a report's first lines say it."""

from __future__ import annotations

import docker
from docker.errors import DockerException

from .catalogue import CATALOGUE
from .pull import UnavailableError


def kinds() -> list[str]:
    """Gives a line for each image: a vendor's, or a stand-in for it."""
    try:
        engine = docker.from_env()
    except DockerException:
        return ["no test hosts: no Docker engine answers"]
    lines = []
    for name, choose in CATALOGUE.items():
        try:
            lines.append(f"test host {name} is {choose(engine).kind}")
        except UnavailableError as error:
            lines.append(f"test host {name} cannot be had: {error}")
    return lines
