"""A dump's table of contents, and what of a database is not in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .catalog import Object

# dump id; oid of the catalog; oid; description, schema, name, owner (pg_backup_archiver.c,
# PrintTOCSummary). The oids are those of the database that was dumped.
_entry = re.compile(r"^(\d+); (\d+) (\d+) (.+)$", re.MULTILINE)
_rows = re.compile(r"(TABLE|MATERIALIZED VIEW) DATA ")


@dataclass(frozen=True)
class Contents:
    """What `pg_restore --list` names: objects by catalog and oid, rows by oid, files by dump id."""

    objects: frozenset[tuple[int, int]]
    rows: frozenset[int]
    files: frozenset[str]


def read(listing: str) -> Contents:
    """Read the output of `pg_restore --list`."""
    entries = _entry.findall(listing)
    with_rows = [entry for entry in entries if _rows.match(entry[3])]
    return Contents(
        objects=frozenset((int(classid), int(oid)) for _, classid, oid, _ in entries),
        rows=frozenset(int(oid) for _, _, oid, _ in with_rows),
        files=frozenset(dump for dump, _, _, what in with_rows if what.startswith("TABLE")),
    )


def missing(contents: Contents, objects: Sequence[Object], dump: Path) -> list[str]:
    """Give what a dump in directory format lacks: objects, their rows, the files that hold those."""
    lacking = [each.name for each in objects if (each.classid, each.oid) not in contents.objects]
    lacking += [
        f"rows of {each.name}"
        for each in objects
        if each.has_rows and each.oid not in contents.rows
    ]
    there = {path.name.split(".")[0] for path in dump.glob("*.dat*")}
    return lacking + sorted(f"file {name}.dat" for name in contents.files - there)
