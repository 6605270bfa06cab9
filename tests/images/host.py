"""Throwaway hosts: containers of the test images, each with the package indexes that this machine has."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from .build import build

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
CACHE_OF_PIP = "/root/.cache/pip"
COMPILED = f"{CACHE_OF_PIP}/wheels"
PIP_CACHE = Path(os.environ.get("PIP_CACHE_DIR", Path.home() / ".cache" / "pip"))
# A cache for each host's name: apt locks it, and waits for nobody.
APT_CACHES = Path(__file__).parents[2] / ".cache" / "apt"
BOOT_SECONDS = 60

# systemd as PID 1, also where the machine has cgroup v1 and too few capabilities for --privileged,
# or Ubuntu's profile for containers, which forbids the mounts that systemd makes.
SYSTEMD: dict[str, Any] = {
    "cgroupns": "host",
    "cap_add": ["SYS_ADMIN"],
    "security_opt": ["apparmor=unconfined"],
    "tmpfs": {"/run": "", "/run/lock": ""},
    "volumes": ["/sys/fs/cgroup:/sys/fs/cgroup:rw"],
}
# A process of no more than a sleep, under an init that reaps.
PLAIN: dict[str, Any] = {"init": True, "tmpfs": {}, "volumes": []}


@contextmanager
def throwaway(name: str, image: str = "fresh") -> Iterator[Container]:
    """Runs a host of that name, in place of one that a killed run left; gone at the end.

    Where the image boots with systemd, its units have started.
    """
    client = docker.from_env()
    remove(client, name)
    PIP_CACHE.mkdir(parents=True, exist_ok=True)
    (APT_CACHES / name / "partial").mkdir(parents=True, exist_ok=True)
    tag = build(image, client)
    boots = "org.headway.init" in client.images.get(tag).labels
    arguments = SYSTEMD if boots else PLAIN
    mounts = [
        *arguments["volumes"],
        f"{PIP_CACHE}:{CACHE_OF_PIP}:rw",
        f"{APT_CACHES / name}:/var/cache/apt/archives:rw",
    ]
    environment = {key: value for key, value in os.environ.items() if key.startswith("PIP_INDEX")}
    if CERTIFICATES.is_file():
        # A network with a certificate authority of its own; see pip's and OpenSSL's manuals.
        mounts.append(f"{CERTIFICATES}:{CERTIFICATES}:ro")
        environment |= {"PIP_CERT": str(CERTIFICATES), "SSL_CERT_FILE": str(CERTIFICATES)}
    container = client.containers.run(
        tag,
        name=name,
        hostname=name,
        detach=True,
        environment=environment,
        # What pip has fetched is shared with this machine, not what it has compiled.
        **{**arguments, "volumes": mounts, "tmpfs": {**arguments["tmpfs"], COMPILED: ""}},
    )
    try:
        if boots:
            wait_for_boot(container)
        yield container
    finally:
        remove(client, name)


def wait_for_boot(container: Container) -> None:
    """Waits until systemd has started all units; fails with those that failed."""
    deadline = time.monotonic() + BOOT_SECONDS
    while (
        state := run(container, "systemctl is-system-running --wait").stdout.strip()
    ) != "running":
        # Until its socket is there systemd cannot be asked, not even to wait.
        if state == "degraded" or time.monotonic() > deadline:
            failed = run(container, "systemctl --failed --no-legend").stdout
            raise RuntimeError(f"{container.name} did not boot ({state}): {failed.strip()}")
        time.sleep(0.2)


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
