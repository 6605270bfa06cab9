"""What is wrong with an app's source."""

from __future__ import annotations


class SourceError(ValueError):
    """One sentence on a source that cannot be deployed."""
