-- What the server says of itself, its configuration and its roles: one row.
-- Boolean columns say whether something is as wanted.
with file_setting as (
    select
        name, sourcefile, sourceline, setting, applied, error,
        sourcefile = %(settings_file)s as ours,
        name in (select s.name from pg_settings as s where s.context = 'postmaster') as waits_for_restart
    from pg_file_settings
)

select
    current_setting('server_version_num')::int / 10000 as version,
    current_setting('data_checksums') as data_checksums,
    (
        select json_object_agg(datname, pg_get_userbyid(datdba))
        from pg_database
        where not datistemplate
    ) as databases,
    -- A file changed after the server last read its configuration has no effect yet.
    not exists (
        select
        from unnest(array[
            current_setting('config_file'), current_setting('hba_file'),
            current_setting('ident_file'), %(settings_file)s
        ]) as path
        where (pg_stat_file(path, true)).modification > pg_conf_load_time()
    ) as configuration_loaded,
    (
        select coalesce(json_agg(format('%%s in %%s, line %%s: %%s', name, sourcefile, sourceline, error)), '[]')
        from file_setting
        where error is not null and not (waits_for_restart and error = 'setting could not be applied')
    ) as configuration_errors,
    (select coalesce(json_agg(name), '[]') from pg_settings where pending_restart) as pending_restart,
    exists (select from file_setting where ours) as settings_included,
    -- What overrules a setting of ours: a later line of another file, or ALTER SYSTEM.
    (
        select coalesce(json_agg(json_build_object(
            'name', other.name, 'value', other.setting, 'by', other.sourcefile, 'line', other.sourceline
        )), '[]')
        from file_setting as other
        where not other.ours and other.error is null
            and exists (
                select from file_setting as mine
                where mine.ours and mine.name = other.name and not mine.applied and mine.error is null
            )
            and (other.applied or other.sourcefile like '%%/postgresql.auto.conf')
    ) as overruled,
    exists (
        select from pg_authid
        where rolname = %(owner)s and (
            oid = 10 -- the superuser that initdb made: left as it is
            or rolcanlogin and coalesce(rolvaliduntil, 'infinity') > now()
            and not (rolsuper or rolcreaterole or rolreplication or rolbypassrls)
            and rolcreatedb = (rolname = %(creator)s)
        )
    ) as owner_role,
    exists (
        select from pg_authid
        where rolname = %(app)s and (
            oid = 10
            or rolcanlogin and coalesce(rolvaliduntil, 'infinity') > now()
            and not (rolsuper or rolcreaterole or rolreplication or rolbypassrls)
            and rolcreatedb = (rolname = %(creator)s)
        )
    ) as app_role,
    not exists (
        select
        from pg_auth_members as m
        inner join pg_authid as member on m.member = member.oid
        inner join pg_authid as granted on m.roleid = granted.oid
        where member.rolname = %(app)s and granted.rolname = %(owner)s and member.oid <> 10
    ) as app_apart_from_owner
