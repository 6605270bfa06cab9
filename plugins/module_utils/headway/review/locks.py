"""Which locks a statement takes, read from its text.

Levels from https://www.postgresql.org/docs/current/explicit-locking.html, for ALTER TABLE from
AlterTableGetLockLevel() in src/backend/commands/tablecmds.c. An estimate: what triggers, functions
and DO blocks do is not seen here.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from pglast import ast
from pglast.enums import AlterTableType, ConstrType, ObjectType
from pglast.enums import ReindexObjectType as Reindex
from pglast.visitors import Skip, Visitor


class Lock(IntEnum):
    """The levels of table locks, numbered as in src/include/storage/lockdefs.h."""

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    def __str__(self) -> str:
        """Give PostgreSQL's name."""
        return self.name.replace("_", " ")

    @property
    def blocks(self) -> str:
        """What others cannot do meanwhile."""
        return _BLOCKS[self]

    @property
    def stops_the_app(self) -> bool:
        """Whether others cannot write meanwhile, or not even read."""
        return self >= Lock.SHARE


_SCHEMA_CHANGES = "readers and writers go on; other changes of the table and VACUUM wait"
_BLOCKS = {
    Lock.ACCESS_SHARE: "readers and writers go on",
    Lock.ROW_SHARE: "readers and writers go on, but for the rows that are locked",
    Lock.ROW_EXCLUSIVE: "readers go on; who writes the same rows waits",
    Lock.SHARE_UPDATE_EXCLUSIVE: _SCHEMA_CHANGES,
    Lock.SHARE: "readers go on, writers wait",
    Lock.SHARE_ROW_EXCLUSIVE: "readers go on, writers wait",
    Lock.EXCLUSIVE: "readers go on, writers wait",
    Lock.ACCESS_EXCLUSIVE: "readers and writers wait",
}

# All others are ACCESS EXCLUSIVE.
_WEAKER = {
    AlterTableType.AT_SetStatistics: Lock.SHARE_UPDATE_EXCLUSIVE,
    AlterTableType.AT_SetOptions: Lock.SHARE_UPDATE_EXCLUSIVE,
    AlterTableType.AT_ResetOptions: Lock.SHARE_UPDATE_EXCLUSIVE,
    AlterTableType.AT_SetRelOptions: Lock.SHARE_UPDATE_EXCLUSIVE,
    AlterTableType.AT_ResetRelOptions: Lock.SHARE_UPDATE_EXCLUSIVE,
    AlterTableType.AT_ClusterOn: Lock.SHARE_UPDATE_EXCLUSIVE,
    AlterTableType.AT_DropCluster: Lock.SHARE_UPDATE_EXCLUSIVE,
    AlterTableType.AT_ValidateConstraint: Lock.SHARE_UPDATE_EXCLUSIVE,
    AlterTableType.AT_AttachPartition: Lock.SHARE_UPDATE_EXCLUSIVE,
    AlterTableType.AT_EnableTrig: Lock.SHARE_ROW_EXCLUSIVE,
    AlterTableType.AT_EnableAlwaysTrig: Lock.SHARE_ROW_EXCLUSIVE,
    AlterTableType.AT_EnableReplicaTrig: Lock.SHARE_ROW_EXCLUSIVE,
    AlterTableType.AT_EnableTrigAll: Lock.SHARE_ROW_EXCLUSIVE,
    AlterTableType.AT_EnableTrigUser: Lock.SHARE_ROW_EXCLUSIVE,
    AlterTableType.AT_DisableTrig: Lock.SHARE_ROW_EXCLUSIVE,
    AlterTableType.AT_DisableTrigAll: Lock.SHARE_ROW_EXCLUSIVE,
    AlterTableType.AT_DisableTrigUser: Lock.SHARE_ROW_EXCLUSIVE,
}
_RELATIONS = (ObjectType.OBJECT_TABLE, ObjectType.OBJECT_VIEW, ObjectType.OBJECT_MATVIEW)
_ON_A_TABLE = (ObjectType.OBJECT_TRIGGER, ObjectType.OBJECT_POLICY, ObjectType.OBJECT_RULE)

Locks = dict[str, Lock]


def locks(node: ast.Node, table_of_index: dict[str, str]) -> Locks:
    """Give the strongest lock that a statement takes on each table."""
    visitor = _Locks(table_of_index)
    visitor(node)
    return {n: lock for n, lock in visitor.locks.items() if n not in visitor.named_queries}


def created(node: ast.Node) -> str | None:
    """Give the table that a statement creates."""
    if isinstance(node, ast.CreateStmt):
        return name_of(node.relation)
    return name_of(node.into.rel) if isinstance(node, ast.CreateTableAsStmt) else None


def subjects(node: ast.Node, table_of_index: dict[str, str]) -> set[str]:
    """Give the tables that a statement is about, not those that it only refers to."""
    if isinstance(node, ast.DropStmt):
        return set(locks(node, table_of_index))
    relation = getattr(node, "relation", None)
    return {name_of(relation)} if isinstance(relation, ast.RangeVar) else set()


def runs_code(node: ast.Node) -> bool:
    """Tell whether a statement runs a procedure, whose own statements are not seen here."""
    return isinstance(node, (ast.DoStmt, ast.CallStmt))


def name_of(relation: ast.RangeVar) -> str:
    """Give a relation's name as it is written, without quotes."""
    return ".".join(filter(None, (relation.schemaname, relation.relname)))


def _dotted(name: Iterable[Any]) -> str:
    return ".".join(part.sval for part in name)


class _Locks(Visitor):  # type: ignore[misc]
    """Notes the lock of each relation; what nothing is said of is read."""

    def __init__(self, table_of_index: dict[str, str]) -> None:
        self.locks: Locks = {}
        self.named_queries: set[str] = set()
        self._table_of_index = table_of_index

    def _take(self, relation: ast.RangeVar | str | None, lock: Lock) -> None:
        if relation is not None:
            name = relation if isinstance(relation, str) else name_of(relation)
            self.locks[name] = max(lock, self.locks.get(name, lock))

    def _take_of_index(self, index: str, lock: Lock) -> None:
        self._take(self._table_of_index.get(index, f"the table of index {index}"), lock)

    def visit_RangeVar(self, _: Any, node: ast.RangeVar) -> None:  # noqa: N802 - pglast's names
        self._take(node, Lock.ACCESS_SHARE)

    def visit_CommonTableExpr(self, _: Any, node: ast.CommonTableExpr) -> None:  # noqa: N802
        self.named_queries.add(node.ctename)

    def visit_SelectStmt(self, _: Any, node: ast.SelectStmt) -> None:  # noqa: N802
        if node.lockingClause:
            for relation in node.fromClause or ():
                if isinstance(relation, ast.RangeVar):
                    self._take(relation, Lock.ROW_SHARE)

    def _writes(self, _: Any, node: Any) -> None:
        self._take(node.relation, Lock.ROW_EXCLUSIVE)

    visit_InsertStmt = visit_UpdateStmt = visit_DeleteStmt = visit_MergeStmt = _writes  # noqa: N815

    def visit_CopyStmt(self, _: Any, node: ast.CopyStmt) -> None:  # noqa: N802
        if node.is_from:
            self._take(node.relation, Lock.ROW_EXCLUSIVE)

    def visit_IndexStmt(self, _: Any, node: ast.IndexStmt) -> None:  # noqa: N802
        lock = Lock.SHARE_UPDATE_EXCLUSIVE if node.concurrent else Lock.SHARE
        self._take(node.relation, lock)

    def visit_Constraint(self, _: Any, node: ast.Constraint) -> None:  # noqa: N802
        if node.contype == ConstrType.CONSTR_FOREIGN:
            self._take(node.pktable, Lock.SHARE_ROW_EXCLUSIVE)

    def visit_CreateStmt(self, _: Any, node: ast.CreateStmt) -> None:  # noqa: N802
        for parent in node.inhRelations or ():
            lock = Lock.ACCESS_EXCLUSIVE if node.partbound else Lock.SHARE_UPDATE_EXCLUSIVE
            self._take(parent, lock)

    def visit_AlterTableStmt(self, _: Any, node: ast.AlterTableStmt) -> Any:  # noqa: N802
        if node.objtype == ObjectType.OBJECT_INDEX:
            self._take_of_index(name_of(node.relation), Lock.SHARE_UPDATE_EXCLUSIVE)
            return Skip
        if node.objtype not in _RELATIONS:
            return Skip
        for command in node.cmds:
            self._take(node.relation, _of_command(command))
            if command.subtype == AlterTableType.AT_AttachPartition:
                self._take(command.def_.name, Lock.ACCESS_EXCLUSIVE)
            if command.subtype == AlterTableType.AT_DetachPartition:
                self._take(command.def_.name, _of_command(command))
        return None

    def visit_RenameStmt(self, _: Any, node: ast.RenameStmt) -> Any:  # noqa: N802
        if node.renameType == ObjectType.OBJECT_INDEX:
            self._take_of_index(name_of(node.relation), Lock.SHARE_UPDATE_EXCLUSIVE)
            return Skip
        if node.renameType != ObjectType.OBJECT_SEQUENCE:
            self._take(node.relation, Lock.ACCESS_EXCLUSIVE)
        return None

    def visit_AlterObjectSchemaStmt(self, _: Any, node: ast.AlterObjectSchemaStmt) -> None:  # noqa: N802
        if node.objectType in _RELATIONS:
            self._take(node.relation, Lock.ACCESS_EXCLUSIVE)

    def visit_DropStmt(self, _: Any, node: ast.DropStmt) -> None:  # noqa: N802
        for dropped in node.objects:
            if node.removeType in _RELATIONS:
                self._take(_dotted(dropped), Lock.ACCESS_EXCLUSIVE)
            elif node.removeType == ObjectType.OBJECT_INDEX:
                weak = node.concurrent
                lock = Lock.SHARE_UPDATE_EXCLUSIVE if weak else Lock.ACCESS_EXCLUSIVE
                self._take_of_index(_dotted(dropped), lock)
            elif node.removeType in _ON_A_TABLE:
                self._take(_dotted(dropped[:-1]), Lock.ACCESS_EXCLUSIVE)

    def visit_TruncateStmt(self, _: Any, node: ast.TruncateStmt) -> None:  # noqa: N802
        for relation in node.relations:
            self._take(relation, Lock.ACCESS_EXCLUSIVE)

    def visit_LockStmt(self, _: Any, node: ast.LockStmt) -> None:  # noqa: N802
        for relation in node.relations:
            self._take(relation, Lock(node.mode))

    def visit_CreateTrigStmt(self, _: Any, node: ast.CreateTrigStmt) -> None:  # noqa: N802
        self._take(node.relation, Lock.SHARE_ROW_EXCLUSIVE)

    def visit_CreatePolicyStmt(self, _: Any, node: ast.CreatePolicyStmt) -> None:  # noqa: N802
        self._take(node.table, Lock.ACCESS_EXCLUSIVE)

    def visit_AlterPolicyStmt(self, _: Any, node: ast.AlterPolicyStmt) -> None:  # noqa: N802
        self._take(node.table, Lock.ACCESS_EXCLUSIVE)

    def visit_RuleStmt(self, _: Any, node: ast.RuleStmt) -> None:  # noqa: N802
        self._take(node.relation, Lock.ACCESS_EXCLUSIVE)

    def visit_ViewStmt(self, _: Any, node: ast.ViewStmt) -> None:  # noqa: N802
        if node.replace:
            self._take(node.view, Lock.ACCESS_EXCLUSIVE)

    def visit_CreateStatsStmt(self, _: Any, node: ast.CreateStatsStmt) -> None:  # noqa: N802
        for relation in node.relations:
            self._take(relation, Lock.SHARE_UPDATE_EXCLUSIVE)

    def visit_CommentStmt(self, _: Any, node: ast.CommentStmt) -> None:  # noqa: N802
        if node.objtype == ObjectType.OBJECT_TABLE:
            self._take(_dotted(node.object), Lock.SHARE_UPDATE_EXCLUSIVE)
        elif node.objtype == ObjectType.OBJECT_COLUMN:
            self._take(_dotted(node.object[:-1]), Lock.SHARE_UPDATE_EXCLUSIVE)

    def visit_RefreshMatViewStmt(self, _: Any, node: ast.RefreshMatViewStmt) -> None:  # noqa: N802
        lock = Lock.EXCLUSIVE if node.concurrent else Lock.ACCESS_EXCLUSIVE
        self._take(node.relation, lock)

    def visit_VacuumStmt(self, _: Any, node: ast.VacuumStmt) -> None:  # noqa: N802
        full = any(option.defname == "full" for option in node.options or ())
        lock = Lock.ACCESS_EXCLUSIVE if full else Lock.SHARE_UPDATE_EXCLUSIVE
        for relation in node.rels or ():
            self._take(relation.relation, lock)

    def visit_ClusterStmt(self, _: Any, node: ast.ClusterStmt) -> None:  # noqa: N802
        self._take(node.relation, Lock.ACCESS_EXCLUSIVE)

    def visit_ReindexStmt(self, _: Any, node: ast.ReindexStmt) -> Any:  # noqa: N802
        concurrent = any(option.defname == "concurrently" for option in node.params or ())
        lock = Lock.SHARE_UPDATE_EXCLUSIVE if concurrent else Lock.SHARE
        if node.kind == Reindex.REINDEX_OBJECT_TABLE:
            self._take(node.relation, lock)
        elif node.kind == Reindex.REINDEX_OBJECT_INDEX:
            self._take_of_index(name_of(node.relation), lock)
        return Skip

    def _touches_no_table(self, _: Any, __: Any) -> Any:
        return Skip

    visit_GrantStmt = visit_CreateSeqStmt = visit_AlterSeqStmt = _touches_no_table  # noqa: N815


def _of_command(command: ast.AlterTableCmd) -> Lock:
    if command.subtype == AlterTableType.AT_AddConstraint:
        foreign = command.def_.contype == ConstrType.CONSTR_FOREIGN
        return Lock.SHARE_ROW_EXCLUSIVE if foreign else Lock.ACCESS_EXCLUSIVE
    if command.subtype == AlterTableType.AT_DetachPartition and command.def_.concurrent:
        return Lock.SHARE_UPDATE_EXCLUSIVE
    return _WEAKER.get(command.subtype, Lock.ACCESS_EXCLUSIVE)
