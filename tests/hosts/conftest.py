from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import testinfra
from docker.models.containers import Container
from testinfra.host import Host

from tests.images.host import throwaway

PROJECT = Path(__file__).parents[2]


def project_archive() -> bytes:
    """The project as a clone of the working tree would have it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in filter(None, listed.split("\0")):
            if (PROJECT / name).exists():
                tar.add(PROJECT / name, f"headway/{name}")
    return archive.getvalue()


@pytest.fixture(scope="module")
def machine() -> Iterator[Container]:
    """A fresh machine with a clone of the project in /root/headway, and nothing else."""
    with throwaway("headway-test-fresh") as container:
        container.put_archive("/root", project_archive())
        yield container


@pytest.fixture(scope="module")
def host(machine: Container) -> Host:
    return testinfra.get_host(f"docker://{machine.name}")
