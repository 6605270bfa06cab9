"""What every result has in common: it is frozen, and it travels as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T", bound="Data")

# For field(metadata=INSIDE, default=None): what a result was made from, not a part of it.
INSIDE: Mapping[str, bool] = {"inside": True}


@dataclass(frozen=True)
class Data:
    """A result that becomes JSON and comes back from it unchanged."""

    def to_dict(self) -> dict[str, Any]:
        """Give the fields as plain dictionaries, lists and scalars."""
        kind: Any = type(self)
        return {
            name: value if isinstance(value := getattr(self, name), str) else _plain(value)
            for name in _names(kind)
        }

    @classmethod
    def from_dict(cls: type[T], values: dict[str, Any]) -> T:
        """Build the object anew from what `to_dict` gave, also after a way through JSON."""
        revived: T = _revive(cls, values)
        return revived


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if not field.metadata.get("inside"))


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {name: hints[name] for name in _names(kind)}


def _plain(value: Any) -> Any:
    if isinstance(value, Data):
        return value.to_dict()
    if isinstance(value, tuple) and value and not isinstance(value[0], str):
        return tuple(map(_plain, value))
    return value


def _revive(kind: Any, value: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):  # the other one is None
        kind = get_args(kind)[0] if value is not None else None
    if is_dataclass(kind) and isinstance(kind, type):
        return kind(**{n: _revive(hint, value[n]) for n, hint in _hints(kind).items()})
    if get_origin(kind) is tuple:
        return tuple(_revive(get_args(kind)[0], item) for item in value)
    return value
