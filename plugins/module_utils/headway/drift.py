"""What the models say and the database does not have, as autogenerate finds it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext, RevisionStep

from .environment import Environment
from .history import History
from .project import Project
from .redirect import Redirect
from .secrets import Secrets


def drift(
    project: Project, secrets: Secrets, *, live: str, scratch: str, history: History
) -> dict[str, Any]:
    """Give `drift`, a line each, or None and the reason as `drift_unknown`."""
    Redirect(live, scratch)
    environment = Environment(project, ("check",), secrets, history)
    found: list[str] = []
    unknown: list[str] = []

    def compare(current: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        if context.opts.get("target_metadata") is None:
            unknown.append("env.py gives context.configure() no target_metadata")
            return []
        try:
            for difference in compare_metadata(context, context.opts["target_metadata"]):
                found.extend(_lines(difference))
        except Exception as error:
            unknown.append(f"autogenerate's comparison failed: {environment.words(error)[0]}")
        return []

    try:
        environment.run(compare, "heads", read_only=True)
    except (Exception, SystemExit) as error:
        unknown.append(environment.fault(error).message)
    return {"drift": None if unknown else found, "drift_unknown": "; ".join(unknown)}


def _lines(difference: Any) -> list[str]:
    """Give what autogenerate found, which is a tuple, or a list of them for one column."""
    if isinstance(difference, list):
        return [line for each in difference for line in _lines(each)]
    kind, *what = difference
    if kind.startswith("modify_"):
        schema, table, column, _, before, after = what
        where = ".".join(filter(None, (schema, table, column)))
        return [f"{_words(kind)} of {where}: {before!r} in the database, {after!r} in the models"]
    return [f"{_words(kind)} {_named(what)}"]


def _words(kind: str) -> str:
    known = {"add": "the database lacks", "remove": "the models lack", "modify": "different"}
    verb, _, thing = kind.partition("_")
    return f"{known.get(verb, verb)} {thing.replace('fk', 'foreign key').replace('_', ' ')}"


def _named(what: list[Any]) -> str:
    """Give the name of the last thing that has one, with its table's."""
    thing = what[-1]
    name = getattr(thing, "name", None) or str(thing)
    table = getattr(thing, "table", None)
    if table is not None and getattr(table, "fullname", None):
        return f"{table.fullname}.{name}"
    return str(getattr(thing, "fullname", None) or name)
