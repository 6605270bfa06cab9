"""Enterprise Linux's RPMs by name, and the Debian packages that lend them their files.

Versions are those of the files. Names that differ between EL9 and EL10 differ here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rpm:
    """An RPM of the stand-in's repository.

    Its files are those of `debian` and of all that these need, less what the root or an earlier RPM has: that
    RPM becomes a requirement. Where no Debian package is named they are those of `/payload/NAME`, compiled.
    """

    name: str
    debian: tuple[str, ...] = ()
    # The compiled RPM that has the version.
    version_of: str = ""
    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    # A folder beside this file that is laid over the files, and links as (path, target).
    overlay: str = ""
    links: tuple[tuple[str, str], ...] = ()
    # Files and empty directories as (path, mode, owner), where that is not 0755 or 0644 and root.
    attributes: tuple[tuple[str, str, str], ...] = ()
    # A shell's commands, run before the files are there.
    before: str = ""
    # The stream of a module of its name that it belongs to.
    stream: str = ""


# What only Debian's own packaging asks for.
DEBIAN_ONLY = {
    "libc-l10n", "libjs-jquery", "libjs-sphinxdoc", "libjs-underscore", "locales", "postgresql-client-common",
    "postgresql-common", "sensible-utils", "ssl-cert", "ucf",
}  # fmt: skip

# What the image has from the start: only its names, with the version of a Debian package that is there.
BASE = {
    "basesystem": "base-files",
    "bash": "bash",
    "ca-certificates": "ca-certificates",
    "coreutils-single": "coreutils",
    "curl-minimal": "curl",
    "dbus": "dbus",
    "dnf": "dnf",
    "findutils": "findutils",
    "gawk": "mawk",
    "glibc": "libc6",
    "glibc-minimal-langpack": "libc6",
    "grep": "grep",
    "gzip": "gzip",
    "libcurl-minimal": "curl",
    "openssl-libs": "openssl",
    "python3": "python3-minimal",
    "python3-dnf": "python3-dnf",
    "python3-libs": "python3-minimal",
    "python3-rpm": "python3-rpm",
    "rpm": "rpm",
    "sed": "sed",
    "shadow-utils": "passwd",
    "systemd": "systemd",
    "tar": "tar",
    "tzdata": "tzdata",
    "util-linux": "util-linux",
    "yum": "dnf",
}

FIRST = (
    Rpm("setup", ("netbase",)),
    # A compiler, and what psycopg2 is built with.
    Rpm("kernel-headers", ("linux-libc-dev",)),
    Rpm("libxcrypt-devel", ("libcrypt-dev",)),
    Rpm("glibc-devel", ("libc6-dev",)),
    Rpm("binutils", ("binutils",)),
    Rpm("cpp", ("cpp",)),
    Rpm("gcc", ("gcc",), requires=("glibc-devel",)),
    Rpm("make", ("make",)),
    Rpm("redhat-rpm-config", overlay="redhat-rpm-config"),
    Rpm("openssl", ("openssl",)),
    Rpm("openssl-devel", ("libssl-dev",)),
    Rpm("libpq", ("libpq5",)),
    Rpm("libpq-devel", ("libpq-dev",)),
    # The system's Python.
    Rpm("python3-packaging", ("python3-packaging",)),
    Rpm("python3-setuptools", ("python3-setuptools",)),
    Rpm("python3-pip", ("python3-pip",)),
    Rpm("python3-devel", ("python3-dev",)),
    Rpm("python3-requests", ("python3-requests",)),
    Rpm("python3-psycopg2", ("python3-psycopg2",)),
    Rpm("python3-libselinux", ("python3-selinux",)),
    Rpm("python3-policycoreutils", ("python3-semanage",)),
    # Tools that minimal images lack.
    Rpm("acl", ("acl",)),
    Rpm("git-core", ("git",)),
    Rpm("libbsd", ("libbsd0",)),
    Rpm("iproute", ("iproute2",)),
    Rpm("procps-ng", ("procps",)),
    Rpm("sudo", ("sudo",), overlay="sudo", attributes=(("/etc/sudoers", "0440", "root"),)),
    Rpm("unzip", ("unzip",)),
    Rpm("curl", ("curl",), conflicts=("curl-minimal",)),
)

IPTABLES = tuple(
    (f"/usr/sbin/ip{v6}tables{use}", f"ip{v6}tables-nft{use}")
    for v6 in ("", "6")
    for use in ("", "-save", "-restore")
)


# Podman, which answers Docker's API. Last, so that no other RPM needs what comes with it.
ENGINE = (
    Rpm("nftables", ("nftables",)),
    Rpm("iptables-nft", ("iptables",), links=IPTABLES),
    Rpm("podman", ("podman",), requires=("iptables-nft", "nftables")),
    Rpm("podman-docker", overlay="podman-docker", requires=("podman",), conflicts=("docker-ce",)),
)


def rpms(major: str, suite: str, postgresql: str) -> tuple[Rpm, ...]:
    """All that the repository of a major version has, made of a Debian suite, in the order of making."""
    libicu = Rpm(
        "libicu", ({"bullseye": "libicu67", "bookworm": "libicu72", "trixie": "libicu76"}[suite],)
    )
    own = el9(suite, postgresql) if major == "9" else el10(postgresql)
    # EL9 began with podman 4, and bullseye's 3 drops a container's health check.
    engine = () if suite == "bullseye" else ENGINE
    return (*FIRST, libicu, *own, *engine)


def el9(suite: str, postgresql: str) -> tuple[Rpm, ...]:
    """EL9's own: a Python beside the system's, PostgreSQL 13 plain and another as a stream of a module."""
    plain: tuple[Rpm, ...] = ()
    if suite == "bullseye":
        python = (
            Rpm("python3.11", version_of="python3.11"),
            Rpm("python3.11-pip", version_of="python3.11", requires=("python3.11",)),
            Rpm("python3.11-devel", version_of="python3.11", requires=("python3.11",)),
        )
        plain = (
            postgresql_client(debian="13"),
            postgresql_server(debian="13", provides=(module_mark("13"),)),
        )
    else:
        python = (
            Rpm("python3.11", ("python3.11", "python3.11-venv")),
            Rpm("python3.11-pip", ("python3-pip",)),
            Rpm("python3.11-devel", ("python3.11-dev",)),
        )
    return (
        *python,
        *plain,
        postgresql_libs(stream=postgresql),
        postgresql_client(stream=postgresql),
        postgresql_server(stream=postgresql, provides=(module_mark(postgresql),)),
    )


def el10(postgresql: str) -> tuple[Rpm, ...]:
    """EL10's own: no modules; a version is in a name, which the default version's package only provides."""
    return (
        postgresql_libs(),
        postgresql_client(provides=(f"postgresql{postgresql}",)),
        postgresql_server(provides=(f"postgresql{postgresql}-server",)),
    )


def module_mark(postgresql: str) -> str:
    """What EL9's server packages provide beside their name, so that one version can be asked for."""
    return f"postgresql-server(:MODULE_COMPAT_{postgresql})"


def postgresql_libs(stream: str = "") -> Rpm:
    """The libpq of a server's own version, beside the system's."""
    return Rpm("postgresql-private-libs", version_of="postgresql-server", stream=stream)


def postgresql_client(debian: str = "", stream: str = "", provides: tuple[str, ...] = ()) -> Rpm:
    """PostgreSQL's programs for those who connect; Debian's of a version, or compiled."""
    programs = (
        "createdb createuser dropdb dropuser pg_dump pg_dumpall pg_isready pg_restore psql vacuumdb"
    )
    return Rpm(
        "postgresql",
        (f"postgresql-client-{debian}",) if debian else (),
        version_of="" if debian else "postgresql-server",
        provides=provides,
        requires=() if debian else ("postgresql-private-libs",),
        links=debian_programs(debian, programs) if debian else (),
        stream=stream,
    )


def postgresql_server(debian: str = "", stream: str = "", provides: tuple[str, ...] = ()) -> Rpm:
    """PostgreSQL's server in EL's layout; Debian's of a version, or compiled."""
    programs = (
        "initdb pg_basebackup pg_checksums pg_controldata pg_ctl pg_resetwal pg_rewind postgres"
    )
    return Rpm(
        "postgresql-server",
        (f"postgresql-{debian}",) if debian else (),
        version_of="" if debian else "postgresql-server",
        provides=provides,
        requires=("postgresql", "libicu"),
        overlay="postgresql-server",
        links=debian_programs(debian, programs) if debian else (),
        attributes=tuple(
            (f"/var/lib/pgsql{each}", "0700", "postgres") for each in ("", "/backups", "/data")
        ),
        # As EL's; Debian's gid 26 has been freed.
        before="groupadd -g 26 -o -r postgres >/dev/null 2>&1 || :\n"
        "useradd -M -N -g postgres -o -r -d /var/lib/pgsql -s /bin/bash -c 'PostgreSQL Server' -u 26 postgres"
        " >/dev/null 2>&1 || :",
        stream=stream,
    )


def debian_programs(version: str, names: str) -> tuple[tuple[str, str], ...]:
    """Links from /usr/bin to Debian's programs."""
    return tuple(
        (f"/usr/bin/{each}", f"/usr/lib/postgresql/{version}/bin/{each}") for each in names.split()
    )
