"""The databases, as a caller names them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import HeadwayError
from ..project import Project

_KEYS = ("name", "url", "x_arguments", "environment")


@dataclass(frozen=True)
class Member:
    """One of many databases: its name, and how env.py finds it.

    The `url` is in place of sqlalchemy.url, x arguments and environment come on top of the app's.
    """

    name: str
    url: str = field(default="", repr=False)
    x_arguments: tuple[str, ...] = field(default=(), repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def of(self, project: Project) -> Project:
        """Give the app with this database."""
        return replace(
            project,
            url=self.url,
            x_arguments=(*project.x_arguments, *self.x_arguments),
            environment={**project.environment, **self.environment},
        )


def members(listed: Iterable[Any], where: str) -> tuple[Member, ...]:
    """Give what is listed, in its order. Raises HeadwayError for what names no database, or two alike."""
    found = tuple(_member(number, given, where) for number, given in enumerate(listed, 1))
    twice = [name for name, count in Counter(member.name for member in found).items() if count > 1]
    if twice:
        raise _bad(
            f"{where} names {' and '.join(twice[:3])} more than once; give each its own name"
        )
    return found


def chosen(of: Iterable[Member], names: Iterable[str]) -> tuple[Member, ...]:
    """Give those of these names, in their order. Raises HeadwayError for a name that nobody has."""
    by_name = {member.name: member for member in of}
    wanted = tuple(names)
    if not wanted:
        raise _bad("none of those listed is chosen")
    if absent := [name for name in wanted if name not in by_name]:
        raise _bad(f"there is no database named {' or '.join(absent[:3])} among those listed")
    return tuple(by_name[name] for name in wanted)


def _member(number: int, given: Any, where: str) -> Member:
    """Say what is wrong by number and name, never by value: a value may hold a password."""
    if not isinstance(given, Mapping):
        raise _bad(f"{where}, entry {number}, is no mapping with a name")
    name = given.get("name")
    if not isinstance(name, str) or not name.strip():
        raise _bad(f"{where}, entry {number}, has no name")
    if "://" in name:
        raise _bad(f"{where}, entry {number}, has a URL for a name, which would be shown")
    entry = f"{where}, {name}"
    if others := sorted(str(key) for key in given if key not in _KEYS):
        raise _bad(f"{entry}, has {' and '.join(others)}; known are {', '.join(_KEYS)}")
    url = given.get("url") or ""
    x_arguments = given.get("x_arguments") or ()
    environment = given.get("environment") or {}
    if not isinstance(url, str):
        raise _bad(f"{entry}: its url is no text")
    if isinstance(x_arguments, str):
        x_arguments = (x_arguments,)
    if not isinstance(x_arguments, (list, tuple)) or not isinstance(environment, Mapping):
        raise _bad(f"{entry}: x_arguments is a list and environment a mapping")
    if not (url or x_arguments or environment):
        raise _bad(f"{entry}, has neither url nor x_arguments nor environment to find it by")
    return Member(
        name.strip(),
        url,
        tuple(map(str, x_arguments)),
        {str(variable): str(value) for variable, value in environment.items()},
    )


def _bad(what: str) -> HeadwayError:
    return HeadwayError("bad_databases", f"Which databases there are cannot be told: {what}.")
