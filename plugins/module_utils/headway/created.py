"""What pending revisions would create although it is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.engine import Connection

from .render import Rendered

_name = r'(?:"(?:[^"]|"")+"|\w+)'
_creates = re.compile(
    rf"^\s*CREATE\s+(?:UNLOGGED\s+)?(?:TABLE|VIEW|MATERIALIZED\s+VIEW)\s+(?!IF\b)({_name}(?:\.{_name})?)",
    re.IGNORECASE | re.MULTILINE,
)


def created_already(connection: Connection, rendered: Rendered) -> Iterator[str]:
    """Give the tables and views of the revisions' SQL that are in the database.

    Names without a schema are looked for as the server would, along the search_path.
    """
    known = text("select to_regclass(:name) is not null")
    for statements, _ in rendered.values():
        for name in _creates.findall("\n".join(s.sql for s in statements or ())):
            if connection.execute(known, {"name": name}).scalar():
                yield name
