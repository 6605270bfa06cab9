"""What can be wrong with a history, each in a sentence. Needs no alembic."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from .errors import HeadwayError
from .history import History, Revision

HEADS = "heads"
DATABASE_AHEAD = "database_ahead"


def no_versions_folder(folders: str) -> HeadwayError:
    """Say that the revision files' folder is not there."""
    return HeadwayError(
        "no_versions_folder",
        f"The versions folder {folders} does not exist; create it, or point "
        "version_locations at the revision files.",
    )


def empty_history(folders: str) -> HeadwayError:
    """Say that there is nothing to apply at all."""
    return HeadwayError(
        "empty_history",
        f"There is no revision in {folders}; write the first one with "
        '`alembic revision --autogenerate -m "<message>"`.',
    )


def several_heads(heads: Iterable[Revision]) -> HeadwayError:
    """Say that the history has several heads, and how to merge them."""
    heads = list(heads)
    ids = [head.revision for head in heads]
    named = " and ".join(f"{head} ({head.file})" for head in heads)
    merge = f'alembic merge -m "merge" {shlex.join(ids)}'
    return HeadwayError(
        "two_heads",
        f"The history has {len(heads)} heads: {named}; merge them with `{merge}`, or where "
        "they are meant to stay apart name those to go to, or allow several heads.",
        heads=ids,
        command=merge,
    )


def check_graph(files: Iterable[tuple[str, tuple[str, ...], str]]) -> None:
    """Raise HeadwayError where `files` (id, down_revision, path) do not go from base to heads."""
    path_of: dict[str, str] = {}
    parents_of: dict[str, tuple[str, ...]] = {}
    for revision, parents, path in files:
        if revision in path_of:
            raise HeadwayError(
                "duplicate_revision",
                f"Two files have the revision id {revision}: {path_of[revision]} and {path}; "
                "give one of them an id of its own, or remove it.",
            )
        path_of[revision], parents_of[revision] = path, parents
    for revision, parents in parents_of.items():
        for parent in parents:
            if parent not in path_of:
                raise HeadwayError(
                    "missing_parent",
                    f"{path_of[revision]} (revision {revision}) follows revision {parent}, which "
                    "no file has; add the file of that revision, or correct down_revision.",
                )
    try:
        TopologicalSorter(parents_of).prepare()
    except CycleError as error:
        circle = error.args[1]
        raise HeadwayError(
            "cycle",
            f"Revisions follow one another in a circle, {' -> '.join(circle)} "
            f"({', '.join(path_of[revision] for revision in circle[1:])}); correct the "
            "down_revision of one of them.",
        ) from None


def ahead_of_code(unknown: Iterable[str], history: History) -> HeadwayError:
    """Say that the database has revisions that no file has."""
    return HeadwayError(
        DATABASE_AHEAD,
        f"The database is at revision {' and '.join(unknown)}, which this code does not know "
        f"(its head is {' and '.join(history.heads)}): the code is older than the database. "
        "Deploy the release that has that revision or a newer one. To go back to this code on "
        "purpose, `make rollback` (or `headway downgrade` with the newer release's files) first takes "
        "back what this code does not know.",
        unknown=list(unknown),
        heads=history.heads,
    )
