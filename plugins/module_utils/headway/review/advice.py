"""For each rule the safe way, in alembic's operations."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

from pglast import ast
from pglast.enums import AlterTableType, ConstrType
from pglast.stream import RawStream

from . import rules
from .locks import name_of

_BATCHES = """\
In batches, each committed by itself:
    with op.get_context().autocommit_block():
        batch = sa.text("{verb} WHERE id IN (SELECT id FROM {table} WHERE <not done yet> LIMIT 10000)")
        while op.get_bind().execute(batch).rowcount:
            pass"""

_GENERAL = {
    "adding-field-with-default": """\
Add the column without the default, which rewrites nothing; give new rows the default; fill the old ones in
batches in a revision of its own:
    op.add_column("{table}", sa.Column("{column}", ..., nullable=True))
    op.alter_column("{table}", "{column}", server_default=...)""",
    "adding-required-field": """\
It fails on a table that has rows. Give it a constant default, which rewrites nothing:
    op.add_column("{table}", sa.Column("{column}", ..., server_default="...", nullable=False))
or add it nullable, fill it in batches, and forbid NULL in a later revision.""",
    "changing-column-type": """\
A longer varchar, more digits of a numeric with the same scale, text in a varchar's place: these rewrite nothing,
allow them. Otherwise add a column of the new type, have the app write both, fill it in batches, and let a later
release read the new one and drop the old:
    op.add_column("{table}", sa.Column("{column}_new", ..., nullable=True))""",
    "renaming-column": """\
What runs now still asks for the old name until the switch. Keep the name in the database and give it the new one
in the model alone:
    new_name = sa.Column("{column}", ...)
or add the new column, write both, and drop the old one in a later release.""",
    "renaming-table": """\
What runs now still asks for the old name until the switch. Keep the name in the database (__tablename__), or leave
a view of the old name behind in the same revision:
    op.rename_table("{table}", "new_name")
    op.execute("CREATE VIEW {table} AS SELECT * FROM new_name")""",
    "ban-drop-column": """\
What runs now still asks for it until the switch, and its data are gone. Deploy a release whose models do not have
it any more, then drop it in the next one, and allow this there.""",
    "ban-drop-table": """\
What runs now still asks for it until the switch, and its data are gone. Deploy a release that does not use it any
more, then drop it in the next one, and allow this there.""",
    "ban-concurrent-index-creation-in-transaction": """\
Outside of the transaction:
    with op.get_context().autocommit_block():
        op.create_index(..., postgresql_concurrently=True)""",
    "ban-truncate-cascade": "Name the tables that are to be emptied, and leave CASCADE out.",
    rules.SEVERAL_TABLES_LOCKED: "Give each table a revision of its own: each commits before the next begins.",
    rules.AUTOCOMMIT_IN_SHARED_TRANSACTION: """\
Leave transaction_per_migration to Headway, or say so in env.py:
    context.configure(..., transaction_per_migration=True)""",
    rules.BACKFILL_UNDER_LOCK: """\
Give the rows a revision of their own after this one, so that the lock is gone before they are written.""",
    rules.SYNTAX_ERROR: "Correct the statement; the run would fail there.",
}


def advice(rule: str, node: ast.Node | None, fallback: str = "") -> str:
    """Give the safe way to do what a statement does; `fallback` where there is no better one."""
    specific = _SPECIFIC.get(rule)
    said = specific(node) if specific and node is not None else ""
    if said:
        return said
    general = _GENERAL.get(rule, fallback)
    relation: Any = getattr(node, "relation", None)
    table = name_of(relation) if isinstance(relation, ast.RangeVar) else "..."
    return general.replace("{table}", table).replace("{column}", _column(node))


def _column(node: Any) -> str:
    if isinstance(node, ast.RenameStmt):
        return node.subname or "..."
    for command in getattr(node, "cmds", None) or ():
        if isinstance(command, ast.AlterTableCmd):
            return command.name or getattr(command.def_, "colname", None) or "..."
    return "..."


def _call(function: str, *positional: object, **keywords: object) -> str:
    said = [_literal(p) for p in positional]
    said += [f"{name}={_literal(value)}" for name, value in keywords.items() if value]
    return f"op.{function}({', '.join(said)})"


class _Code(str):
    """An expression of Python, not a text."""

    __slots__ = ()


def _literal(value: object) -> str:
    if isinstance(value, _Code):
        return str(value)
    if isinstance(value, str):
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"'
    return f"[{', '.join(map(_literal, value))}]" if isinstance(value, list) else repr(value)


def _apart(*calls: str) -> str:
    block = "with op.get_context().autocommit_block():\n" + textwrap.indent(
        "\n".join(calls), "    "
    )
    return textwrap.indent(block, "    ")


def _table(relation: ast.RangeVar) -> tuple[str, dict[str, str | None]]:
    return relation.relname, {"schema": relation.schemaname}


def _create_index(node: Any) -> str:
    if not isinstance(node, ast.IndexStmt):
        return ""
    table, schema = _table(node.relation)
    columns = [
        e.name or _Code(f"sa.text({_literal(RawStream()(e.expr))})") for e in node.indexParams
    ]
    call = _call(
        "create_index",
        node.idxname,
        table,
        columns,
        **schema,
        unique=node.unique,
        postgresql_concurrently=True,
    )
    return (
        "Build it while writers go on, in a revision that does nothing else (with what the index has besides):\n"
        + _apart(call)
    )


def _drop_index(node: Any) -> str:
    if not isinstance(node, ast.DropStmt):
        return ""
    index = node.objects[0][-1].sval
    return "While readers and writers go on:\n" + _apart(
        _call("drop_index", index, postgresql_concurrently=True)
    )


def _constraint(node: Any) -> tuple[str, Any] | None:
    for command in getattr(node, "cmds", None) or ():
        if command.subtype == AlterTableType.AT_AddConstraint:
            return name_of(node.relation), command.def_
    return None


def _validate(table: str, constraint: str) -> str:
    return "and in the next revision, while readers and writers go on:\n    " + _call(
        "execute", f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}"
    )


def _names(strings: Any) -> list[str]:
    return [s.sval for s in strings or ()]


def _not_valid(node: Any) -> str:
    """The safe way to add a constraint of whichever kind."""
    found = _constraint(node)
    if not found:
        return ""
    qualified, constraint = found
    table, schema = _table(node.relation)
    name = constraint.conname or f"{table}_constraint"
    if constraint.contype == ConstrType.CONSTR_FOREIGN:
        call = _call(
            "create_foreign_key",
            name,
            table,
            constraint.pktable.relname,
            _names(constraint.fk_attrs),
            _names(constraint.pk_attrs) or ["id"],
            source_schema=node.relation.schemaname,
            referent_schema=constraint.pktable.schemaname,
            postgresql_not_valid=True,
        )
    elif constraint.contype == ConstrType.CONSTR_CHECK:
        condition = RawStream()(constraint.raw_expr)
        call = _call(
            "create_check_constraint", name, table, condition, **schema, postgresql_not_valid=True
        )
    elif constraint.contype in (ConstrType.CONSTR_UNIQUE, ConstrType.CONSTR_PRIMARY):
        return _by_index(qualified, table, schema, name, constraint)
    else:
        return ""
    return f"Let it hold for what is written from now on:\n    {call}\n{_validate(qualified, name)}"


def _by_index(
    qualified: str, table: str, schema: dict[str, str | None], name: str, constraint: Any
) -> str:
    kind = "UNIQUE" if constraint.contype == ConstrType.CONSTR_UNIQUE else "PRIMARY KEY"
    index = _call(
        "create_index",
        name,
        table,
        _names(constraint.keys),
        **schema,
        unique=True,
        postgresql_concurrently=True,
    )
    use = _call(
        "execute", f"ALTER TABLE {qualified} ADD CONSTRAINT {name} {kind} USING INDEX {name}"
    )
    return f"Build its index while writers go on:\n{_apart(index)}\nand in the next revision:\n    {use}"


def _not_null(node: Any) -> str:
    table, schema = _table(node.relation)
    column = _column(node)
    check = f"{table}_{column}_not_null"
    qualified = name_of(node.relation)
    add = _call(
        "create_check_constraint",
        check,
        table,
        f"{column} IS NOT NULL",
        **schema,
        postgresql_not_valid=True,
    )
    forbid = _call("alter_column", table, column, **schema)[:-1] + ", nullable=False)"
    drop = _call("drop_constraint", check, table, **schema)
    return (
        f"Let a constraint hold it first:\n    {add}\n{_validate(qualified, check)}\n"
        f"    {forbid}  # reads no row any more\n    {drop}"
    )


def _in_batches(node: Any) -> str:
    sql = "DELETE FROM {table}" if isinstance(node, ast.DeleteStmt) else "UPDATE {table} SET ..."
    table = name_of(node.relation)
    return _BATCHES.replace("{verb}", sql).replace("{table}", table)


_SPECIFIC: dict[str, Callable[[Any], str]] = {
    "require-concurrent-index-creation": _create_index,
    "require-concurrent-index-deletion": _drop_index,
    "adding-foreign-key-constraint": _not_valid,
    "constraint-missing-not-valid": _not_valid,
    "disallowed-unique-constraint": _not_valid,
    "adding-serial-primary-key-field": _not_valid,
    "adding-not-nullable-field": _not_null,
    rules.WRITE_WITHOUT_WHERE: _in_batches,
}
