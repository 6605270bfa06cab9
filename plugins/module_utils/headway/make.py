"""Makes an app's snapshot, and tells whether it is one of the revisions as they are now."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from . import process
from .adopt import extensions_of_others
from .build import build
from .environment import Environment
from .errors import HeadwayError
from .history import History
from .keeper import keep
from .project import Project
from .results import Look, SnapshotState
from .schema import changes
from .scratch import EMPTY
from .secrets import Secrets
from .snapshot import Snapshot, file_of, read, write
from .static import sha256_of

# More than a day apart: what hangs on the clock's date or on the zone differs between two runs.
_ZONES = ("Etc/GMT+12", "Etc/GMT-14")


def state(project: Project, secrets: Secrets) -> dict[str, Any]:
    """Give a SnapshotState as a dictionary. Needs no database."""
    environment = Environment(project, ("current",), secrets)
    history, file = environment.history, file_of(environment.scripts)
    snapshot = None
    try:
        snapshot = read(file)
        reason = snapshot.mismatch(history)
        if not reason and (later := snapshot.lacks(history)):
            reason = f"it lacks {len(later)} revision{'s' * (len(later) > 1)}, {later[0]} the first"
    except FileNotFoundError:
        reason = "there is none"
    except (OSError, ValueError) as error:
        reason = str(error)
    head, count = (snapshot.head, len(snapshot.sha256)) if snapshot else ("", 0)
    return SnapshotState(str(file), not reason, head, count, reason).to_dict()


def make(project: Project, seen: Look, who: str) -> SnapshotState:
    """Make it in scratch databases beside the live one, as `engine.snapshot` says."""
    history = seen.history
    if len(history.heads) != 1:
        raise HeadwayError(
            "not_snapshotable",
            f"The history has the heads {', '.join(history.heads)}; a snapshot is of one: merge them.",
        )
    if project.x_arguments:
        raise HeadwayError(
            "not_snapshotable",
            "A snapshot is of the app without x arguments, with which env.py may make another "
            "database of it.",
        )
    sha256 = {r.revision: sha256_of(r.file) for r in history.revisions}
    first = _built(project, seen, who, _ZONES[0])
    if not_carried := first.said["uncarried"]:
        raise _refused(history, not_carried)
    second = _built(project, seen, who, _ZONES[1])
    if differences := _differences(first.text, second.text):
        raise _refused(
            history,
            [
                "two runs of the revisions differ, so that what they make hangs on the time, the time "
                f"zone, the database's name or on chance, for instance {differences}"
            ],
        )
    role = str(first.said["role"])
    if first.said["speaks_of_who"] and re.search(rf"\b{re.escape(role)}\b", first.text):
        raise _refused(history, [f"what they make has the role that runs them, {role}, in it"])
    snapshot = Snapshot(
        head=history.heads[0],
        sha256=sha256,
        schemas=tuple(first.said["schemas"]),
        relations=int(first.said["relations"]),
        body=first.text,
    )
    loaded = _built(project, seen, who, _ZONES[1], snapshot)
    other = changes(dict(first.schema), dict(loaded.schema))
    differences = "; ".join(map(str, other[:3])) or _differences(first.text, loaded.text)
    if differences:
        raise _refused(history, [f"loading it makes another database than they do: {differences}"])
    if mismatch := snapshot.mismatch(history):
        raise _refused(history, [mismatch])
    file = Path(first.said["file"])
    changed = write(snapshot, file)
    return SnapshotState(str(file), True, snapshot.head, len(snapshot.sha256), "", changed=changed)


@dataclass(frozen=True)
class _Built:
    said: dict[str, Any]
    text: str

    @property
    def schema(self) -> tuple[tuple[str, str], ...]:
        return tuple((what, is_) for what, is_ in self.said["schema"])


def _built(
    project: Project, seen: Look, who: str, zone: str, snapshot: Snapshot | None = None
) -> _Built:
    """Have a scratch database, and what the revisions or the snapshot make in it."""
    keeping = partial(keep, seen=seen, who=who, rows=EMPTY, given="")
    with process.conversation(keeping, project) as keeper, tempfile.TemporaryFile() as output:
        try:
            kept, _ = keeper.hear()
        except HeadwayError as fault:
            raise HeadwayError(
                fault.kind, f"No snapshot can be made: {fault.message}", **fault.data
            ) from fault
        building = partial(
            build,
            live=kept["live"],
            scratch=kept["scratch"],
            seen=seen,
            zone=zone,
            prepare=extensions_of_others(dict(map(tuple, kept["schema"])), seen.history),
            snapshot=snapshot,
            output=output,
        )
        said, _ = process.run(building, project)
        keeper.say({"done": True})
        output.seek(0)
        return _Built(said, output.read().decode())


def _differences(one: str, other: str) -> str:
    """Give the first line in which two texts differ, as both have it; "" where none does."""
    for lines in zip_longest(one.splitlines(), other.splitlines(), fillvalue="(its end)"):
        if lines[0] != lines[1]:
            return " and ".join(" ".join(line.split())[:120] for line in lines)
    return ""


def _refused(history: History, reasons: list[str]) -> HeadwayError:
    few = "; ".join(reasons[:5])
    return HeadwayError(
        "not_snapshotable",
        f"The revisions up to {history.heads[0]} cannot be had as a snapshot: {few}. Nothing was "
        "written; without a snapshot the revisions run.",
        reasons=reasons,
    )
