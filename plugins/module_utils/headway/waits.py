"""For whom and how long a run had to wait. Needs no SQLAlchemy."""

from __future__ import annotations

from dataclasses import dataclass

from .data import Data


@dataclass(frozen=True)
class Session(Data):
    """A session of the server's.

    `since` is when it came into its `state`, `query` the first characters of its current or last
    statement, its literals hidden. Where the role may not see other roles' queries, the server
    itself says so there.
    """

    pid: int
    user: str
    application: str
    client: str
    state: str
    since: str
    query: str
    query_seconds: float | None
    transaction_seconds: float | None

    def __str__(self) -> str:
        """Give it as a part of a sentence."""
        if not self.pid:
            return "a prepared transaction (see pg_prepared_xacts)"
        named = f" ({self.application})" if self.application else ""
        said = f"pid {self.pid} of {self.user}{named} from {self.client}"
        if self.state == "active":
            return f"{said}, for {_seconds(self.query_seconds)} in: {self.query}"
        age = _seconds(self.transaction_seconds)
        return f"{said}, {self.state or 'of unknown state'}, its transaction {age} old, last: {self.query}"


@dataclass(frozen=True)
class Wait(Data):
    """A time in which a run waited for `sessions`.

    `cause` is "migration" where another one held the lock; "lock" or "deadlock" where `revision`
    could not have its locks, was rolled back, and `seconds` passed before the next try.
    """

    cause: str
    revision: str
    seconds: float
    sessions: tuple[Session, ...]

    def __str__(self) -> str:
        """Give it as the beginning of a sentence."""
        who = " and ".join(map(str, self.sessions)) or "nobody any more"
        if self.cause == "migration":
            return f"waited {self.seconds:.1f} s for another migration: {who}"
        what = "met a deadlock" if self.cause == "deadlock" else "could not have its locks in time"
        return (
            f"{self.revision or 'env.py'} {what} and was rolled back; in the way: {who}; "
            f"{self.seconds:.1f} s of waiting"
        )


def _seconds(value: float | None) -> str:
    return "an unknown time" if value is None else f"{value:.0f} s"
