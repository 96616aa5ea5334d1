-- What CockroachDB has, and PostgreSQL has not, in columns (https://www.cockroachlabs.com/docs/stable/information-schema):
-- comments, its own words for types, and columns that nobody made, which are called rowid or crdb_… .
alter view information_schema.columns rename to columns_of_postgresql;
create view information_schema.columns as
select current_database() table_catalog, n.nspname::text table_schema, c.relname::text table_name,
       a.attname::text column_name, col_description(c.oid, a.attnum) column_comment, a.attnum::int8 ordinal_position,
       case when a.attnotnull then 'NO' else 'YES' end is_nullable,
       case when a.attname ~ '^(rowid$|crdb_)' then 'YES' else 'NO' end is_hidden,
       regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(upper(format_type(a.atttypid, a.atttypmod)),
         'CHARACTER VARYING', 'VARCHAR'), '^CHARACTER', 'CHAR'), 'NUMERIC', 'DECIMAL'), '^BIGINT', 'INT8'), '^TEXT', 'STRING')
         || case when a.attcollation not in (0, 100) then ' COLLATE ' || (select collname from pg_collation l where l.oid = a.attcollation) else '' end
         crdb_sql_type
  from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v', 'm');
create schema crdb_internal;
create table crdb_internal.tables (table_id bigint);
create schema pg_temp_1_2;
create schema pg_extension;
