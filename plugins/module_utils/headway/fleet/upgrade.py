"""All databases looked at, then those that have something pending upgraded, wave after wave."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from .. import engine, process
from ..errors import HeadwayError
from ..history_faults import DATABASE_AHEAD
from ..options import RunOptions
from ..probe import Files, files
from ..process import Tell, Work
from ..project import Project
from ..secrets import Secrets
from .glance import Glance, glance
from .members import Member
from .options import FleetOptions
from .pool import Answer, each
from .results import AHEAD, AT_HEAD, DONE, FAILED, NOT_TRIED, PENDING, DatabaseResult, Fleet
from .waves import divide

Results = dict[str, DatabaseResult]


def _nobody(sentence: str) -> None:
    """Be told something, and forget it."""


def status(
    project: Project,
    members: Sequence[Member],
    options: FleetOptions | None = None,
    tell: Tell = _nobody,
) -> Fleet:
    """Say where each stands, and in which waves what is pending would be applied. Changes nothing.

    A database that is ahead of the code, or cannot be looked at, is a result, not a fault; several
    heads are none either.
    """
    options = replace(options or FleetOptions(), allow_several_heads=True)
    known = files(members[0].of(project))
    results = {
        name: replace(result, outcome=AHEAD) if result.kind == DATABASE_AHEAD else result
        for name, result in _looked_at(project, members, options, known, tell).items()
    }
    return Fleet(options.target, tuple(results.values()), _waves(results, options))


def upgrade(
    project: Project,
    members: Sequence[Member],
    options: FleetOptions | None = None,
    run_options: RunOptions | None = None,
    tell: Tell = _nobody,
    *,
    dry: bool = False,
) -> Fleet:
    """Upgrade those that have something pending, each as `engine.upgrade` does.

    All are looked at before the first is changed; a `dry` run ends there. Raises HeadwayError, with
    the Fleet in its data, where more of them fail than `max_failures` allows.
    """
    options = options or FleetOptions()
    known = files(members[0].of(project))
    results = _looked_at(project, members, options, known, tell)
    waves = _waves(results, options)
    by_name = {member.name: member for member in members}
    look_again = partial(glance, options=options, known=known)
    work = partial(_upgrade, options=options, run_options=run_options or RunOptions(), known=known)
    if waves and not dry:
        engine.load()

    def too_many() -> bool:
        return len(_failures(results)) > options.max_failures

    for number, names in enumerate(waves, 1):
        if dry or too_many():
            break
        tell(f"wave {number} of {len(waves)}: {_count(len(names))}")
        wave = [by_name[name] for name in names]
        for member, answer in each(work, wave, project, options.workers, tell, too_many):
            seen = replace(results[member.name], wave=number)
            result = _result(member.of(project), seen, answer, look_again)
            results[member.name] = result
            tell(f"{member.name}: {result.told}")
    if not too_many():
        return Fleet(options.target, tuple(results.values()), waves)
    results = {
        name: replace(result, outcome=NOT_TRIED) if result.outcome == PENDING else result
        for name, result in results.items()
    }
    stopped = _stopped(results, options)
    fleet = Fleet(options.target, tuple(results.values()), waves, stopped)
    raise HeadwayError("databases_failed", stopped, **fleet.to_dict())


def _looked_at(
    project: Project,
    members: Sequence[Member],
    options: FleetOptions,
    known: Files | None,
    tell: Tell,
) -> Results:
    """Look at all; two that are one and the same are told apart in the order of their naming."""
    engine.check(members[0].of(project), options.target, options.allow_several_heads, known)
    if known is None:
        engine.load()
    tell(f"looking at {_count(len(members))}")
    work = partial(glance, options=options, known=known)
    looks = {m.name: look for m, look in each(work, members, project, options.workers, tell)}
    results: Results = {}
    places: dict[str, str] = {}
    for name in (member.name for member in members):
        look = looks[name]
        if isinstance(look, HeadwayError):
            met = look.data.get("glance")
            result = _met(name, Glance.from_dict(met)) if met else DatabaseResult(name, FAILED)
            results[name] = _failed(result, look)
            continue
        seen = Glance.from_dict(look)
        result = _met(name, seen)
        first = next((places[place] for place in seen.places if place in places), None)
        results[name] = _failed(result, _same(name, first, seen)) if first else result
        places.update((place, first or name) for place in seen.places)
    return results


def _met(name: str, seen: Glance) -> DatabaseResult:
    return DatabaseResult(
        name=name,
        addresses=seen.addresses,
        outcome=PENDING if seen.pending else AT_HEAD,
        database=seen.database,
        before=seen.current,
        after=seen.current,
        pending=seen.pending,
        warnings=seen.warnings,
    )


def _waves(results: Results, options: FleetOptions) -> tuple[tuple[str, ...], ...]:
    pending = [name for name, result in results.items() if result.outcome == PENDING]
    return tuple(divide(pending, options.waves))


def _upgrade(
    project: Project,
    secrets: Secrets,
    *,
    options: FleetOptions,
    run_options: RunOptions,
    known: Files | None,
) -> dict[str, Any]:
    """Upgrade one database, from a process that runs nothing of the app; give what is new of it."""
    project = replace(project, user=None)  # it is that account already
    began = time.monotonic()
    try:
        planned = engine.plan(
            project,
            options.target,
            allow_several_heads=options.allow_several_heads,
            sql=False,
            edited=options.edited,
            known=known,
        )
        came = engine.upgrade(project, planned, options=run_options, tell=process.tell).to_dict()
    except HeadwayError as fault:
        came = {**fault.data, "kind": fault.kind, "reason": fault.message}
    told = ("database", "before", "after", "warnings", "log", "kind", "reason")
    return {
        **{name: came[name] for name in told if name in came},
        **{n: [r["revision"] for r in came[n]] for n in ("applied", "pending") if n in came},
        "seconds": round(time.monotonic() - began, 3),
    }


def _result(
    project: Project,
    seen: DatabaseResult,
    answer: Answer,
    look_again: Work,
) -> DatabaseResult:
    """Give what came of an upgrade; where it ended without a word, what the database has now."""
    if isinstance(answer, HeadwayError):
        return _failed(_seen_again(project, seen, look_again), answer)
    result = DatabaseResult.from_dict({**seen.to_dict(), **answer})
    if result.kind:
        return replace(result, outcome=FAILED)
    return replace(result, outcome=DONE if result.changed else AT_HEAD)


def _seen_again(project: Project, seen: DatabaseResult, look_again: Work) -> DatabaseResult:
    try:
        now = Glance.from_dict(process.run(look_again, project)[0])
    except HeadwayError:
        return seen
    return replace(
        seen,
        after=now.current,
        pending=now.pending,
        applied=tuple(revision for revision in seen.pending if revision not in now.pending),
    )


def _failed(result: DatabaseResult, fault: HeadwayError) -> DatabaseResult:
    log = tuple(fault.data.get("log", ()))
    return replace(result, outcome=FAILED, kind=fault.kind, reason=fault.message, log=log)


def _failures(results: Results) -> list[DatabaseResult]:
    return [result for result in results.values() if result.outcome == FAILED]


def _same(name: str, first: str, seen: Glance) -> HeadwayError:
    return HeadwayError(
        "same_database",
        f"{name} is the same as {first}: env.py finds {seen.database} and the same version table for "
        "both. Nothing was run for it: take one from the list, or have env.py heed what tells them "
        "apart (x_arguments, environment).",
    )


def _stopped(results: Results, options: FleetOptions) -> str:
    failed = _failures(results)
    first = failed[0]
    tried_not = sum(result.outcome == NOT_TRIED for result in results.values())
    more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
    return (
        f"{len(failed)} of {_count(len(results))} failed, where {options.max_failures} may: "
        f"{first.name}{more} ({first.name}: {first.reason}) "
        + (f"{tried_not} were not tried; " if tried_not else "")
        + "a rerun goes on with those that are not at their target."
    )


def _count(databases: int) -> str:
    return "1 database" if databases == 1 else f"{databases} databases"
