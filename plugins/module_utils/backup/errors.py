"""The one exception that leaves this package."""

from __future__ import annotations


class BackupError(Exception):
    """A fault said in a sentence: what is wrong, where, and what to do."""
