"""The scratch database: made beside the live one, marked as ours, held while it lives, dropped.

What is done here is said in SQL that the server itself quotes, sent in the live database by
whichever session is given, in autocommit. It lives for as long as somebody holds its lock; one
that nobody holds was left by a run that was killed, and the next run drops it.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

from .programs import Run, conninfo
from .schema import Rows

PREFIX = "headway_rehearsal_"
SCHEMA, ALL, EMPTY = "none", "all", "empty"  # what is copied: no rows, all, not even the schema

# How long one that was made for somebody else may wait for that one to take it.
HANDED_OVER_FOR = 120  # seconds
_LOCK_WAIT = "5s"

# Not copied: with these a rehearsal could reach other servers.
_FOREIGN = (" USER MAPPING ", " SUBSCRIPTION ")

# Settings whose stored value is a list of names that are quoted already (GUC_LIST_QUOTE in
# PostgreSQL's sources).
_LISTS = (
    "'local_preload_libraries', 'search_path', 'session_preload_libraries', "
    "'shared_preload_libraries', 'temp_tablespaces', 'unix_socket_directories'"
)


def new_name(live: str) -> str:
    """Give a name that tells the live database and the run."""
    return f"{PREFIX}{sha256(live.encode()).hexdigest()[:8]}_{secrets.token_hex(4)}"


def may_create(live: Rows) -> str:
    """Give the reason why the session's role cannot create databases, "" where it can."""
    role, may = live.rows(
        "select quote_ident(rolname), rolcreatedb or rolsuper from pg_roles where rolname = current_user"
    )[0]
    lets = f"`ALTER ROLE {role} CREATEDB` lets it"
    return "" if may else f"the role {role} may not create databases on this server; {lets}"


def create(live: Rows, name: str, who: str, *, handed_over: bool = False) -> None:
    """Make it, empty, with the live one's locale and owner, and hold it."""
    hold(live, name)
    live.run(live.rows(_CREATE.replace("NAME", name))[0][0])
    database = live.rows("select current_database()::text")[0][0]
    mark = {
        "headway": "rehearsal",
        "of": database,
        "by": who,
        "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "handed_over": handed_over,
    }
    live.run(f"comment on database {name} is {_literal(json.dumps(mark))}")


def give_properties(live: Rows, name: str) -> list[str]:
    """Give it the live one's rights and settings; give what it could not be given, a line each."""
    lacking = []
    for (statement,) in live.rows(_PROPERTIES.replace("NAME", name).replace("LISTS", _LISTS)):
        try:
            live.run(statement)
        except Exception as error:  # whatever the driver raises
            lacking.append(f"{statement}: {' '.join(str(error).split())[:200]}")
    return lacking


def hold(live: Rows, name: str) -> bool:
    """Have nobody take it for a leftover while this session lives; False where another holds it."""
    return bool(live.rows(f"select pg_try_advisory_lock({_key(name)})")[0][0])


def is_scratch(live: Rows, name: str) -> bool:
    """Tell whether a database is marked as scratch of the session's."""
    return name in _marked(live)


def drop(live: Rows, name: str) -> None:
    """Drop it, whoever still works in it, and let go of it."""
    live.run(f"drop database if exists {name} with (force)")
    live.run(f"select pg_advisory_unlock({_key(name)})")


def drop_leftovers(live: Rows) -> list[str]:
    """Drop those of killed runs, only such as are marked as scratch of this database.

    One that is not this role's to drop is left for a run of somebody who may.
    """
    dropped = []
    for name, mark in _marked(live).items():
        made = datetime.fromisoformat(mark["made"])
        age = (datetime.now(timezone.utc) - made).total_seconds()
        if mark.get("handed_over") and age < HANDED_OVER_FOR:
            continue
        owned = f"select pg_has_role(datdba, 'usage') from pg_database where datname = '{name}'"
        if live.rows(owned)[0][0] and hold(live, name):
            drop(live, name)
            dropped.append(name)
    return dropped


def copy(
    run: Run, parameters: dict[str, str], live: str, name: str, rows: str, folder: Path
) -> str:
    """Copy the live database's schema by pg_dump, and its rows if asked for.

    Gives pg_restore's words for what could not be restored. pg_dump waits a few seconds for a
    table that somebody has locked, and fails then.
    """
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        dump, contents = os.path.join(temporary, "dump"), os.path.join(temporary, "contents")
        arguments = [
            "--format=custom",
            "--no-password",
            "--exclude-schema=headway",
            f"--lock-wait-timeout={_LOCK_WAIT}",
            f"--file={dump}",
            f"--dbname={conninfo(parameters, live)}",
        ]
        run("pg_dump", [*arguments, *(["--schema-only"] if rows == SCHEMA else [])])
        listed = run("pg_restore", ["--list", dump]).splitlines()
        kept = [line for line in listed if not any(kind in line for kind in _FOREIGN)]
        Path(contents).write_text("\n".join(kept) + "\n")
        into = f"--dbname={conninfo(parameters, name)}"
        try:
            run("pg_restore", ["--no-password", f"--use-list={contents}", into, dump])
        except Exception as error:
            return str(error)
    return ""


def _marked(live: Rows) -> dict[str, dict[str, Any]]:
    """Give those of the session's database, by name."""
    found = {}
    database = live.rows("select current_database()::text")[0][0]
    for name, comment in live.rows(
        "select datname::text, shobj_description(oid, 'pg_database') from pg_database "
        f"where starts_with(datname, '{PREFIX}')"
    ):
        try:
            mark = json.loads(comment or "")
        except ValueError:
            continue
        ours = isinstance(mark, dict) and mark.get("headway") == "rehearsal" and "made" in mark
        if ours and mark.get("of") == database:
            found[name] = mark
    return found


def _key(name: str) -> int:
    digest = sha256(f"headway scratch\0{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _literal(text: str) -> str:
    # E'': right whether standard_conforming_strings is on or not.
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_CREATE = """
    select format('create database %I template template0 encoding %L lc_collate %L lc_ctype %L', 'NAME',
            pg_encoding_to_char(d.encoding), d.datcollate, d.datctype)
        || case when pg_has_role(d.datdba, 'member') then format(' owner %I', pg_get_userbyid(d.datdba)) else '' end
        || case to_jsonb(d) ->> 'datlocprovider'
            when 'i' then format(' locale_provider icu icu_locale %L',
                coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'))
            when 'b' then format(' locale_provider builtin builtin_locale %L', to_jsonb(d) ->> 'datlocale')
            else '' end
    from pg_database d where d.datname = current_database()
"""

_PROPERTIES = """
    with live as (select * from pg_database where datname = current_database())
    select 'revoke all on database NAME from public'
    union all
    select format('grant %s on database NAME to %s%s', acl.privilege_type,
        case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end,
        case when acl.is_grantable then ' with grant option' else '' end)
    from live cross join aclexplode(coalesce(datacl, acldefault('d', datdba))) acl where acl.grantee <> datdba
    union all
    select format('alter %s set %s to %s',
        case s.setrole when 0 then 'database NAME'
            else 'role ' || quote_ident(pg_get_userbyid(s.setrole)) || ' in database NAME' end,
        (select string_agg(quote_ident(part), '.') from unnest(string_to_array(split_part(setting, '=', 1), '.')) part),
        case when split_part(setting, '=', 1) in (LISTS)
            then coalesce(nullif(substr(setting, strpos(setting, '=') + 1), ''), '''''')
            else quote_literal(substr(setting, strpos(setting, '=') + 1)) end)
    from live join pg_db_role_setting s on s.setdatabase = live.oid cross join unnest(s.setconfig) setting
"""
