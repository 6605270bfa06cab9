"""What was learned in a scratch database, as text for a person."""

from __future__ import annotations

from .adoption import Adoption
from .rehearsal import PASSED, Rehearsal, RehearsedRevision
from .results import DOWN
from .schema import RIGHTS


def rehearsal_text(rehearsal: Rehearsal) -> str:
    """Say what was learned in the scratch database."""
    lines = [rehearsal.database, f"  {rehearsal.summary}"]
    for revision in rehearsal.revisions:
        lines += _rehearsed_lines(
            revision, "up again" if rehearsal.direction == DOWN else "down    "
        )
    for missing in rehearsal.drift or ():
        lines += [f"  drift    {missing}"]
    if rehearsal.drift_unknown and rehearsal.outcome == PASSED and rehearsal.revisions:
        lines += [f"  drift    unknown: {rehearsal.drift_unknown}"]
    lines += [f"  invalid  index {name}" for name in rehearsal.invalid_indexes]
    if rehearsal.revisions:
        lines += [f"  not rehearsed: {what}" for what in rehearsal.not_rehearsed]
    lines += [f"  dropped  {name}, left by a run that was killed" for name in rehearsal.dropped]
    return "\n".join(lines)


def adoption_text(adoption: Adoption) -> str:
    """Say how a database without a version compares with the history."""
    lines = [adoption.database, f"  {adoption.summary}"]
    lines += [f"  warning  {warning}" for warning in adoption.warnings]
    lines += [f"  not compared: {adoption.stopped}"] if adoption.stopped else []
    if adoption.differences:
        lines += ["  - is what the revisions have, + what the database has"]
    return "\n".join(lines + [f"  {change}" for change in adoption.differences])


def _rehearsed_lines(revision: RehearsedRevision, way_back: str) -> list[str]:
    did = revision.did
    lines = [f"    {revision.revision}  {revision.message}  ({did.seconds:.3f} s)"]
    lines += [f"      lock     {lock}" for lock in did.locks if lock.blocks]
    lines += [f"      rewrites {table}" for table in did.rewritten]
    lines += [f"      rebuilds {index}" for index in did.rebuilt_indexes]
    lines += [f"      drops    {lost}" for lost in did.lost]
    lines += [f"      outside of a transaction: {' '.join(s.split())}" for s in did.autocommit]
    down = revision.down_reason and f": {revision.down_reason}"
    lines += [f"      {way_back} {revision.down}{down}"]
    return lines + [
        f"        left   {change}"
        for change in revision.not_undone
        if not change.what.startswith(RIGHTS)
    ]
