"""What every result has in common: it is frozen, and it travels as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T", bound="Data")


@dataclass(frozen=True)
class Data:
    """A result that becomes JSON and comes back from it unchanged."""

    def to_dict(self) -> dict[str, Any]:
        """Give the fields as plain dictionaries, lists and scalars."""
        return asdict(self)

    @classmethod
    def from_dict(cls: type[T], values: dict[str, Any]) -> T:
        """Build the object anew from what `to_dict` gave, also after a way through JSON."""
        revived: T = _revive(cls, values)
        return revived


@cache
def _hints(kind: type) -> dict[str, Any]:
    return {field.name: get_type_hints(kind)[field.name] for field in fields(kind)}


def _revive(kind: Any, value: Any) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        return kind(**{n: _revive(hint, value[n]) for n, hint in _hints(kind).items()})
    if get_origin(kind) is tuple:
        return tuple(_revive(get_args(kind)[0], item) for item in value)
    return value
