-- Whether the database, its schemas and what lies in them are the owner's to change
-- and only the app's to read and write: one row of booleans.
with app as (
    select
        oid,
        -- A superuser, or an app that is its own owner, holds every right without a grant.
        rolsuper or rolname = %(owner)s as has_all
    from pg_roles
    where rolname = %(app)s
),

schema as (
    select oid, nspname, nspacl
    from pg_namespace
    where
        nspname = 'public'
        -- The record of migrations is the owner's alone.
        or pg_get_userbyid(nspowner) = %(owner)s and oid >= 16384 and nspname <> 'headway'
),

thing as (
    select c.oid, c.relkind = 'S' as is_sequence, c.relacl
    from pg_class as c
    inner join schema on c.relnamespace = schema.oid
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
),

granted_by_default as (
    select d.defaclobjtype as kind, array_agg(acl.privilege_type::text) as privileges
    from pg_default_acl as d
    cross join aclexplode(d.defaclacl) as acl
    where d.defaclnamespace = 0
        and d.defaclrole = (select oid from pg_roles where rolname = %(owner)s)
        and acl.grantee = (select oid from app)
    group by d.defaclobjtype
)

select
    not has_database_privilege('public', current_database(), 'CONNECT') as database_closed_to_public,
    exists (select from app where has_all) or exists (
        select from pg_database as d
        cross join aclexplode(d.datacl) as acl
        where d.datname = current_database() and acl.privilege_type = 'CONNECT'
            and acl.grantee = (select oid from app)
    ) as app_connects,
    exists (
        select from pg_namespace where nspname = 'public' and pg_get_userbyid(nspowner) = %(owner)s
    ) as schema_owner,
    not exists (
        select from schema where has_schema_privilege('public', oid, 'CREATE')
    ) as schemas_closed_to_public,
    not exists (
        select from schema
        cross join aclexplode(schema.nspacl) as acl
        where acl.privilege_type = 'CREATE'
            and acl.grantee = (select oid from app where not has_all)
    ) as app_makes_nothing,
    not exists (
        select from pg_database as d
        cross join aclexplode(d.datacl) as acl
        where d.datname = current_database() and acl.privilege_type = 'CREATE'
            and acl.grantee = (select oid from app where not has_all)
    ) as app_makes_no_schemas,
    (select coalesce(json_agg(nspname), '["public"]') from schema) as schemas,
    exists (select from app where has_all) or not exists (
        select from schema
        where not exists (
            select from aclexplode(schema.nspacl) as acl
            where acl.privilege_type = 'USAGE' and acl.grantee = (select oid from app)
        )
    ) as app_uses_schemas,
    not exists (
        select from thing cross join app
        where not is_sequence and not (
            has_table_privilege(app.oid, thing.oid, 'SELECT')
            and has_table_privilege(app.oid, thing.oid, 'INSERT')
            and has_table_privilege(app.oid, thing.oid, 'UPDATE')
            and has_table_privilege(app.oid, thing.oid, 'DELETE')
        )
    ) as app_rows,
    not exists (
        select from thing cross join aclexplode(thing.relacl) as acl
        where not is_sequence and acl.grantee = (select oid from app where not has_all)
            and acl.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
    ) as app_rows_only,
    not exists (
        select from thing cross join app
        where is_sequence and not (
            has_sequence_privilege(app.oid, thing.oid, 'SELECT')
            and has_sequence_privilege(app.oid, thing.oid, 'USAGE')
            and has_sequence_privilege(app.oid, thing.oid, 'UPDATE')
        )
    ) as app_sequences,
    exists (select from app where has_all) or exists (
        select from granted_by_default
        where kind = 'r' and privileges @> array['SELECT', 'INSERT', 'UPDATE', 'DELETE']
    ) as app_rows_of_later_tables,
    exists (select from app where has_all) or exists (
        select from granted_by_default
        where kind = 'S' and privileges @> array['SELECT', 'USAGE', 'UPDATE']
    ) as app_later_sequences,
    exists (select from app where has_all) or exists (
        select from granted_by_default where kind = 'n' and 'USAGE' = any(privileges)
    ) as app_uses_later_schemas
