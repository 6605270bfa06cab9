"""What is tried again, and after how long.

Only what could not have a lock in time or fell to a deadlock, and only where nothing of it is
left: anything else fails the same way again, or is there already in part.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable

from .results import UP, Attempt, Look

CAUSES = {"55P03": "lock", "40P01": "deadlock"}  # lock_not_available, deadlock_detected

_LONGEST = 30.0  # seconds


class Pauses:
    """Gives growing times to wait, none alike, for as long as all together may take."""

    def __init__(self, budget: float) -> None:
        """Take the seconds from the first pause until no more is given."""
        self._budget = budget
        self._began: float | None = None
        self._count = 0

    def next(self) -> float | None:
        """Give the seconds to wait before the next try; None if there is to be none."""
        now = time.monotonic()
        if self._began is None:
            self._began = now
        left = self._began + self._budget - now
        if left <= 0:
            return None
        self._count += 1
        longest = min(_LONGEST, 2.0 ** (self._count - 1))
        return min(left, longest * random.uniform(0.5, 1.5))  # noqa: S311


def cause(
    attempt: Attempt,
    sqlstate: str | None,
    before: Look,
    after: Look,
    planned: Iterable[str],
    direction: str = UP,
) -> str | None:
    """Give why an attempt may be made again, None where it may not.

    What failed must be gone whole: no revision that is left has committed a part of itself, and
    no index was left invalid.
    """
    left = {*planned} - after.done(planned, direction)
    if left & {*attempt.kept} or {*after.invalid_indexes} - {*before.invalid_indexes}:
        return None
    return CAUSES.get(sqlstate or "") if left else None
