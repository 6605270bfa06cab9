"""What a downgrade loses for good."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pglast import ast
from pglast.enums import AlterTableType, ObjectType
from pglast.parser import ParseError

from .locks import name_of
from .statements import parse

_DROPPED_WITH_DATA = {
    ObjectType.OBJECT_TABLE: "table",
    ObjectType.OBJECT_SCHEMA: "schema",
    ObjectType.OBJECT_SEQUENCE: "sequence",
    ObjectType.OBJECT_FOREIGN_TABLE: "foreign table",
}


def drops_data(statements: str | Iterable[str]) -> list[str]:
    """Give what SQL loses that no upgrade brings back, each as words like "column person.email".

    What another column or a constant could restore (an UPDATE, a changed type) is not meant. A
    statement that PostgreSQL's grammar refuses is named, since nobody can tell.
    """
    texts = [statements] if isinstance(statements, str) else statements
    return list(dict.fromkeys(lost for text in texts for lost in _lost(text)))


def _lost(text: str) -> Iterator[str]:
    try:
        parsed = list(parse(text))
    except ParseError:
        yield f"what cannot be read: {' '.join(text.split())}"
        return
    for _, node in parsed:
        if isinstance(node, ast.DropStmt) and node.removeType in _DROPPED_WITH_DATA:
            kind = _DROPPED_WITH_DATA[node.removeType]
            for dropped in node.objects:
                parts = dropped if isinstance(dropped, tuple) else (dropped,)
                yield f"{kind} {'.'.join(part.sval for part in parts)}"
        elif isinstance(node, ast.AlterTableStmt):
            for command in node.cmds:
                if command.subtype == AlterTableType.AT_DropColumn:
                    yield f"column {name_of(node.relation)}.{command.name}"
        elif isinstance(node, ast.TruncateStmt):
            for relation in node.relations:
                yield f"all rows of {name_of(relation)}"
        elif isinstance(node, ast.DeleteStmt):
            which = "rows" if node.whereClause is not None else "all rows"
            yield f"{which} of {name_of(node.relation)}"
