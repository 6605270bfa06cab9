"""Throwaway hosts: containers of the test images, each with the package indexes that this machine has."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from .build import build

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PIP_CACHE = Path(os.environ.get("PIP_CACHE_DIR", Path.home() / ".cache" / "pip"))
# A cache for each host's name: apt locks it, and waits for nobody.
APT_CACHES = Path(__file__).parents[2] / ".cache" / "apt"


@contextmanager
def throwaway(name: str, image: str = "fresh") -> Iterator[Container]:
    """Runs a host of that name, in place of one that a killed run left; gone at the end."""
    client = docker.from_env()
    remove(client, name)
    PIP_CACHE.mkdir(parents=True, exist_ok=True)
    (APT_CACHES / name / "partial").mkdir(parents=True, exist_ok=True)
    mounts = [f"{PIP_CACHE}:/root/.cache/pip:rw", f"{APT_CACHES / name}:/var/cache/apt/archives:rw"]
    environment = {key: value for key, value in os.environ.items() if key.startswith("PIP_INDEX")}
    if CERTIFICATES.is_file():
        # A network with a certificate authority of its own; see pip's and OpenSSL's manuals.
        mounts.append(f"{CERTIFICATES}:{CERTIFICATES}:ro")
        environment |= {"PIP_CERT": str(CERTIFICATES), "SSL_CERT_FILE": str(CERTIFICATES)}
    container = client.containers.run(
        build(image, client),
        name=name,
        hostname=name,
        init=True,
        detach=True,
        volumes=mounts,
        environment=environment,
    )
    try:
        yield container
    finally:
        remove(client, name)


def remove(client: docker.DockerClient, name: str) -> None:
    """Removes the container of that name and its anonymous volumes, where there is one."""
    try:
        client.containers.get(name).remove(force=True, v=True)
    except NotFound:
        return


def run(container: Container, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell command in the container; output and errors come together, as a person sees them."""
    done = container.exec_run(["bash", "-c", command], environment=environment)
    output = cast(bytes, done.output).decode()
    return subprocess.CompletedProcess(command, done.exit_code or 0, output, "")
