-- What Redshift's leader node has and PostgreSQL has not, under the names that AWS documents.
-- `pg_shim` holds what is told; a catalogue table that has columns of its own in Redshift is renamed, and a
-- view stands in its place. Run with allow_system_table_mods = on.
create schema pg_shim;
create table pg_shim.spread (relation oid, number int, distkey boolean, sortkey int, encoding int);
create table pg_shim.style (relation oid primary key, style int);
create table pg_shim.said (relation oid primary key, text text, late boolean);
create table pg_shim.database (name text, type text);
create table pg_shim.external_schema (esoid oid, eskind int, schemaname text, esowner int, databasename text, esoptions text);
create table pg_shim.external_column (
  schemaname text, tablename text, tabletype text, columnname text, external_type text,
  columnnum int, part_key int, is_nullable text
);

-- https://docs.aws.amazon.com/redshift/latest/dg/r_PG_TABLE_DEF.html, r_PG_CLASS_INFO.html
alter table pg_catalog.pg_class rename to pg_class_raw;
create view pg_catalog.pg_class as
select oid, case when oid = 1259 then 'pg_class' else relname end as relname, relnamespace, reltype, relowner, relam,
       relfilenode, reltablespace, relpages, reltuples, relhasindex, relisshared, relkind,
       case when exists (select from pg_shim.said s where s.relation = c.oid and s.late) then 0::int2
            else relnatts end as relnatts,
       relchecks, relhasrules, relacl, (select s.style from pg_shim.style s where s.relation = c.oid) as reldiststyle
  from pg_catalog.pg_class_raw c
 where not (c.relnamespace = 11 and c.relname = 'pg_class');
alter table pg_catalog.pg_attribute rename to pg_attribute_raw;
create view pg_catalog.pg_attribute as
select a.attrelid, a.attname, a.atttypid, a.attlen, a.attnum, a.attndims, a.atttypmod, a.attnotnull,
       a.atthasdef, a.attisdropped, coalesce(s.encoding, 0)::int2 as attencodingtype,
       coalesce(s.distkey, false) as attisdistkey, coalesce(s.sortkey, 0) as attsortkeyord
  from pg_catalog.pg_attribute_raw a
  left join pg_shim.spread s on s.relation = a.attrelid and s.number = a.attnum
 where not exists (select from pg_shim.said d where d.relation = a.attrelid and d.late);
-- PostgreSQL 8 keeps the text of a default beside its tree, and a database's comment among the others.
alter table pg_catalog.pg_attrdef rename to pg_attrdef_raw;
create view pg_catalog.pg_attrdef as
select *, pg_catalog.pg_get_expr(adbin, adrelid) as adsrc from pg_catalog.pg_attrdef_raw;
alter table pg_catalog.pg_description rename to pg_description_raw;
create view pg_catalog.pg_description as
select * from pg_catalog.pg_description_raw
union all select objoid, classoid, 0, description from pg_catalog.pg_shdescription;

create function pg_catalog.format_encoding(integer) returns text language sql as
$$ select case $1 when 0 then 'none' when 1 then 'lzo' when 2 then 'az64' else 'raw' end $$;

-- The texts of late-binding and materialized views are kept as they were said.
alter function pg_catalog.pg_get_viewdef(oid) rename to pg_get_viewdef_raw;
create function pg_catalog.pg_get_viewdef(oid) returns text language sql as
$$ select coalesce((select text from pg_shim.said where relation = $1), pg_catalog.pg_get_viewdef_raw($1)) $$;
alter function pg_catalog.pg_get_viewdef(oid, boolean) rename to pg_get_viewdef_raw;
create function pg_catalog.pg_get_viewdef(oid, boolean) returns text language sql as
$$ select pg_catalog.pg_get_viewdef($1) $$;

-- https://docs.aws.amazon.com/redshift/latest/dg/PG_GET_LATE_BINDING_VIEW_COLS.html
create function pg_catalog.pg_get_late_binding_view_cols() returns setof record language sql as $$
select n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)::varchar, a.attnum::int
  from pg_shim.said s
  join pg_catalog.pg_class_raw c on c.oid = s.relation
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute_raw a on a.attrelid = c.oid
 where s.late and a.attnum > 0 $$;

-- https://docs.aws.amazon.com/redshift/latest/dg/r_PG_PROC_INFO.html
create view pg_catalog.pg_proc_info as select *, oid as prooid from pg_catalog.pg_proc;

-- https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_REDSHIFT_DATABASES.html
create view pg_catalog.svv_redshift_databases as
select name::varchar(128) as database_name, 100 as database_owner, type::varchar(32) as database_type,
       null::varchar(128) as database_acl, null::varchar(128) as database_options,
       'Snapshot Isolation'::varchar(128) as database_isolation_level
  from pg_shim.database
union all
select datname::varchar, datdba::int, 'local', null, null, 'Snapshot Isolation' from pg_catalog.pg_database
 where datallowconn;

-- https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_EXTERNAL_SCHEMAS.html, …_TABLES.html, …_COLUMNS.html
create view pg_catalog.svv_external_schemas as select * from pg_shim.external_schema;
create function pg_shim.answers(schemaname text) returns boolean language plpgsql as $$
begin
  if schemaname = 'closed' then
    raise 'Access denied when calling Glue: User: arn:aws:sts::1:assumed-role/lake is not authorized';
  end if;
  return true;
end $$;
create view pg_catalog.svv_external_tables as
select distinct pg_catalog.current_database()::text as redshift_database_name, schemaname, tablename,
       tabletype, 's3://lake/' || tablename as location, ''::text as input_format, ''::text as output_format,
       ''::text as serialization_lib, ''::text as serde_parameters, 0 as compressed, ''::text as parameters
  from pg_shim.external_column where pg_shim.answers(schemaname);
create view pg_catalog.svv_external_columns as
select pg_catalog.current_database()::text as redshift_database_name, schemaname, tablename, columnname,
       external_type, columnnum, part_key, is_nullable
  from pg_shim.external_column where pg_shim.answers(schemaname);

-- Types of Redshift's own, and the default of a column that counts.
create domain pg_catalog.super as text;
create domain pg_catalog.geometry as text;
create domain pg_catalog.hllsketch as text;
create function pg_catalog."identity"(bigint, bigint, text) returns bigint language sql as 'select 1::int8';

alter function pg_catalog.version() rename to version_raw;
create function pg_catalog.version() returns text language sql as $$
select 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 '
    || '(Red Hat 3.4.2-6.fc3), Redshift 1.0.98765'::text $$;
-- Without a replacement what matches is taken out; a number stands for a condition.
create function pg_catalog.charindex(text, text) returns integer language sql as
$$ select pg_catalog.strpos($2, $1) $$;
create function pg_catalog.regexp_replace(text, text) returns text language sql as
$$ select pg_catalog.regexp_replace($1, $2, '', 'g') $$;
update pg_catalog.pg_cast set castcontext = 'i' where castsource = 23 and casttarget = 16;

-- What a story says in Redshift's words of a table that PostgreSQL made.
create function pg_shim.style(relation regclass, style int) returns void language sql as
$$ insert into pg_shim.style values (relation, style) $$;
create function pg_shim.column(relation regclass, name text, distkey boolean, sortkey int, encoding int)
returns void language sql as $$
insert into pg_shim.spread
select relation, attnum, distkey, sortkey, encoding from pg_catalog.pg_attribute_raw
 where attrelid = relation and attname = name $$;
create function pg_shim.said(relation regclass, text text, late boolean) returns void language sql as
$$ insert into pg_shim.said values (relation, text, late) $$;
create function pg_shim.external(schema text, kind int) returns void language plpgsql as $$
begin
  execute format('create schema %I', schema);
  insert into pg_shim.external_schema values (
    schema::regnamespace, kind, schema, 10, 'glue', '{"IAM_ROLE":"arn:aws:iam::123456789012:role/lake"}');
end $$;
grant usage on schema pg_shim to public;
grant select on all tables in schema pg_shim to public;
grant select on all tables in schema pg_catalog to public;
