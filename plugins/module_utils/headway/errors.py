"""The one exception that leaves the engine."""

from __future__ import annotations

from typing import Any


class HeadwayError(Exception):
    """A fault said in a sentence: what is wrong, where, and what to do.

    `kind` is its name for programs (`two_heads`), `data` what else is known about it as plain
    JSON values.
    """

    def __init__(self, kind: str, message: str, **data: Any) -> None:
        """Take the kind, the sentence, and what else is known."""
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.data = data

    def to_dict(self) -> dict[str, Any]:
        """Give the fault as plain JSON values."""
        return {"kind": self.kind, "message": self.message, "data": self.data}
