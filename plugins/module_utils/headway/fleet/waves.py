"""How many databases at a time, as Ansible's `serial` divides hosts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from ..errors import HeadwayError

T = TypeVar("T")

WAVES = ("1", "10%", "100%")

_wave = re.compile(r"\s*([0-9]+)\s*(%?)\s*")


def check(waves: Sequence[str]) -> None:
    """Raise HeadwayError for what is no number above 0 and no percentage."""
    for said in waves or [""]:
        match = _wave.fullmatch(said)
        if not match or int(match[1]) == 0:
            raise HeadwayError(
                "bad_waves",
                f"{said!r} is no wave: write how many databases it has, or how many percent of all "
                "(1,10%,100%).",
            )


def divide(of: Sequence[T], waves: Sequence[str]) -> list[tuple[T, ...]]:
    """Give `of` in waves of these sizes, the last size as often as needed.

    A percentage is of all, rounded down, and at least one.
    """
    left = list(of)
    found: list[tuple[T, ...]] = []
    while left:
        match = _wave.fullmatch(waves[min(len(found), len(waves) - 1)])
        assert match  # noqa: S101 - checked
        size = max(int(match[1]) * len(of) // 100, 1) if match[2] else int(match[1])
        found.append(tuple(left[:size]))
        left = left[size:]
    return found
