"""PostgreSQL's image: the official one where it can be had, else what role postgres makes in its place."""

from __future__ import annotations

import docker
import yaml
from jinja2 import Environment, StrictUndefined

from .pull import pulled
from .recipes import FOLDER, Written

OFFICIAL = "docker.io/library/postgres:17"
ROLE = FOLDER.parents[1] / "roles" / "postgres"
# What the role would know on a Debian 12, the only place where its own recipe runs.
DEBIAN_12 = {
    "ansible_facts": {"distribution": "Debian", "distribution_release": "bookworm"},
    "__postgres_version": "15",
    "__postgres_bin_directory": "/usr/lib/postgresql/15/bin",
    "__postgres_image_data": "/var/lib/postgresql/data",
    "__postgres_image_volume": "/var/lib/postgresql/data",
}
FILES = {"Dockerfile": 0o644, "docker-entrypoint.sh": 0o755}


def image(client: docker.DockerClient) -> Written:
    """The official image, or its equal in interface."""
    name, there = pulled("POSTGRES_IMAGE", OFFICIAL, client)
    if there:
        return Written(
            "postgres", (("Dockerfile", f"FROM {there}\n", 0o644),), kind=f"real: {name}"
        )
    return stand_in()


def stand_in() -> Written:
    """The image of the role's recipe (postgres_image_build)."""
    jinja = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 (no HTML)

    def rendered(text: str) -> str:
        return jinja.from_string(text).render(DEBIAN_12)

    variables = yaml.safe_load((ROLE / "vars" / "Debian.yml").read_text())
    templates = ROLE / "templates" / "image"
    return Written(
        "postgres",
        files=tuple(
            (name, rendered((templates / f"{name}.j2").read_text()), mode)
            for name, mode in FILES.items()
        ),
        kind="stand-in: Debian bookworm's PostgreSQL 15 behind the official image's interface",
        make_tree=tuple(map(rendered, variables["__postgres_make_tree"])),
    )
