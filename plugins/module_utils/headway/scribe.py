"""What is told to the record of one run, or of an adoption. Needs no alembic."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import HeadwayError
from .history import History
from .options import RunOptions
from .process import Process
from .results import AppliedRevision, Look, Migration, Plan


class Scribe:
    """Writes one run down, at its beginning and at its end."""

    def __init__(self, planned: Plan, seen: Look, options: RunOptions) -> None:
        """Take what is going to be run."""
        self._planned = planned
        self._seen = seen
        self._options = options
        self._id = str(uuid.uuid4())
        self._began = time.monotonic()

    def beginning(self) -> dict[str, Any]:
        """Give the run's row as it is while it runs."""
        return {
            "id": self._id,
            "version_tables": sorted({str(table) for table in self._seen.version_tables}),
            "direction": self._planned.direction,
            "target": self._planned.target,
            "before": self._planned.current,
            "after": self._planned.current,
            "who": self._options.who,
            "release": self._options.release,
            "retries": 0,
            "waits": [],
            "outcome": "running",
        }

    def write(
        self,
        verifying: Process,
        came_of_it: tuple[Migration, HeadwayError | None],
        sha256: Mapping[str, str],
    ) -> tuple[str, ...]:
        """Have it written by the process that has read the database; give what was in the way."""
        migration, fault = came_of_it
        died = fault is not None and fault.kind == "process_ended"
        if not self._options.record or not (sha256 or died or migration.applied):
            return ()
        run = {
            **self.beginning(),
            "before": migration.before,
            "after": migration.after,
            "seconds": round(time.monotonic() - self._began, 3),
            "retries": sum(wait.cause != "migration" for wait in migration.waits),
            "waits": [wait.to_dict() for wait in migration.waits],
            "outcome": "failed" if fault else "applied",
            "reason": fault.message if fault else _snapshot(migration),
        }
        revisions = [
            {"position": number, **applied.to_dict(), "sha256": sha256.get(applied.revision)}
            for number, applied in enumerate(migration.applied, 1)
        ]
        return self._tell(verifying, run, revisions)

    def write_adoption(
        self, verifying: Process, history: History, sha256: Mapping[str, str], differences: int
    ) -> tuple[str, ...]:
        """As `write`, for revisions that the database was found to have, or said to have with `differences`."""
        if not self._options.record:
            return ()
        run = {
            **self.beginning(),
            "after": self._planned.after,
            "seconds": round(time.monotonic() - self._began, 3),
            "outcome": "adopted",
            "reason": f"accepted differences: {differences}" if differences else None,
        }
        there = (revision for revision in history.revisions if revision.revision in sha256)
        revisions = [
            {
                "position": number,
                **AppliedRevision(each.revision, each.message, None).to_dict(),
                "sha256": sha256[each.revision],
            }
            for number, each in enumerate(there, 1)
        ]
        return self._tell(verifying, run, revisions)

    def _tell(
        self, verifying: Process, run: Mapping[str, Any], revisions: Sequence[Mapping[str, Any]]
    ) -> tuple[str, ...]:
        try:
            answer, _ = verifying.say({"run": run, "revisions": revisions})
        except HeadwayError as error:
            return (f"The run is not written down in the database: {error.message}",)
        return tuple(answer["warnings"])


def _snapshot(migration: Migration) -> str | None:
    use = migration.snapshot
    return str(use) if use and use.loaded and migration.applied else None
