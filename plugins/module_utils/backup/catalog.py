"""What a database holds: its objects, and what CREATE DATABASE does not copy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .server import Session, quoted, sql

# What people made, each with the table it hangs on: not what comes with the server (oids below
# 16384, FirstNormalObjectId in PostgreSQL's src/include/access/transam.h) or with an extension, and
# of constraints, types and functions only those that pg_dump writes apart from what they belong to.
OBJECTS = """
with member as (
    select classid, objid from pg_depend where deptype = 'e'
),
schema as (
    select oid, nspname from pg_namespace
    where nspname !~ '^pg_' and nspname <> 'information_schema'
),
object (classid, objid, on_table, has_rows) as (
    select 'pg_namespace'::regclass, oid, 0, false from schema where nspname <> 'public'
    union all select 'pg_extension'::regclass, oid, 0, false from pg_extension
    union all select
        'pg_class'::regclass, c.oid, coalesce(i.indrelid, 0),
        c.relkind = 'r' or c.relkind = 'm' and c.relispopulated
    from pg_class as c
    inner join schema as s on c.relnamespace = s.oid
    left join pg_index as i on i.indexrelid = c.oid
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I') and c.relpersistence <> 't'
        and not exists (
            select from pg_constraint as k where k.conindid = c.oid and k.contype in ('p', 'u', 'x')
        )
    union all select 'pg_constraint'::regclass, k.oid, k.conrelid, false
    from pg_constraint as k
    inner join schema as s on k.connamespace = s.oid
    where k.contype in ('p', 'u', 'x') or k.contype = 'f' and k.conparentid = 0
    union all select 'pg_type'::regclass, t.oid, 0, false
    from pg_type as t
    inner join schema as s on t.typnamespace = s.oid
    left join pg_class as c on t.typrelid = c.oid
    where t.typisdefined and (t.typtype in ('b', 'd', 'e', 'r') or c.relkind = 'c')
        and not exists (select from pg_type as of where of.typarray = t.oid)
    union all select 'pg_proc'::regclass, p.oid, 0, false
    from pg_proc as p
    inner join schema as s on p.pronamespace = s.oid
    where not exists (
        select from pg_depend as d
        where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i'
    )
    union all select 'pg_trigger'::regclass, oid, tgrelid, false
    from pg_trigger where not tgisinternal and tgparentid = 0
    union all select 'pg_rewrite'::regclass, r.oid, r.ev_class, false
    from pg_rewrite as r where r.rulename <> '_RETURN'
    union all select 'pg_policy'::regclass, oid, polrelid, false from pg_policy
    union all select 'pg_operator'::regclass, o.oid, 0, false
    from pg_operator as o inner join schema as s on o.oprnamespace = s.oid where o.oprcode <> 0
    union all select 'pg_collation'::regclass, o.oid, 0, false
    from pg_collation as o inner join schema as s on o.collnamespace = s.oid
    union all select 'pg_statistic_ext'::regclass, o.oid, o.stxrelid, false
    from pg_statistic_ext as o inner join schema as s on o.stxnamespace = s.oid
    union all select 'pg_ts_config'::regclass, o.oid, 0, false
    from pg_ts_config as o inner join schema as s on o.cfgnamespace = s.oid
    union all select 'pg_ts_dict'::regclass, o.oid, 0, false
    from pg_ts_dict as o inner join schema as s on o.dictnamespace = s.oid
    union all select 'pg_foreign_server'::regclass, oid, 0, false from pg_foreign_server
    union all select 'pg_event_trigger'::regclass, oid, 0, false from pg_event_trigger
    union all select 'pg_publication'::regclass, oid, 0, false from pg_publication
)

select o.classid::oid::int8, o.objid::int8, i.type || ' ' || i.identity, o.has_rows
from object as o
cross join lateral pg_identify_object(o.classid, o.objid, 0) as i
where o.objid >= 16384
    and not exists (
        select from member as m
        where m.objid = o.objid and m.classid = o.classid
            or m.objid = o.on_table and m.classid = 'pg_class'::regclass
    )
order by 3
"""

DATABASE = """
select
    to_jsonb(d) as row,
    pg_get_userbyid(d.datdba) as owner,
    pg_encoding_to_char(d.encoding) as encoding,
    shobj_description(d.oid, 'pg_database') as comment,
    (
        select coalesce(json_agg(json_build_array(
            case when acl.grantee = 0 then null else pg_get_userbyid(acl.grantee) end,
            acl.privilege_type, acl.is_grantable
        )), '[]')
        from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as acl
        where acl.grantee <> d.datdba
    ) as rights,
    (
        select coalesce(json_agg(json_build_array(
            case when s.setrole = 0 then null else pg_get_userbyid(s.setrole) end,
            split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
        )), '[]')
        from pg_db_role_setting as s
        cross join unnest(s.setconfig) as setting
        where s.setdatabase = d.oid
    ) as settings
from pg_database as d
where d.datname = current_database()
"""

VERSION_TABLES = """
select n.nspname
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
inner join pg_attribute as a on a.attrelid = c.oid
where c.relname = 'alembic_version' and a.attname = 'version_num' and c.relkind = 'r'
order by 1
"""


# Settings whose stored value is a list of quoted names (GUC_LIST_QUOTE in PostgreSQL's sources;
# pg_dump's variable_is_guc_list_quote has the same names).
LISTS = (
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
)


@dataclass(frozen=True)
class Object:
    """A thing in a database: `name` has its type and its schema, `classid` the catalog it is in."""

    classid: int
    oid: int
    name: str
    has_rows: bool


def objects(session: Session) -> list[Object]:
    """Give what people made in the session's database."""
    return [Object(*row) for row in session.rows(OBJECTS)]


def revisions(session: Session) -> list[str]:
    """Give the revisions in every table alembic_version, with its schema where that is not public."""
    found = []
    for (schema,) in session.rows(VERSION_TABLES):
        rows = session.rows(f"select version_num from {quoted(schema)}.alembic_version order by 1")
        found += [row if schema == "public" else f"{schema}.{row}" for (row,) in rows]
    return found


def properties(session: Session) -> dict[str, Any]:
    """Give what makes the session's database besides its objects, as JSON values.

    Locale and encoding, owner, connection limit, comment, rights ([role, privilege, grantable], no
    role for PUBLIC; the owner's own are not among them) and settings ([role, name, value]).
    """
    (row, owner, encoding, comment, rights, settings), *_ = session.rows(DATABASE)
    return {
        "encoding": encoding,
        "collate": row["datcollate"],
        "ctype": row["datctype"],
        "provider": row.get("datlocprovider", "c"),
        "locale": row.get("datlocale") or row.get("daticulocale"),
        "owner": owner,
        "connection_limit": row["datconnlimit"],
        "comment": comment,
        "rights": rights,
        "settings": settings,
    }


def create_database(session: Session, name: str, wanted: dict[str, Any]) -> None:
    """Make an empty database with the locale, encoding and owner of `properties`."""
    provider = {"i": "icu", "b": "builtin"}.get(wanted["provider"])
    options = [
        sql.SQL("template template0 owner {}").format(sql.Identifier(wanted["owner"])),
        _option("encoding", wanted["encoding"]),
        _option("lc_collate", wanted["collate"]),
        _option("lc_ctype", wanted["ctype"]),
    ]
    if provider:
        options += [_option("locale_provider", provider)]
        options += [_option(f"{provider}_locale", wanted["locale"])]
    session.run(
        sql.SQL("create database {} ").format(sql.Identifier(name)) + sql.SQL(" ").join(options)
    )


def give_properties(session: Session, name: str, wanted: dict[str, Any]) -> None:
    """Give a database the rights, settings and connection limit of `properties`."""
    database = quoted(name)
    session.run(f"revoke all on database {database} from public")
    for role, privilege, grantable in wanted["rights"]:
        session.run(
            f"grant {privilege} on database {database} to {quoted(role) if role else 'public'}"
            + (" with grant option" if grantable else "")
        )
    if wanted["connection_limit"] != -1:
        session.run(f"alter database {database} connection limit {wanted['connection_limit']}")
    for role, setting, value in wanted["settings"]:
        whose = f"role {quoted(role)} in database {database}" if role else f"database {database}"
        values = _elements(value) if setting in LISTS else [value]
        literals = sql.SQL(", ").join(map(sql.Literal, values))
        session.run(sql.SQL(f"alter {whose} set {_setting(setting)} to ") + literals)


def comment_on_database(session: Session, name: str, comment: str | None) -> None:
    """Put a comment on a database, or take the one it has away."""
    session.run(
        sql.SQL("comment on database {} is {}").format(sql.Identifier(name), sql.Literal(comment))
    )


def comment_of_database(session: Session, name: str) -> str | None:
    """Give the comment on a database."""
    found: str | None = session.value(
        "select shobj_description(oid, 'pg_database') from pg_database where datname = %s", name
    )
    return found


def _option(name: str, value: str) -> sql.Composed:
    return sql.SQL(f"{name} ") + sql.Literal(value)


def _setting(name: str) -> str:
    return ".".join(map(quoted, name.split(".")))


def _elements(value: str) -> list[str]:
    """Give the elements of a list of names, those that need it in double quotes."""
    found = re.findall(r'"((?:[^"]|"")*)"|([^",\s]+)', value)
    return [plain or inside.replace('""', '"') for inside, plain in found]
