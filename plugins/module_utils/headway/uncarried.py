"""What revisions do that a snapshot would not do in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORDS = re.IGNORECASE | re.DOTALL
_statements = {
    re.compile(
        r"\b(?:create|alter|drop)\s+(?:role|group|user(?!\s+mapping))\b|\bgrant\s(?:(?!\bon\b)[^;])*?\sto\b",
        _WORDS,
    ): ("makes or changes roles or their members, which are the server's and not the database's"),
    re.compile(
        r"\b(?:alter|on|create|drop)\s+(?:database|tablespace)\b|\balter\s+system\b", _WORDS
    ): ("changes the database itself or the server, not what is in the database"),
    re.compile(
        r"\brevoke\b(?!(?:(?!\bon\b)[^;])*\bon\s+(?:all\s+)?(?:function|procedure|routine|type|domain)s?\b"
        r"[^;]*\bfrom\s+public\s*(?:;|$))",
        _WORDS,
    ): "takes rights away (REVOKE), which may be such as the database's default privileges give",
    re.compile(r"\bgrant\b[^;]*\bon\s+schema\s+[^;]*\bto\s+public\b", _WORDS): (
        "gives rights on a schema to all, which a new database has already where its server gives them"
    ),
    re.compile(r"\balter\s+default\s+privileges\b", _WORDS): (
        "sets default privileges, which are those of the role that runs it"
    ),
    re.compile(r"\bowner\s+to\b|\breassign\s+owned\b|\bdrop\s+owned\b", _WORDS): (
        "sets an owner, and what a snapshot makes is its loader's"
    ),
    re.compile(r"\b(?:user\s+mapping|subscription)\b", _WORDS): (
        "sets up a connection to another server"
    ),
}
_who = re.compile(r"\b(?:current_user|session_user|current_role|current_database)\b", _WORDS)

CATALOG = """
    with mine as (select oid from pg_roles where rolname = current_user),
    space as (select * from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'headway')),
    own as (
        select 'pg_class'::regclass as classid, c.oid, c.relowner as owner, c.relname::text as name from pg_class c
        join space s on s.oid = relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
        union all select 'pg_proc'::regclass, p.oid, p.proowner, p.proname from pg_proc p
        join space s on s.oid = pronamespace
        union all select 'pg_type'::regclass, t.oid, t.typowner, t.typname from pg_type t
        join space s on s.oid = typnamespace
        union all select 'pg_namespace'::regclass, oid, nspowner, nspname from space where nspname <> 'public'
    )
    select distinct 'large objects, as ' || oid from (select min(oid) as oid from pg_largeobject_metadata) l
        where oid is not null
    union all select 'default privileges' from pg_default_acl
    union all select 'an owner of its own for ' || name from own where owner not in (select oid from mine)
        and not exists (select from pg_depend d where d.classid = own.classid and d.objid = own.oid and d.deptype = 'e')
    union all select 'a tablespace for ' || relname from pg_class c join space s on s.oid = relnamespace
        where reltablespace <> 0
    union all select 'version ' || extversion || ' of the extension ' || extname || ', where '
        || coalesce(default_version, 'none') || ' is what the server gives'
        from pg_extension join pg_available_extensions a on a.name = extname
        where extversion is distinct from default_version
    union all select 'rights on the version table' from pg_class where oid = to_regclass('VERSION_TABLE')
        and relacl is not null
"""


def uncarried(statement: str) -> Iterator[str]:
    """Give what a statement does that a snapshot does not."""
    for pattern, words in _statements.items():
        if pattern.search(statement):
            yield words


def speaks_of_who(statement: str) -> bool:
    """Tell whether what a statement does hangs on the role or the database's name."""
    return bool(_who.search(statement))
