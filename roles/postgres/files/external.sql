-- What a role that is no superuser can see of its rights: one row, asked as the owner and as the app.
-- Boolean columns say whether something is as wanted of either.
with app as (select oid, rolsuper or rolname = %(owner)s as has_all from pg_roles where rolname = %(app)s)

select
    current_setting('server_version_num')::int / 10000 as version,
    (select pg_get_userbyid(datdba) from pg_database where datname = current_database()) as database_owner,
    has_database_privilege(current_database(), 'CREATE') as may_make_schemas,
    has_schema_privilege('public', 'CREATE') as may_make_tables,
    not exists (
        select from pg_class as c
        inner join pg_namespace as n on c.relnamespace = n.oid
        where n.nspname = 'public' and c.relkind in ('r', 'p')
            and pg_get_userbyid(c.relowner) <> %(owner)s
    ) as owner_owns_tables,
    exists (select from app where has_all) or exists (
        select from pg_default_acl as d
        cross join aclexplode(d.defaclacl) as acl
        where pg_get_userbyid(d.defaclrole) = %(owner)s and d.defaclobjtype = 'r'
            and acl.grantee = (select oid from app) and acl.privilege_type = 'INSERT'
    ) as app_rows_of_later_tables
