"""The query that schema.py reads a schema by: each object's kind and name, and its definition."""

from __future__ import annotations

# LEFT_OUT: an array of tables, schema.table.
SCHEMA = r"""
with space as (
    select oid, nspname, nspowner, nspacl from pg_namespace
    where nspname !~ '^pg_' and nspname not in ('information_schema', 'headway')
),
member as (select classid, objid from pg_depend where deptype = 'e'),
relation as (
    select c.*, format('%I.%I', s.nspname, c.relname) as name,
        case c.relkind when 'r' then 'table' when 'p' then 'table' when 'v' then 'view'
            when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table'
            when 'c' then 'type' end as kind
    from pg_class c join space s on s.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c') and c.relpersistence <> 't'
        and format('%s.%s', s.nspname, c.relname) <> all (LEFT_OUT)
        and not exists (select from member m where m.classid = 'pg_class'::regclass and m.objid = c.oid)
),
routine as (
    select p.*, p.oid::regprocedure::text as name
    from pg_proc p join space s on s.oid = p.pronamespace
    where not exists (select from member m where m.classid = 'pg_proc'::regclass and m.objid = p.oid)
        and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass
                        and d.objid = p.oid and d.deptype = 'i')
),
kind_of_type as (
    select t.*, format('%I.%I', s.nspname, t.typname) as name
    from pg_type t join space s on s.oid = t.typnamespace
    where t.typtype in ('e', 'd', 'r', 'b') and t.typisdefined
        and not exists (select from pg_type of where of.typarray = t.oid)
        and not exists (select from member m where m.classid = 'pg_type'::regclass and m.objid = t.oid)
)
select 'schema ' || quote_ident(nspname), '' from space
union all select 'owner of schema ' || quote_ident(nspname), pg_get_userbyid(nspowner) from space
union all select 'privileges on schema ' || quote_ident(nspname),
    (select string_agg(a::text, ', ' order by a::text) from unnest(coalesce(nspacl, acldefault('n', nspowner))) a)
    from space
union all select 'extension ' || quote_ident(extname),
    'in schema ' || extnamespace::regnamespace || ', version ' || extversion
    from pg_extension
union all select r.kind || ' ' || r.name,
    case when r.relkind in ('v', 'm') then pg_get_viewdef(r.oid)
    when r.relkind = 'S' then (
        select concat_ws(' ', s.seqtypid::regtype, 'start', s.seqstart, 'increment', s.seqincrement, 'min', s.seqmin,
            'max', s.seqmax, 'cache', s.seqcache, case when s.seqcycle then 'cycle' end,
            (select 'owned by ' || d.refobjid::regclass || '.' || quote_ident(a.attname) from pg_depend d
             join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
             where d.classid = 'pg_class'::regclass and d.objid = r.oid and d.deptype in ('a', 'i')
                and d.refclassid = 'pg_class'::regclass limit 1))
        from pg_sequence s where s.seqrelid = r.oid)
    else concat_ws(', ',
        case when r.relkind = 'p' then 'partitioned by ' || pg_get_partkeydef(r.oid) end,
        (select 'of ' || string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno) from pg_inherits i
         where i.inhrelid = r.oid),
        pg_get_expr(r.relpartbound, r.oid),
        case when r.relpersistence = 'u' then 'unlogged' end,
        case when r.relrowsecurity then 'row level security' end,
        case when r.relforcerowsecurity then 'forced' end,
        case when r.relreplident not in ('d', 'n') then 'replica identity ' || r.relreplident::text end,
        (select 'on server ' || quote_ident(s.srvname)
         from pg_foreign_table f join pg_foreign_server s on s.oid = f.ftserver
         where f.ftrelid = r.oid))
    end || coalesce(' with ' || array_to_string(r.reloptions, ', '), '')
    from relation r
union all select 'owner of ' || kind || ' ' || name, pg_get_userbyid(relowner) from relation where relkind <> 'c'
union all select 'privileges on ' || kind || ' ' || name,
    (select string_agg(a::text, ', ' order by a::text)
     from unnest(coalesce(relacl, acldefault(case relkind when 'S' then 's'::"char" else 'r' end, relowner))) a)
    from relation where relkind <> 'c'
union all select 'column ' || r.name || '.' || quote_ident(a.attname), concat_ws(' ',
        format_type(a.atttypid, a.atttypmod),
        case when a.attcollation <> t.typcollation then 'collate ' || a.attcollation::regcollation end,
        case when a.attnotnull then 'not null' end,
        case when a.attgenerated <> '' then 'generated as ' || pg_get_expr(d.adbin, d.adrelid)
            when d.adbin is not null then 'default ' || pg_get_expr(d.adbin, d.adrelid) end,
        case a.attidentity when 'a' then 'identity always' when 'd' then 'identity by default' end,
        -- The server's own, another in each database (PostgreSQL 15.20).
        (select string_agg(o, ', ') from unnest(a.attoptions) o where o !~ '^pg_attver='))
    from relation r join pg_attribute a on a.attrelid = r.oid join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attnum > 0 and not a.attisdropped and r.relkind in ('r', 'p', 'f', 'c')
union all select 'privileges on column ' || r.name || '.' || quote_ident(a.attname),
    (select string_agg(x::text, ', ' order by x::text) from unnest(a.attacl) x)
    from relation r join pg_attribute a on a.attrelid = r.oid
    where a.attnum > 0 and not a.attisdropped and cardinality(a.attacl) > 0
union all select 'constraint ' || quote_ident(k.conname) || ' of ' || r.name, pg_get_constraintdef(k.oid)
    from pg_constraint k join relation r on r.oid = k.conrelid where k.contype in ('c', 'f', 'p', 'u', 'x')
union all select 'index ' || i.indexrelid::regclass || ' of ' || r.name,
    pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' (invalid)' end
    || case when i.indisclustered then ' (clustered)' else '' end
    from pg_index i join relation r on r.oid = i.indrelid
union all select 'trigger ' || quote_ident(g.tgname) || ' of ' || r.name,
    pg_get_triggerdef(g.oid) || case g.tgenabled when 'O' then '' else ' (' || g.tgenabled::text || ')' end
    from pg_trigger g join relation r on r.oid = g.tgrelid where not g.tgisinternal
union all select 'rule ' || quote_ident(w.rulename) || ' of ' || r.name, pg_get_ruledef(w.oid)
    from pg_rewrite w join relation r on r.oid = w.ev_class where w.rulename <> '_RETURN'
union all select 'policy ' || quote_ident(p.polname) || ' of ' || r.name, concat_ws(' ', p.polcmd::text,
        case when not p.polpermissive then 'restrictive' end,
        (select string_agg(case u when 0 then 'public' else pg_get_userbyid(u) end, ', ' order by u)
         from unnest(p.polroles) u),
        'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid))
    from pg_policy p join relation r on r.oid = p.polrelid
union all select 'statistics ' || format('%I.%I', s.nspname, e.stxname), pg_get_statisticsobjdef(e.oid)
    from pg_statistic_ext e join space s on s.oid = e.stxnamespace
union all select case prokind when 'a' then 'aggregate ' when 'p' then 'procedure ' else 'function ' end || name,
    case prokind when 'a' then (select concat_ws(' ', aggtransfn, aggfinalfn, aggtranstype::regtype, agginitval)
        from pg_aggregate where aggfnoid = routine.oid) else pg_get_functiondef(oid) end
    from routine
union all select 'owner of function ' || name, pg_get_userbyid(proowner) from routine
union all select 'privileges on function ' || name,
    (select string_agg(a::text, ', ' order by a::text) from unnest(coalesce(proacl, acldefault('f', proowner))) a)
    from routine
union all select 'type ' || name, case typtype
        when 'e' then 'enum ' || (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder)
            from pg_enum where enumtypid = kind_of_type.oid)
        when 'd' then concat_ws(' ', 'domain', format_type(typbasetype, typtypmod),
            case when typnotnull then 'not null' end,
            'default ' || typdefault,
            (select string_agg(quote_ident(conname) || ' ' || pg_get_constraintdef(oid), ' ' order by conname)
             from pg_constraint where contypid = kind_of_type.oid and contype = 'c'))
        when 'r' then (select 'range of ' || rngsubtype::regtype from pg_range where rngtypid = kind_of_type.oid)
        else concat_ws(' ', 'base', typinput, typoutput, typlen) end
    from kind_of_type
union all select 'owner of type ' || name, pg_get_userbyid(typowner) from kind_of_type
union all select 'privileges on type ' || name,
    (select string_agg(a::text, ', ' order by a::text) from unnest(coalesce(typacl, acldefault('T', typowner))) a)
    from kind_of_type
union all select 'default privileges of ' || pg_get_userbyid(defaclrole)
        || coalesce(' in ' || nullif(defaclnamespace, 0)::regnamespace, '')
        || ' for ' || defaclobjtype::text, (select string_agg(a::text, ', ' order by a::text) from unnest(defaclacl) a)
    from pg_default_acl where defaclnamespace = 0 or defaclnamespace in (select oid from space)
union all select 'event trigger ' || quote_ident(evtname),
    concat_ws(' ', evtevent, evtfoid::regproc, evtenabled::text, array_to_string(evttags, ', '))
    from pg_event_trigger
union all select 'publication ' || quote_ident(pubname),
    concat_ws(' ', puballtables, pubinsert, pubupdate, pubdelete, pubtruncate)
    from pg_publication
union all select i.type || ' ' || i.identity, ''
    from (
        select 'pg_collation'::regclass as classid, o.oid as objid
        from pg_collation o join space s on s.oid = o.collnamespace
        union all select 'pg_operator'::regclass, o.oid from pg_operator o join space s on s.oid = o.oprnamespace
        union all select 'pg_opclass'::regclass, o.oid from pg_opclass o join space s on s.oid = o.opcnamespace
        union all select 'pg_ts_config'::regclass, o.oid from pg_ts_config o join space s on s.oid = o.cfgnamespace
        union all select 'pg_ts_dict'::regclass, o.oid from pg_ts_dict o join space s on s.oid = o.dictnamespace
        union all select 'pg_cast'::regclass, oid from pg_cast where oid >= 16384
        union all select 'pg_language'::regclass, oid from pg_language where oid >= 16384
        union all select 'pg_foreign_data_wrapper'::regclass, oid from pg_foreign_data_wrapper
        union all select 'pg_foreign_server'::regclass, oid from pg_foreign_server
    ) o cross join lateral pg_identify_object(o.classid, o.objid, 0) i
    where not exists (select from member m where m.classid = o.classid and m.objid = o.objid)
union all select 'comment on ' || i.type || ' ' || i.identity, d.description
    from pg_description d cross join lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) i
    where d.objoid >= 16384 and i.schema is distinct from 'headway' and i.identity !~ '^headway(\.|$)'
        and not exists (select from member m where m.classid = d.classoid and m.objid = d.objoid)
        and i.type <> 'extension'
"""
