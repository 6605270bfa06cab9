"""The snapshot: what the revisions make of an empty database, as one SQL file beside them.

Its head says which revisions it stands for, each with the SHA-256 of its file, and has a checksum of
the SQL below: one that does not match any more is recognised without a database.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .history import History
from .results import NO_SNAPSHOT, SNAPSHOT_FILE, SnapshotUse
from .static import sha256, sha256_of

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

_TITLE = "-- headway snapshot, format 1\n"
_FOR_READERS = (
    "-- What the revisions below make of an empty database, which is loaded in their place. It is\n"
    "-- made by `headway snapshot` and not to be edited: with another checksum it is not loaded.\n"
)
_line = re.compile(r"-- (body|head|schema|relations|revision): (.+)\n")


@dataclass(frozen=True)
class Snapshot:
    """What the file has.

    `sha256` is that of each revision's file. `schemas` are those where names without a schema were
    found and made; `relations` is how many the server has locked until the body is committed.
    """

    head: str
    sha256: Mapping[str, str]
    schemas: tuple[str, ...]
    relations: int
    body: str

    @property
    def text(self) -> str:
        """The file."""
        lines = [
            _TITLE,
            _FOR_READERS,
            f"-- body: {_checksum(self.body)}\n",
            f"-- relations: {self.relations}\n",
            *(f"-- schema: {schema}\n" for schema in self.schemas),
            f"-- head: {self.head}\n",
            *(f"-- revision: {digest} {revision}\n" for revision, digest in self.sha256.items()),
        ]
        return "".join(lines) + "\n" + self.body

    def mismatch(self, history: History) -> str:
        """Give what of the files is not any more what it was made from, "" where nothing is."""
        for revision, digest in self.sha256.items():
            if revision not in history.by_id:
                return f"it stands for revision {revision}, which no file has"
            file = history.by_id[revision].file
            if sha256_of(file) != digest:
                return f"{file} was edited since it was made"
        if history.heads_of(self.sha256) != (self.head,):
            return "its revisions build on one that it does not have"
        return ""

    def lacks(self, history: History) -> tuple[str, ...]:
        """Give the revisions that came after it."""
        return tuple(r.revision for r in history.revisions if r.revision not in self.sha256)


def file_of(scripts: ScriptDirectory) -> Path:
    """Give where an app's snapshot is: in the folder of its env.py."""
    return Path(scripts.dir).absolute() / SNAPSHOT_FILE


def offered(file: Path, history: History) -> tuple[SnapshotUse, Snapshot | None]:
    """Give the snapshot, if there is one and it is that of the files, and what is to be said of it."""
    if not file.exists():
        return NO_SNAPSHOT, None
    try:
        snapshot = read(file)
        reason = snapshot.mismatch(history)
    except (OSError, ValueError) as error:
        reason = str(error)
    if reason:
        return SnapshotUse(str(file), (), reason), None
    return SnapshotUse(str(file), tuple(snapshot.sha256), ""), snapshot


def read(file: Path) -> Snapshot:
    """Read a snapshot. Raises ValueError, with the reason, for a file that is none, OSError as open."""
    text = file.read_bytes().decode("utf-8", "replace")
    header, _, body = text.partition("\n\n")
    if not text.startswith(_TITLE):
        raise ValueError("it is not a snapshot of this version of Headway")
    said: dict[str, list[str]] = {}
    for name, value in _line.findall(header + "\n"):
        said.setdefault(name, []).append(value)
    if said.get("body") != [_checksum(body)]:
        raise ValueError("its SQL does not match its checksum")
    try:
        digests = (line.split(" ", 1) for line in said["revision"])
        return Snapshot(
            head=said["head"][0],
            sha256={revision: digest for digest, revision in digests},
            schemas=tuple(said.get("schema", ())),
            relations=int(said["relations"][0]),
            body=body,
        )
    except (KeyError, ValueError) as error:
        raise ValueError("its first lines are damaged") from error


def write(snapshot: Snapshot, file: Path) -> bool:
    """Write it whole or not at all; give whether the file is another one now."""
    import tempfile  # here, since a look at head is to be fast

    new = snapshot.text.encode()
    mode = 0o644
    if file.exists():
        if file.read_bytes() == new:
            return False
        mode = file.stat().st_mode & 0o777
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as temporary:
        try:
            temporary.write(new)
            os.fchmod(temporary.fileno(), mode)
            os.replace(temporary.name, file)
        except BaseException:
            os.unlink(temporary.name)
            raise
    return True


def _checksum(body: str) -> str:
    return sha256(body.encode())
