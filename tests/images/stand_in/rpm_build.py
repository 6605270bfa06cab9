"""Builds the stand-in's repository of RPMs; runs in a container of the root that the stand-in is made from.

`python3 -m stand_in.rpm_build MAJOR SUITE POSTGRESQL STATUS FOLDER`: STATUS is dpkg's status of that root as it was
made.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from .rpms import BASE, DEBIAN_ONLY, Rpm, rpms

RECIPE = Path(__file__).parent
COMPILED = Path("/payload")
# Documentation and translations, which container images leave out too (tsflags=nodocs).
LEFT_OUT = ("doc", "info", "lintian", "locale", "man")

SPEC = """\
%define __os_install_post %{{nil}}
%define debug_package %{{nil}}
%define _build_id_links none
%define _binary_payload w1.zstdio
Name: {name}
Version: {version}
Release: {release}
Summary: Stand-in for {name}
License: Various
AutoReqProv: no
{relations}
%description
Files of Debian or of a source, under the name that Enterprise Linux has for them.
%install
cp -a {files}/. %{{buildroot}}
{before}
{after}
%files {file_list}
"""

MODULE = """\
---
document: modulemd
version: 2
data:
  name: postgresql
  stream: "{stream}"
  version: 1
  context: standin
  arch: {arch}
  summary: PostgreSQL server and client
  description: PostgreSQL server and client
  license: {{module: [MIT]}}
  profiles:
    client: {{rpms: [postgresql]}}
    server: {{rpms: [postgresql-server]}}
  artifacts: {{rpms: [{artifacts}]}}
---
document: modulemd-defaults
version: 1
data:
  module: postgresql
  profiles: {{"{stream}": [server]}}
"""


def output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def needed(packages: Iterable[str]) -> list[str]:
    """These Debian packages and all that they need, less what the root has."""
    said = output("apt-get", "--simulate", "--no-install-recommends", "install", *packages)
    return [
        name for name in re.findall(r"^Inst (\S+)", said, re.MULTILINE) if name not in DEBIAN_ONLY
    ]


def upstream_version(package: str) -> str:
    """A Debian package's version without what an RPM's may not have."""
    found = re.search(
        r"^Version: (?:\d+:)?([\w.]+)", output("apt-cache", "show", package), re.MULTILINE
    )
    assert found, package
    return found[1]


def extract(packages: Iterable[str], folder: Path) -> None:
    """Puts the files of downloaded Debian packages into a folder, below /usr what Debian has beside it."""
    for package in packages:
        (archive,) = Path().glob(f"{package}_*.deb")
        subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        if (folder / name).is_dir():
            shutil.copytree(folder / name, folder / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(folder / name)
    for name in LEFT_OUT:
        shutil.rmtree(folder / "usr/share" / name, ignore_errors=True)


def lay_over(rpm: Rpm, folder: Path) -> None:
    """Adds an RPM's own files, links and empty directories."""
    for source in sorted((RECIPE / rpm.overlay).rglob("*")) if rpm.overlay else ():
        if source.is_file():
            target = folder / source.relative_to(RECIPE / rpm.overlay)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
    for path, points_to in rpm.links:
        link = folder / path[1:]
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(points_to)
    for path, _, _ in rpm.attributes:
        if not (folder / path[1:]).exists():
            (folder / path[1:]).mkdir(parents=True)


def files_of(rpm: Rpm, folder: Path) -> list[str]:
    """The lines of a spec's list of files."""
    lines = []
    attributes = {path: f"%attr({mode}, {owner}, {owner})" for path, mode, owner in rpm.attributes}
    for path in sorted(folder.rglob("*")):
        name = f"/{path.relative_to(folder)}"
        if path.is_symlink() or not path.is_dir():
            lines.append(f'{attributes.get(name, "")} "{name}"')
        elif name in attributes:
            lines.append(f'%dir {attributes[name]} "{name}"')
    return lines


def afterwards(lines: list[str]) -> str:
    """What EL's file triggers do when such files have come."""
    text = "\n".join(lines)
    commands = ["ldconfig"] if ".so" in text else []
    if "/systemd/system/" in text:
        commands.append("systemctl daemon-reload >/dev/null 2>&1 || :")
    for name in re.findall(r'lib/tmpfiles.d/([^"]+)', text):
        commands.append(f"systemd-tmpfiles --create {name} >/dev/null 2>&1 || :")
    return "\n".join(["%post", *commands]) if commands else ""


def package(rpm: Rpm, version: str, release: str, files: Path, target: Path) -> None:
    """Makes an RPM of the files in a folder."""
    lines = files_of(rpm, files)
    Path(f"{files}.list").write_text("".join(f"{line}\n" for line in lines))
    relations = [
        *(f"Provides: {each}" for each in rpm.provides),
        *(f"Requires: {each}" for each in rpm.requires),
        *(f"Conflicts: {each}" for each in rpm.conflicts),
    ]
    spec = Path(f"{files}.spec")
    spec.write_text(
        SPEC.format(
            name=rpm.name,
            version=version,
            release=release,
            relations="\n".join(relations),
            files=files,
            file_list=f"-f {files}.list" if lines else "",
            before=f"%pre\n{rpm.before}" if rpm.before else "",
            after=afterwards(lines),
        )
    )
    folders = ["--define", f"_topdir {files}.rpm", "--define", f"_rpmdir {target}"]
    subprocess.run(
        ["rpmbuild", "-bb", "--quiet", *folders, spec], check=True, stdout=subprocess.DEVNULL
    )


def package_base(major: str, repository: Path) -> None:
    """Makes the RPMs of what the image has from the start, without files."""
    for name, lender in BASE.items():
        files = Path(f"base-{name}").absolute()
        files.mkdir()
        rpm = Rpm(name, provides=("/bin/sh",) if name == "bash" else ())
        package(rpm, upstream_version(lender), f"1.el{major}", files, repository / "base")


def share(table: Iterable[Rpm]) -> Iterator[tuple[Rpm, list[str]]]:
    """Each RPM with the Debian packages that are its alone; those that it shares become requirements."""
    owners: dict[str, str] = {}
    for rpm in table:
        lenders = needed(rpm.debian) if rpm.debian else []
        shared = {owners[name] for name in lenders if name in owners}
        own = [name for name in lenders if name not in owners]
        owners.update(dict.fromkeys(own, rpm.name))
        yield replace(rpm, requires=tuple(sorted({*rpm.requires, *shared}))), own


def main() -> None:
    major, suite, postgresql, status, target = sys.argv[1:]
    repository, work = Path(target), Path("/work")
    repository.mkdir(parents=True)
    work.mkdir()
    os.chdir(work)
    Path("apt.conf").write_text(f'Dir::State::status "{status}"; APT::Sandbox::User "root";')
    os.environ["APT_CONFIG"] = str(work / "apt.conf")

    arch = output("rpm", "--eval", "%{_arch}").strip()

    package_base(major, repository)
    rows = list(share(rpms(major, suite, postgresql)))
    subprocess.run(
        ["apt-get", "-qq", "download", *(name for _, own in rows for name in own)], check=True
    )
    artifacts = []
    for rpm, own in rows:
        files = work / f"{rpm.name}{rpm.stream}"
        files.mkdir()
        extract(own, files)
        version = upstream_version(rpm.debian[0]) if rpm.debian else "1"
        if rpm.version_of:
            shutil.copytree(COMPILED / rpm.name, files, symlinks=True, dirs_exist_ok=True)
            version = (COMPILED / f"{rpm.version_of}.version").read_text().strip()
        if rpm.version_of == "postgresql-server":
            assert version.split(".")[0] == postgresql, f"PostgreSQL {version} is no {postgresql}"
        lay_over(rpm, files)
        release = f"1.module+el{major}" if rpm.stream else f"1.el{major}"
        package(rpm, version, release, files, repository)
        shutil.rmtree(files)
        if rpm.stream:
            artifacts.append(f"{rpm.name}-0:{version}-{release}.{arch}")
        print(
            f"{rpm.name} {version} of {own or 'its own'}, requires {rpm.requires or 'none'}",
            flush=True,
        )

    subprocess.run(["createrepo_c", "--quiet", repository], check=True)
    if artifacts:
        modules = work / "modules.yaml"
        modules.write_text(
            MODULE.format(stream=postgresql, arch=arch, artifacts=", ".join(artifacts))
        )
        subprocess.run(
            ["modifyrepo_c", "--mdtype=modules", modules, repository / "repodata"], check=True
        )


if __name__ == "__main__":
    main()
