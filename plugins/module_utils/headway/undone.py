"""Whether what revisions did in a scratch database is taken back by the way back."""

from __future__ import annotations

from collections.abc import Iterator

from .rehearsal import DIFFERS, IRREVERSIBLE, MISSING, SAME, UNTRIED, Performance, Performed
from .schema import Change, changed, changes

# Whether it is taken back (RehearsedRevision.down), why not, and what is left.
WayBack = tuple[str, str, "tuple[Change, ...]"]


def undone(first: Performance, again: Performance | None) -> Iterator[tuple[Performed, WayBack]]:
    """Give for each revision of the `first` run what the run the other way made of it."""
    others: dict[str, list[Performed]] = {}
    for performed in again.performed if again else ():
        others.setdefault(performed.revision, []).append(performed)
    for did in first.performed:
        its = others.get(did.revision)
        its_own = its.pop(0) if its else None
        failed = again is not None and again.failed == did.revision
        yield did, _way_back(did, its_own, again.reason if again and failed else None)


def _way_back(did: Performed, other: Performed | None, failed: str | None) -> WayBack:
    if failed is not None:
        return IRREVERSIBLE, failed, ()
    if other is None:
        return UNTRIED, "", ()
    left = _left(did, other)
    if not left:
        return SAME, "", ()
    return (DIFFERS if other.statements else MISSING), "", left


def _left(did: Performed, other: Performed) -> tuple[Change, ...]:
    """Give what is different from before, of all that either of them touched."""
    touched = {c.what: c.before for c in (*other.changes, *did.changes)}
    was = {what: is_ for what, is_ in touched.items() if is_ is not None}
    return changes(was, changed(changed(was, did.changes), other.changes))
