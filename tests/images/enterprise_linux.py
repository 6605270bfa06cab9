"""Enterprise Linux: the vendor's base where it can be had, else a stand-in with its names on a Debian."""

from __future__ import annotations

from dataclasses import dataclass

import docker
from docker.errors import ImageNotFound

from . import reach
from .pull import UnavailableError, pulled
from .recipes import Layer, Recipe, Root

VENDOR_IMAGES = {"9": "quay.io/centos/centos:stream9", "10": "quay.io/centos/centos:stream10"}
# Each major version on the Debians that come closest, the closest first.
SUITES = {"9": ("bullseye", "bookworm"), "10": ("trixie",)}
# What EL's images have too; its repository has the rest.
PACKAGES = (
    "ca-certificates", "curl", "dbus", "dnf", "python3", "python3-dnf", "python3-venv", "rpm", "systemd-sysv",
)  # fmt: skip
MIRROR = "http://deb.debian.org/debian"


@dataclass(frozen=True)
class Source:
    """What PostgreSQL is compiled from, as `compiled/fetch.sh` takes it, and where it may answer."""

    major: str
    argument: str
    urls: tuple[str, ...]


POSTGRESQL_16 = (
    "https://ftp.postgresql.org/pub/source/v16.2/postgresql-16.2.tar.bz2",
    "http://archive.ubuntu.com/ubuntu/pool/main/p/postgresql-16/postgresql-16_16.2.orig.tar.bz2",
)
SOURCES = (
    # EL9's stream and EL10's default, which no release of Debian has.
    Source(
        major="16",
        argument="446e88294dbc2c9085ab4b7061a646fa604b4bec03521d5ea671c2e5ad9b2952:"
        + ",".join(POSTGRESQL_16),
        urls=POSTGRESQL_16,
    ),
    Source(major="15", argument="postgresql-15", urls=(f"{MIRROR}/dists/bookworm/Release",)),
)


def base(major: str, client: docker.DockerClient) -> Recipe:
    """EL of a major version with systemd and Python."""
    name, image = pulled(f"EL{major}_IMAGE", VENDOR_IMAGES[major], client)
    if image:
        return Layer(f"el{major}-vendor", "vendor", (("BASE", image),), own_kind=f"real: {name}")
    return stand_in(major, client)


def stand_in(major: str, client: docker.DockerClient) -> Layer:
    """The best stand-in that is built already or can be built from what answers here."""
    for suite in SUITES[major]:
        for source in SOURCES:
            recipe = stand_in_on(major, suite, source)
            if is_built(recipe, client) or (
                reach.mirror_has(f"{MIRROR}/dists/{suite}/Release")
                and any(map(reach.mirror_has, source.urls))
            ):
                return recipe
    raise UnavailableError(
        f"EL{major} can neither be pulled ({VENDOR_IMAGES[major]}) nor built "
        f"({MIRROR} has no {' or '.join(SUITES[major])})."
    )


def stand_in_on(major: str, suite: str, source: Source) -> Layer:
    """EL's names on a Debian, with a PostgreSQL of this source."""
    # Debian's /bin, /lib and /sbin were no links into /usr then, as EL's are.
    merged = "--setup-hook=/usr/share/mmdebstrap/hooks/merged-usr/setup00.sh"
    hooks = (merged,) if suite == "bullseye" else ()
    root = Root(f"el{major}-{suite}", suite, PACKAGES, hooks=hooks)
    compiled = Layer(
        f"el{major}-compiled",
        "compiled",
        # Not the root above: what changes there is no reason to compile again.
        parents=(("BASE", Root(suite, suite, ("ca-certificates",))),),
        arguments=(
            ("PYTHON", "python3.11" if suite == "bullseye" else ""),
            ("POSTGRESQL", source.argument),
        ),
    )
    return Layer(
        f"el{major}-stand-in",
        "stand_in",
        parents=(("BASE", root), ("COMPILED", compiled)),
        arguments=(("MAJOR", major), ("SUITE", suite), ("POSTGRESQL", source.major)),
        own_kind=f"stand-in: Debian {suite} with EL{major}'s names, PostgreSQL {source.major}",
    )


def is_built(recipe: Recipe, client: docker.DockerClient) -> bool:
    """Whether this machine has the image."""
    try:
        client.images.get(recipe.tag)
    except ImageNotFound:
        return False
    return True
