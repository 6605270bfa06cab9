"""The rehearsal: the pending revisions up, down and up again in a scratch database."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any

from . import process
from .drift import drift
from .errors import HeadwayError
from .keeper import keep
from .project import Project
from .rehearsal import (
    DIFFERS,
    FAILED,
    IMPOSSIBLE,
    INCONCLUSIVE,
    IRREVERSIBLE,
    MISSING,
    PASSED,
    SAME,
    UNTRIED,
    Performance,
    Performed,
    Rehearsal,
    RehearsalOptions,
    RehearsedRevision,
)
from .results import Look, Plan
from .schema import Change, Schema, changed, changes
from .trial import down, up

_FEW = 5


def rehearse(
    project: Project, planned: Plan, seen: Look, options: RehearsalOptions, command: str
) -> Rehearsal:
    """Run what was planned in a scratch database, as `engine.rehearse` says."""
    began = time.monotonic()
    if command:
        return _impossible(
            planned,
            options,
            f"The app migrates by a command of its own (`{command}`), which cannot be sent to "
            "another database.",
        )
    if options.no_scratch:
        return _impossible(planned, options, options.no_scratch)
    keeping = partial(keep, seen=seen, who=options.who, rows=options.rows, given=options.scratch)
    with process.conversation(keeping, project) as keeper:
        try:
            kept, _ = keeper.hear()
        except HeadwayError as fault:
            return _impossible(planned, options, f"{_capital(fault.message)}", fault)
        try:
            rehearsal = _Rehearsing(project, planned, seen, options, kept).run()
        except HeadwayError as fault:
            rehearsal = _impossible(planned, options, fault.message, fault)
            if fault.kind == "process_ended":  # as it would on the live database
                rehearsal = replace(rehearsal, outcome=FAILED, reason=fault.message)
        keeper.say({"done": True})
    return replace(
        rehearsal, seconds=round(time.monotonic() - began, 3), dropped=tuple(kept["dropped"])
    )


class _Rehearsing:
    def __init__(
        self,
        project: Project,
        planned: Plan,
        seen: Look,
        options: RehearsalOptions,
        kept: dict[str, Any],
    ) -> None:
        self._project = project
        self._planned = planned
        self._seen = seen
        self._options = options
        self._live, self._scratch = kept["live"], kept["scratch"]
        self._live_schema: Schema = dict(map(tuple, kept["schema"]))
        self._lacking = kept["lacking"]
        self._log: list[str] = []

    def run(self) -> Rehearsal:
        """Go up; and where that works, look for drift, go down, and up again."""
        first = self._up()
        before = dict(first.before)
        gaps = self._gaps(before, first)
        if first.reason:
            return self._failed(first, gaps)
        reached = changed(before, [c for p in first.performed for c in p.changes])
        found, log = process.run(
            partial(drift, live=self._live, scratch=self._scratch, history=self._seen.history),
            self._project,
        )
        self._log += log
        back = self._down(first)
        said, why = self._down_and_up(before, reached, back)
        return Rehearsal(
            database=self._planned.database,
            target=self._planned.target,
            outcome=PASSED if not first.invalid_indexes else FAILED,
            reason=f"it leaves {', '.join(first.invalid_indexes)} invalid"
            if first.invalid_indexes
            else None,
            rows=self._options.rows,
            scratch=self._scratch,
            revisions=self._revisions(first, back),
            invalid_indexes=first.invalid_indexes,
            drift=None if found["drift"] is None else tuple(found["drift"]),
            drift_unknown=found["drift_unknown"],
            down_and_up=said,
            not_rehearsed=(*gaps, *filter(None, [why])),
            log=tuple(self._log),
        )

    def _up(self) -> Performance:
        revisions = frozenset(p.revision for p in self._planned.pending)
        return self._trial(
            up(self._live, self._scratch, self._seen, self._planned.target, revisions)
        )

    def _down(self, first: Performance) -> Performance:
        try:
            return self._trial(down(self._live, self._scratch, self._seen, first.contexts))
        except HeadwayError as fault:
            return Performance((), (), (), reason=fault.message.rstrip("."))

    def _trial(self, work: process.Work) -> Performance:
        result, log = process.run(work, self._project)
        self._log += log
        return Performance.from_dict(result)

    def _gaps(self, before: Schema, first: Performance) -> tuple[str, ...]:
        """Say what the scratch database has not of the live one's."""
        gaps = []
        if differences := changes(self._live_schema, before):
            why = f" ({'; '.join(self._lacking)})" if self._lacking else ""
            few = "; ".join(map(str, differences[:_FEW]))
            gaps.append(
                f"The scratch database differs from the live one in {len(differences)} things, "
                f"among them {few}{why}."
            )
        elif self._lacking:
            gaps.append(f"The scratch database was not given: {'; '.join(self._lacking)}.")
        asked = [p.revision for p in first.performed if p.reads_rows]
        asked += [first.failed] if first.failed and first.asked else []
        if self._options.rows == "none" and asked and self._planned.current:
            gaps.append(
                "There were no rows, so what is done to the live database's is not known of "
                f"{', '.join(dict.fromkeys(asked))}."
            )
        if first.one_transaction:
            gaps.append(
                "env.py runs all revisions in one transaction: each one's locks are held until the "
                "last is done."
            )
        return tuple(gaps)

    def _down_and_up(self, before: Schema, reached: Schema, back: Performance) -> tuple[str, str]:
        """Go up again; give whether both ways come back to the same schemas, or why not."""
        if back.reason:
            where = f" stops at {back.failed}" if back.failed else " fails"
            return IRREVERSIBLE, f"Down again{where}: {back.reason}."
        base = changed(reached, [c for p in back.performed for c in p.changes])
        if changes(before, base):
            return DIFFERS, ""
        again = self._up()
        if again.reason:
            return DIFFERS, f"Up again fails at {again.failed}: {again.reason}."
        top = changed(base, [c for p in again.performed for c in p.changes])
        return (DIFFERS if changes(reached, top) else SAME), ""

    def _failed(self, first: Performance, gaps: tuple[str, ...]) -> Rehearsal:
        done = {p.revision for p in first.performed}
        file = next((p.file for p in self._planned.pending if p.revision == first.failed), "")
        return Rehearsal(
            database=self._planned.database,
            target=self._planned.target,
            outcome=INCONCLUSIVE if self._may_be_ours(first) else FAILED,
            rows=self._options.rows,
            scratch=self._scratch,
            revisions=self._revisions(first, None),
            failed_revision=first.failed,
            reason=f"{first.reason} ({file})" if file else first.reason,
            sqlstate=first.sqlstate,
            pending=tuple(p.revision for p in self._planned.pending if p.revision not in done),
            invalid_indexes=first.invalid_indexes,
            drift_unknown="not all revisions were run",
            not_rehearsed=gaps,
            log=tuple(self._log),
        )

    def _may_be_ours(self, first: Performance) -> bool:
        """Tell whether the live database, which has more, may let pass what failed here."""
        without_rows = (
            self._options.rows == "none"
            and bool(self._planned.current)
            and (first.asked or any(p.reads_rows for p in first.performed))
        )
        return without_rows or bool(changes(self._live_schema, dict(first.before)))

    def _revisions(
        self, first: Performance, back: Performance | None
    ) -> tuple[RehearsedRevision, ...]:
        known = {p.revision: p for p in self._planned.pending}
        undone: dict[str, list[Performed]] = {}
        for performed in back.performed if back else ():
            undone.setdefault(performed.revision, []).append(performed)
        made = []
        for did in first.performed:
            its = undone.get(did.revision)
            its_own = its.pop(0) if its else None
            failed = back is not None and back.failed == did.revision
            down, reason, left = _down(did, its_own, back.reason if back and failed else None)
            plan = known[did.revision]
            made.append(
                RehearsedRevision(did.revision, plan.message, plan.file, did, down, reason, left)
            )
        return tuple(made)


def _down(
    did: Performed, undone: Performed | None, failed: str | None
) -> tuple[str, str, tuple[Change, ...]]:
    """Give whether a downgrade takes a revision back, why not, and what it leaves."""
    if failed is not None:
        return IRREVERSIBLE, failed, ()
    if undone is None:
        return UNTRIED, "", ()
    left = _left(did, undone)
    if not left:
        return SAME, "", ()
    return (DIFFERS if undone.statements else MISSING), "", left


def _left(did: Performed, undone: Performed) -> tuple[Change, ...]:
    """Give what is different from before, of all that either of them touched."""
    touched = {c.what: c.before for c in (*undone.changes, *did.changes)}
    was = {what: is_ for what, is_ in touched.items() if is_ is not None}
    return changes(was, changed(changed(was, did.changes), undone.changes))


def _impossible(
    planned: Plan, options: RehearsalOptions, why: str, fault: HeadwayError | None = None
) -> Rehearsal:
    return Rehearsal(
        database=planned.database,
        target=planned.target,
        outcome=IMPOSSIBLE,
        rows=options.rows,
        pending=tuple(p.revision for p in planned.pending),
        drift_unknown="nothing was run",
        not_rehearsed=(why,),
        log=tuple(fault.data.get("log", ())) if fault else (),
    )


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
