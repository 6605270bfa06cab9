"""Adopting: finds the revision whose schema a database has, and stamps it with that when asked."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

from . import process
from .adoption import Adoption, AdoptionOptions, Candidate
from .errors import HeadwayError
from .history import History
from .keeper import keep
from .options import RunOptions
from .project import Project
from .rehearsal import Performance
from .results import Found, Look, Plan
from .schema import Change, Schema, changed, changes, without_rights
from .scratch import EMPTY
from .scribe import Scribe
from .stamp import stamp
from .trial import up
from .verify import verify

_FEW = 5


def adopt(project: Project, seen: Look, options: AdoptionOptions) -> Adoption:
    """Compare, and stamp if a revision is asked for, as `engine.adopt` says."""
    if seen.current:
        return _already(seen, options)
    keeping = partial(keep, seen=seen, who=options.who, rows=EMPTY, given=options.scratch)
    with process.conversation(keeping, project) as keeper:
        try:
            kept, _ = keeper.hear()
        except HeadwayError as fault:
            raise HeadwayError(
                fault.kind, f"The schemas cannot be compared: {fault.message}", **fault.data
            ) from fault
        live = _comparable(dict(map(tuple, kept["schema"])))
        if not any(what.startswith(("table ", "view ", "type ")) for what in live):
            raise HeadwayError(
                "nothing_to_adopt", f"{seen.database} holds nothing yet: upgrade it."
            )
        build = up(
            kept["live"],
            kept["scratch"],
            seen,
            "heads",
            frozenset(seen.history.by_id),
            prepare=extensions_of_others(live, seen.history),
        )
        result, log = process.run(build, project)
        keeper.say({"done": True})
    found = _Comparison(live, Performance.from_dict(result), seen.history)
    adoption = Adoption(
        database=seen.database,
        before=(),
        after=(),
        changed=False,
        matches=found.matches,
        nearest=found.nearest,
        differences=found.differences(found.nearest),
        stopped=found.stopped,
        log=tuple(log),
    )
    if not options.revision:
        return adoption
    return _stamped(project, seen, options, found, adoption)


class _Comparison:
    """The live schema beside what each revision makes."""

    def __init__(self, live: Schema, built: Performance, history: History) -> None:
        if len(built.contexts) != 1:
            raise HeadwayError(
                "several_contexts",
                "env.py runs migrations several times; adopt one of its databases or tenants at a "
                "time (x arguments).",
            )
        self._live = live
        self._schemas: dict[Candidate, Schema] = {}
        made: Schema = dict(built.before)
        applied: list[str] = []
        for performed in built.performed:
            made = changed(made, performed.changes)
            applied.append(performed.revision)
            schema = _comparable(made)
            candidate = Candidate(
                revisions=history.heads_of(applied),
                message=history.by_id[performed.revision].message,
                differences=len(changes(schema, live)),
                common=sum(
                    what in schema and not what.startswith(("schema ", "extension "))
                    for what in live
                ),
            )
            self._schemas[candidate] = schema
        self.stopped = f"{built.failed} fails: {built.reason}" if built.reason else ""

    @property
    def matches(self) -> tuple[Candidate, ...]:
        return tuple(c for c in self._schemas if not c.differences)

    @property
    def nearest(self) -> Candidate | None:
        near = [c for c in self._schemas if c.common]
        return min(near, key=lambda candidate: candidate.differences, default=None)

    def differences(self, candidate: Candidate | None) -> tuple[Change, ...]:
        return changes(self._schemas[candidate], self._live) if candidate else ()

    def named(self, revision: str) -> Candidate:
        """Give the candidate that somebody asks for, by a part of its id at least."""
        candidates = list(self._schemas)
        if revision in ("head", "heads") and not self.stopped:
            return candidates[-1]
        found = [c for c in candidates if c.name == revision] or [
            c for c in candidates if c.name.startswith(revision)
        ]
        if len(found) != 1:
            why = f" ({self.stopped})" if self.stopped else ""
            raise HeadwayError(
                "unknown_target",
                f"{revision} names {len(found) or 'none'} of the revisions that the database was "
                f"compared with, {candidates[0].name if candidates else 'none'} to "
                f"{candidates[-1].name if candidates else 'none'}{why}: name one.",
            )
        return found[0]


def _stamped(
    project: Project,
    seen: Look,
    options: AdoptionOptions,
    found: _Comparison,
    adoption: Adoption,
) -> Adoption:
    wanted = found.named(options.revision)
    differences = found.differences(wanted)
    if differences and not options.accept_differences:
        few = "; ".join(map(str, differences[:_FEW]))
        match = "".join(f" It is that of {each}." for each in found.matches)
        raise HeadwayError(
            "does_not_match",
            f"The schema of {seen.database} is not what the revisions up to {wanted} make: "
            f"{len(differences)} differences, among them {few}.{match} Nothing was stamped: correct "
            "them, name another revision, or accept them (accept_differences).",
            **replace(adoption, differences=differences).to_dict(),
        )
    if options.dry:
        return replace(adoption, after=wanted.revisions, changed=True, differences=differences)
    scribe = _scribe(seen, wanted, options)
    sha256, _ = process.run(
        partial(stamp, revisions=wanted.revisions, seen=seen, who=options.who), project
    )
    with process.conversation(partial(verify, history=seen.history), project) as verifying:
        after = replace(seen, **vars(Found.from_dict(verifying.hear()[0])))
        if after.current != wanted.revisions:
            raise HeadwayError(
                "not_committed",
                f"{seen.database} was stamped with {wanted.name} and is at "
                f"{', '.join(after.current) or 'base'}: env.py did not commit.",
            )
        warnings = scribe.write_adoption(verifying, seen.history, sha256, len(differences))
    return replace(
        adoption, after=after.current, changed=True, differences=differences, warnings=warnings
    )


def _scribe(seen: Look, wanted: Candidate, options: AdoptionOptions) -> Scribe:
    planned = Plan(
        database=seen.database,
        target=options.revision,
        current=(),
        after=wanted.revisions,
        heads=seen.history.heads,
        pending=(),
        sql_complete=True,
        warnings=(),
        log=(),
    )
    return Scribe(
        planned, seen, RunOptions(who=options.who, record=options.record, release=options.release)
    )


def _already(seen: Look, options: AdoptionOptions) -> Adoption:
    asked = options.revision
    if asked and asked not in ("head", "heads") and asked not in ",".join(seen.current):
        raise HeadwayError(
            "already_adopted",
            f"{seen.database} is at {', '.join(seen.current)}, not without a version: nothing was "
            f"stamped. `alembic stamp {asked}` is for those who know better.",
        )
    return Adoption(seen.database, seen.current, seen.current, False, (), None, (), "", ())


def _comparable(schema: Schema) -> Schema:
    """Give it without what a deploy or a server decides: rights, and versions of extensions."""
    return {
        what: "" if what.startswith("extension ") else is_
        for what, is_ in without_rights(schema).items()
    }


def extensions_of_others(live: Schema, history: History) -> tuple[str, ...]:
    """Give the statements for extensions that no revision speaks of: somebody else made them."""
    files = "".join(
        Path(revision.file).read_text("utf-8", "replace") for revision in history.revisions
    )
    names = [what.partition(" ")[2] for what in live if what.startswith("extension ")]
    return tuple(
        f"create extension if not exists {name}"
        for name in names
        if not re.search(
            rf"extension\b[^;\n]*{re.escape(name.strip(chr(34)))}", files, re.IGNORECASE
        )
    )
