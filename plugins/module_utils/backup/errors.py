"""The one exception that leaves this package."""

from __future__ import annotations


class BackupError(Exception):
    """A fault said in a sentence: what is wrong, where, and what to do."""


class ServerError(BackupError):
    """What the server refuses, in its words; `sqlstate` is its code for it."""

    def __init__(self, message: str, sqlstate: str = "") -> None:
        """Take its words in one line, and its code."""
        super().__init__(message)
        self.sqlstate = sqlstate
