"""The folder that a database's backups are in.

`<directory>/<database>/<name>/` has `dump/` (pg_dump's directory format), `manifest.json` and
`SHA256SUMS` over both, which `sha256sum --check` reads. What is being made has another name, so
whatever has a backup's name is complete.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .errors import BackupError

SUMS = "SHA256SUMS"
PARTIAL = ".partial"
CHUNK = 1 << 20
_name = re.compile(r"\d{8}T\d{6}Z(_\d+)?")


@dataclass(frozen=True)
class Backup:
    """A complete backup; `manifest` is what was written of it when it was taken."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """Its name, the time at which it was taken (UTC)."""
        return self.folder.name

    @property
    def dump(self) -> Path:
        """The folder that pg_restore reads."""
        return self.folder / "dump"

    def to_dict(self) -> dict[str, Any]:
        """Give what a person wants to know of it, as JSON values."""
        known = ("taken", "seconds", "bytes", "database_bytes", "server_version", "revisions")
        return {
            "name": self.name,
            "folder": str(self.folder),
            **{key: self.manifest[key] for key in known},
        }


@dataclass(frozen=True)
class Store:
    """The backups of one database below a directory."""

    directory: Path
    database: str

    @property
    def folder(self) -> Path:
        """The folder of this database, whose name may have anything in it."""
        name = quote(self.database, safe="")
        return self.directory / (f"%2E{name[1:]}" if name.startswith(".") else name)

    def backups(self) -> list[Backup]:
        """Give the complete backups, oldest first."""
        if not self.folder.is_dir():
            return []
        found = sorted(each for each in self.folder.iterdir() if _name.fullmatch(each.name))
        return [Backup(each, _manifest(each)) for each in found if (each / SUMS).exists()]

    def choose(self, name: str) -> Backup:
        """Give the backup of that name, or the newest where it is empty.

        Raises BackupError where there is none.
        """
        backups = self.backups()
        chosen = [each for each in backups if each.name == name] if name else backups
        if chosen:
            return chosen[-1]
        if not backups:
            raise BackupError(
                f"{self.folder} holds no backup of {self.database}: take one with make backup, or "
                "put one there."
            )
        names = ", ".join(each.name for each in backups)
        raise BackupError(f"{self.folder} holds no backup {name}; there are {names}.")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Have the folder, and be the only one who works in it.

        Raises BackupError where another is at it.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            os.chmod(lock.fileno(), 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupError(
                    f"Another backup or restore of {self.database} is at work in {self.folder}: "
                    "try again when it is done."
                ) from None
            yield

    def leftovers(self) -> list[Path]:
        """Give what runs that were killed have left."""
        return sorted(self.folder.glob(f"*{PARTIAL}")) if self.folder.is_dir() else []

    def new_partial(self, now: datetime) -> Path:
        """Make the folder for a backup that is begun now."""
        stem = stamp(now)
        taken = {each.name.split(".")[0] for each in self.folder.iterdir()}
        names = (stem if count == 1 else f"{stem}_{count}" for count in range(1, len(taken) + 2))
        partial = self.folder / (next(name for name in names if name not in taken) + PARTIAL)
        partial.mkdir(mode=0o700)
        return partial

    def complete(self, partial: Path, manifest: dict[str, Any]) -> Backup:
        """Seal what was dumped and give it a backup's name; it is on the disk then."""
        _write(partial / "manifest.json", json.dumps(manifest, indent=2) + "\n")
        sums = [f"{_sha256(path)}  {path.relative_to(partial)}\n" for path in _files(partial)]
        _write(partial / SUMS, "".join(sums))
        for path in partial.rglob("*"):
            # pg_dump in a container does not have our umask.
            path.chmod(0o700 if path.is_dir() else 0o600)
        _make_durable(partial)
        final = partial.with_name(partial.name[: -len(PARTIAL)])
        partial.rename(final)
        _make_durable(self.folder)
        return Backup(final, manifest)

    def drop_old(self, keep: int) -> list[str]:
        """Drop all but the newest `keep`, of which there is always one; give their names."""
        backups = self.backups()
        old = backups[: -max(keep, 1)]
        for each in old:
            # Not by its name any more once it is no longer whole.
            doomed = each.folder.with_name(each.name + PARTIAL)
            each.folder.rename(doomed)
            shutil.rmtree(doomed)
        return [each.name for each in old]


def verify(backup: Backup) -> None:
    """Raise BackupError, with the files' names, where a backup is not as it was written."""
    wanted = _sums(backup.folder)
    there = {str(path.relative_to(backup.folder)): path for path in _files(backup.folder)}
    damaged = [f"{name} is missing" for name in wanted if name not in there]
    damaged += [
        f"{name} has changed" for name, path in there.items() if wanted.get(name) != _sha256(path)
    ]
    if damaged:
        more = f" and {len(damaged) - 3} more" if len(damaged) > 3 else ""
        raise BackupError(
            f"Backup {backup.folder} is damaged: {', '.join(damaged[:3])}{more}. "
            "Nothing was touched; restore another one by its name."
        )


def stamp(now: datetime) -> str:
    """Give a time as names have it, in UTC; YAML takes it for a text, and not for a number."""
    return now.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def size(folder: Path) -> int:
    """Give the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def readable(count: float) -> str:
    """Give a number of bytes as people read it."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def free_bytes(folder: Path) -> int:
    """Give the room left for ordinary users where a folder is or would be."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return shutil.disk_usage(there).free


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    except (OSError, ValueError):
        raise BackupError(
            f"Backup {folder} is damaged: its manifest.json cannot be read. Move the folder away, "
            "and the others are found again."
        ) from None
    return manifest


def _sums(folder: Path) -> dict[str, str]:
    lines = (folder / SUMS).read_text().splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _write(path: Path, text: str) -> None:
    with path.open("w") as file:
        os.chmod(file.fileno(), 0o600)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
