"""Builds the images of the test hosts, each once for the content of its recipe.

`python -m tests.images.build NAME` prints the tag of an image, building it where it is not there.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import ImageNotFound

REPOSITORY = "headway-test"


@dataclass(frozen=True)
class Recipe:
    """A Debian root of `packages` (minbase, no recommends), with `changes` in a Dockerfile's words."""

    suite: str
    packages: tuple[str, ...]
    changes: tuple[str, ...] = ()


RECIPES = {
    # The reference of a fresh machine: no sudo, no systemd running, no Docker, not even python3-venv.
    "fresh": Recipe(
        suite="bookworm",
        packages=("python3", "make", "ca-certificates"),
        changes=("CMD sleep infinity", "ENV DEBIAN_FRONTEND=noninteractive"),
    ),
}


def tag(name: str) -> str:
    """The image's tag, from everything that goes into it."""
    digest = hashlib.sha256(repr(RECIPES[name]).encode()).hexdigest()[:12]
    return f"{REPOSITORY}:{name}-{digest}"


def build(name: str, client: docker.DockerClient) -> str:
    """Builds an image unless it is there; gives its tag."""
    wanted, recipe = tag(name), RECIPES[name]
    try:
        client.images.get(wanted)
    except ImageNotFound:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "root.tar"
            subprocess.run(
                [
                    "mmdebstrap",
                    "--quiet",
                    "--variant=minbase",
                    f"--include={','.join(recipe.packages)}",
                    # A package cache that looks fresh makes apt's cache_valid_time skip the refresh.
                    '--customize-hook=touch -d 1970-01-02 "$1/var/lib/apt/lists"',
                    recipe.suite,
                    str(root),
                ],
                check=True,
            )
            client.api.import_image_from_file(
                str(root),
                repository=REPOSITORY,
                tag=wanted.partition(":")[2],
                changes=list(recipe.changes),
            )
    return wanted


def main() -> None:
    """Prints the tags of the images that are named, or of all."""
    client = docker.from_env()
    for name in sys.argv[1:] or RECIPES:
        print(build(name, client))


if __name__ == "__main__":
    main()
