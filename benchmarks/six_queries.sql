-- The least that a database can be asked: six statements, one per aspect of the whole catalogue,
-- with the JSON made by the server. It leaves out DDL of tables, owners, tags and routines' code.
select json_agg(x) from (
  select n.oid, n.nspname, n.nspowner, obj_description(n.oid, 'pg_namespace')
    from pg_namespace n where n.nspname !~ '^pg_' and n.nspname <> 'information_schema') x;
select json_agg(x) from (
  select c.oid, n.nspname, c.relname, c.relkind, c.relowner, obj_description(c.oid, 'pg_class'),
         case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_'
     and n.nspname <> 'information_schema') x;
select json_agg(x) from (
  select a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
         pg_get_expr(d.adbin, d.adrelid)
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p', 'v', 'm', 'f')
    join pg_namespace n on n.oid = c.relnamespace and n.nspname !~ '^pg_'
         and n.nspname <> 'information_schema'
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where a.attnum > 0 and not a.attisdropped) x;
select json_agg(x) from (
  select d.objoid, d.objsubid, d.description from pg_description d
   where d.classoid = 'pg_class'::regclass and d.objsubid > 0) x;
select json_agg(x) from (
  select k.conrelid, k.conname, k.contype, k.conkey, k.confrelid, k.confkey
    from pg_constraint k where k.conrelid <> 0) x;
select json_agg(x) from (
  select p.oid, n.nspname, p.proname, p.prokind, pg_get_function_identity_arguments(p.oid)
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
   where n.nspname !~ '^pg_' and n.nspname <> 'information_schema') x;
