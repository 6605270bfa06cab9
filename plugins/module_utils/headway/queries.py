"""What is asked of PostgreSQL while looking, in SQL that SQLAlchemy's text() and a driver alone can send."""

from __future__ import annotations

# Where the version table is, or where it would be created.
SCHEMA_OF_TABLE = """
    select coalesce((select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
                     where c.oid = to_regclass(quote_ident(:name))), current_schema(), '')
"""

# Those that a build left unusable. One that is being built is not meant, nor that of a partitioned
# table, which stays invalid until each partition has its own.
INVALID_INDEXES = """
    select format('%I.%I', n.nspname, c.relname) from pg_index i
    join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
    where not i.indisvalid and c.relkind = 'i'
    and not exists (select from pg_stat_progress_create_index p where p.index_relid = i.indexrelid)
"""

# With the server's estimates, as the last VACUUM or ANALYZE counted.
TABLES = """
    select n.nspname, c.relname, pg_table_is_visible(c.oid), c.reltuples::bigint,
           c.relpages::bigint * current_setting('block_size')::bigint,
           array(select x.relname::text from pg_index i join pg_class x on x.oid = i.indexrelid
                 where i.indrelid = c.oid order by 1)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm') and c.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema')
"""

# Tables and views that somebody made, other than ours.
HOLDS_ANYTHING = """
    select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                   where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.oid >= 16384
                   and n.nspname !~ '^pg_' and n.nspname <> 'headway')
"""

RECORD_IS_READABLE = """
    select has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'headway' and c.relname = 'revision'
"""

# The last ones.
RECORDED_RUNS = """
    select id, version_tables, direction, target, before, after, who, role, release,
           to_char(started at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') as started,
           seconds, retries, outcome, reason,
           coalesce((select array_agg(r.revision order by position) from headway.revision r
                     where r.run = run.id), '{}') as revisions
    from headway.run where cast(:version_table as text) = any(version_tables) order by run.started desc limit 10
"""

RECORDED_REVISIONS = """
    select distinct on (r.revision) r.revision, r.sha256,
           to_char(started at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') as applied
    from headway.revision r join headway.run on run.id = r.run
    where cast(:version_table as text) = any(version_tables) and direction = 'up' and r.sha256 is not null
    order by r.revision, started desc
"""
