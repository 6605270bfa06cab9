"""A folder's content as one digest, and as an archive that is the same for the same content."""

from __future__ import annotations

import fnmatch
import gzip
import hashlib
import os
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

NEVER_DEPLOYED = (
    ".git",
    ".hg",
    ".svn",
    ".venv",
    "venv",
    ".tox",
    ".nox",
    "node_modules",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "*.egg-info",
    ".DS_Store",
)


def files(root: Path, exclude: Sequence[str] = NEVER_DEPLOYED) -> Iterator[Path]:
    """Files and links below `root` as sorted relative paths, but for those whose name matches `exclude`."""

    def kept(name: str) -> bool:
        return not any(fnmatch.fnmatchcase(name, pattern) for pattern in exclude)

    found = []
    for folder, folders, names in os.walk(root):
        linked = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = [name for name in folders if kept(name) and name not in linked]
        found += [(Path(folder) / name).relative_to(root) for name in names + linked if kept(name)]
    return iter(sorted(found))


def digest(root: Path, without: Sequence[str] = ()) -> str:
    """sha256 of the names, contents and executable bits below `root`; `without` are relative paths to leave out."""
    total = hashlib.sha256()
    for relative in files(root):
        if str(relative) in without:
            continue
        path = root / relative
        if path.is_symlink():
            kind, content = "link", os.readlink(path).encode()
        else:
            kind = "program" if os.access(path, os.X_OK) else "file"
            content = path.read_bytes()
        total.update(f"{kind} {relative} {hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()


def pack(root: Path, archive: Path) -> None:
    """Writes `root`'s files as a gzipped tar: root's own, 0644 or 0755, no times; complete or not there at all."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    partial = archive.with_name(f"{archive.name}.{os.getpid()}.partial")
    try:
        with (
            partial.open("wb") as raw,
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as zipped,
            tarfile.open(fileobj=zipped, mode="w") as tar,
        ):
            for relative in files(root):
                tar.add(root / relative, str(relative), recursive=False, filter=_plain)
        partial.replace(archive)
    finally:
        partial.unlink(missing_ok=True)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mtime = 0
    member.mode = 0o755 if member.mode & 0o100 else 0o644
    return member
