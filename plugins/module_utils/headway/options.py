"""How a run is to behave, as a caller says it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .data import Data
from .errors import HeadwayError

_duration = re.compile(r"\s*(0|[0-9]+\s*(us|ms|s|min|h|d))\s*")


@dataclass(frozen=True)
class RunOptions(Data):
    """What an upgrade may wait for, how long, and in whose name it runs.

    What could not have its locks or met a deadlock is tried again for `retry_for` seconds. With
    `lock` it waits at most `lock_wait` seconds for other migrations of the same database.
    With `record` it is written down in the database.
    `lock_timeout` and `statement_timeout` are durations in PostgreSQL's writing, with a unit
    ("2s", "500ms"); "0" is none, "" leaves what the server has for the role. `who` is the
    controller's account and machine, `release` what is deployed: both are shown to whoever has to
    wait for this run.
    """

    lock: bool = True
    lock_wait: float = 60.0
    lock_timeout: str = "2s"
    statement_timeout: str = ""
    retry_for: float = 60.0
    record: bool = True
    who: str = ""
    release: str = ""

    def __post_init__(self) -> None:
        """Raise HeadwayError for a duration that is none."""
        for name in ("lock_timeout", "statement_timeout"):
            check_duration(name, getattr(self, name))

    @property
    def application_name(self) -> str:
        """What pg_stat_activity shows: at most 63 bytes, in plain ASCII as the server keeps it."""
        words = " ".join(filter(None, ("headway", self.who, self.release)))
        return re.sub(r"[^ -~]", "?", words)[:63]


def check_duration(name: str, text: str) -> None:
    """Raise HeadwayError where `text` is no duration with a unit.

    PostgreSQL reads a bare 1800 as milliseconds, which nobody means who writes 1800.
    """
    if text and not _duration.fullmatch(text):
        raise HeadwayError(
            "bad_duration",
            f"{name} is {text!r}: write a number and its unit (us, ms, s, min, h, d), for instance "
            "2s or 500ms; 0 for none.",
        )
