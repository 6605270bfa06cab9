"""Whether an env.py does the ordinary, so that what it would connect to is known without running it.

Ordinary is what `alembic init` writes, and what people make of it: an engine from alembic.ini's
section, one run of migrations on its connection, options of autogenerate. Everything that is
called is on a list here; any other call, and any other place for a URL, is left to env.py itself.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass

_CALLS = {
    "config.get_section",
    "config.get_main_option",
    "context.begin_transaction",
    "context.configure",
    "context.is_offline_mode",
    "context.run_migrations",
    "create_engine",
    "dict",
    "engine_from_config",
    "fileConfig",
    "getattr",
    "getLogger",
    "len",
    "logging.config.fileConfig",
    "logging.getLogger",
    "sqlalchemy.create_engine",
    "sqlalchemy.engine_from_config",
}
_METHODS = {"connect", "debug", "info", "is_empty", "startswith", "endswith", "warning"}
_ENGINES = ("engine_from_config", "create_engine")
_ENGINE_OPTIONS = {"prefix", "poolclass", "echo", "future"}
_CONFIGURE_OPTIONS = {
    "compare_server_default",
    "compare_type",
    "connection",
    "include_name",
    "include_object",
    "include_schemas",
    "process_revision_directives",
    "render_as_batch",
    "render_item",
    "target_metadata",
    "transaction_per_migration",
    "user_module_prefix",
    "version_table",
    "version_table_schema",
}
_SECTIONS = {
    "config.get_section(config.config_ini_section)",
    "config.get_section(config.config_ini_section, {})",
    "config.get_section(config.config_ini_section) or {}",
}
_URL = "config.get_main_option('sqlalchemy.url')"


@dataclass(frozen=True)
class Ordinary:
    """An env.py that connects to alembic.ini's sqlalchemy.url; where its version table is."""

    version_table: str = "alembic_version"
    version_table_schema: str | None = None
    sets_logging_up: bool = False


def ordinary(source: str) -> Ordinary | None:
    """Give what an ordinary env.py asks for; None for every other.

    Raises SyntaxError where `source` is no Python.
    """
    module = ast.parse(source)
    nodes = list(ast.walk(module))
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    values = _assigned_once(nodes)
    if (
        any(isinstance(node, _UNUSUAL) or _changes_something(node) for node in nodes)
        or not all(_is_known(ast.unparse(call.func), call, functions) for call in calls)
        or not _means_what_it_says(nodes, values, functions)
    ):
        return None
    engines = [call for call in calls if ast.unparse(call.func).rpartition(".")[2] in _ENGINES]
    online = [
        call
        for call in calls
        if ast.unparse(call.func) == "context.configure"
        and not any(keyword.arg == "url" for keyword in call.keywords)
    ]
    runs = sum(ast.unparse(call.func) == "context.run_migrations" for call in calls)
    if len(engines) != 1 or len(online) != 1 or runs > 2:
        return None
    if not _of_the_ini(engines[0], values):
        return None
    logging = any(ast.unparse(call.func).endswith("fileConfig") for call in calls)
    return _asked_for(online[0], values, logging)


_UNUSUAL = (
    *(ast.Assert, ast.AsyncFunctionDef, ast.Await, ast.ClassDef, ast.Delete, ast.For, ast.Global),
    *(ast.Lambda, ast.NamedExpr, ast.Nonlocal, ast.Raise, ast.Starred, ast.While, ast.Yield),
)


def _assigned_once(nodes: list[ast.AST]) -> dict[str, ast.expr]:
    """Give the values of the names that are given one exactly once."""
    values: dict[str, ast.expr] = {}
    again: set[str] = set()
    for node in nodes:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, (ast.AnnAssign, ast.AugAssign)):
            targets = [node.target]
        for target in targets:
            name = ast.unparse(target)
            if name in values or isinstance(node, ast.AugAssign) or node.value is None:  # type: ignore[attr-defined]
                again.add(name)
            else:
                values[name] = node.value  # type: ignore[attr-defined]
    stored = Counter(
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    again.update(name for name, times in stored.items() if times > 1)
    return {name: value for name, value in values.items() if name not in again}


def _changes_something(node: ast.AST) -> bool:
    """Tell whether a node changes an object by one of its items or attributes, other than x[:]."""
    if not isinstance(node, (ast.Subscript, ast.Attribute)) or not isinstance(node.ctx, ast.Store):
        return False
    return not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice))


def _means_what_it_says(
    nodes: list[ast.AST], values: dict[str, ast.expr], functions: set[str]
) -> bool:
    """Tell whether `context`, `config` and those that make engines are alembic's and SQLAlchemy's."""
    origin = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    taken = {*functions, *(node.arg for node in nodes if isinstance(node, ast.arg))}
    config = ast.unparse(values["config"]) if "config" in values else "context.config"
    return (
        all(origin.get(name, ("sqlalchemy", name)) == ("sqlalchemy", name) for name in _ENGINES)
        and origin.get("context", ("alembic", "context")) == ("alembic", "context")
        and config in ("context.config", "alembic.context.config")
        and ("config" in values or "config" not in stored)
        and not origin.keys() & {"*", "config", "connection"}
        and not stored & {*_ENGINES, "context"}
        and not taken & {*_ENGINES, "config", "context", "connection"}
        and not any(
            isinstance(node, ast.Import) and any(alias.asname for alias in node.names)
            for node in nodes
        )
    )


def _is_known(name: str, call: ast.Call, functions: set[str]) -> bool:
    short = name.removeprefix("alembic.").replace("context.config.", "config.")
    if any(keyword.arg is None for keyword in call.keywords):  # **options
        return False
    return (
        short in _CALLS
        or name in functions
        or (isinstance(call.func, ast.Attribute) and call.func.attr in _METHODS)
    )


def _of_the_ini(engine: ast.Call, values: dict[str, ast.expr]) -> bool:
    """Tell whether an engine is made of alembic.ini's section and nothing else."""
    if len(engine.args) != 1 or not {k.arg for k in engine.keywords} <= _ENGINE_OPTIONS:
        return False
    prefixes = [k.value for k in engine.keywords if k.arg == "prefix"]
    if any(not isinstance(p, ast.Constant) or p.value != "sqlalchemy." for p in prefixes):
        return False
    source = engine.args[0]
    if isinstance(source, ast.Name) and source.id in values:
        source = values[source.id]
    written = (
        ast.unparse(source).replace("alembic.context.", "").replace("context.config", "config")
    )
    if ast.unparse(engine.func).endswith("create_engine"):
        return written == _URL
    return written in _SECTIONS


def _asked_for(
    configure: ast.Call, values: dict[str, ast.expr], sets_logging_up: bool
) -> Ordinary | None:
    given = {str(keyword.arg): keyword.value for keyword in configure.keywords}
    if len(configure.args) > 1 or not given.keys() <= _CONFIGURE_OPTIONS:
        return None
    found: dict[str, str] = {}
    for option in ("version_table", "version_table_schema"):
        value = given.get(option)
        if isinstance(value, ast.Name):
            value = values.get(value.id, value)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            found[option] = value.value
        elif value is not None:
            return None
    return Ordinary(**found, sets_logging_up=sets_logging_up)
