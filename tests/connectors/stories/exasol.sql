-- Exasol's system tables as documented (https://docs.exasol.com/db/latest/sql_references/system_tables/metadata_system_tables.htm),
-- with what the story would leave there; DuckDB runs this.
create schema sys;
create table sys.exa_schemas (schema_name varchar, schema_owner varchar, schema_object_id decimal(18,0), schema_is_virtual boolean, schema_comment varchar);
create table sys.exa_all_tables (table_schema varchar, table_name varchar, table_owner varchar, table_object_id decimal(18,0), table_is_virtual boolean, table_has_distribution_key boolean, table_has_partition_key boolean, table_row_count decimal(18,0), delete_percentage decimal(4,1), table_comment varchar);
create table sys.exa_all_views (view_schema varchar, view_name varchar, scope_schema varchar, view_owner varchar, view_object_id decimal(18,0), view_text varchar, view_comment varchar);
create table sys.exa_all_columns (column_schema varchar, column_table varchar, column_object_type varchar, column_name varchar, column_type varchar, column_type_id decimal(18,0), column_maxsize decimal(18,0), column_num_prec decimal(18,0), column_num_scale decimal(18,0), column_ordinal_position decimal(9,0), column_is_virtual boolean, column_is_nullable boolean, column_is_distribution_key boolean, column_partition_key_ordinal_position decimal(9,0), column_default varchar, column_identity decimal(36,0), column_owner varchar, column_object_id decimal(18,0), status varchar, column_comment varchar);
create table sys.exa_all_constraint_columns (constraint_schema varchar, constraint_table varchar, constraint_type varchar, constraint_name varchar, constraint_owner varchar, ordinal_position decimal(9,0), column_name varchar, referenced_schema varchar, referenced_table varchar, referenced_column varchar);
create table sys.exa_metadata (param_name varchar, param_value varchar, is_static boolean);
insert into sys.exa_metadata values ('databaseName', 'story', true), ('databaseProductVersion', '8.29.0', true), ('maxColumnNameLength', '128', true);
insert into sys.exa_schemas (schema_name) values ('LIBRARY');
insert into sys.exa_all_tables (table_schema, table_name, table_comment) values ('LIBRARY', 'AUTHOR', null), ('LIBRARY', 'BOOK', 'All books'), ('LIBRARY', 'LOAN', null);
insert into sys.exa_all_views (view_schema, view_name, view_text) values ('LIBRARY', 'CHEAP_BOOK', 'CREATE OR REPLACE FORCE VIEW LIBRARY.CHEAP_BOOK AS SELECT ID, TITLE FROM LIBRARY.BOOK WHERE PRICE < 10');
insert into sys.exa_all_columns (column_schema, column_table, column_object_type, column_ordinal_position, column_name, column_type, column_is_nullable, column_comment) values
  ('LIBRARY', 'AUTHOR', 'TABLE', 1, 'ID', 'DECIMAL(18,0)', false, null), ('LIBRARY', 'AUTHOR', 'TABLE', 2, 'NAME', 'VARCHAR(80) UTF8', false, null),
  ('LIBRARY', 'BOOK', 'TABLE', 1, 'ID', 'DECIMAL(18,0)', false, null), ('LIBRARY', 'BOOK', 'TABLE', 2, 'TITLE', 'VARCHAR(200) UTF8', false, 'As printed'),
  ('LIBRARY', 'BOOK', 'TABLE', 3, 'AUTHOR_ID', 'DECIMAL(18,0)', true, null), ('LIBRARY', 'BOOK', 'TABLE', 4, 'ISBN', 'CHAR(13) ASCII', true, null),
  ('LIBRARY', 'BOOK', 'TABLE', 5, 'PRICE', 'DECIMAL(8,2)', true, null),
  ('LIBRARY', 'LOAN', 'TABLE', 2, 'DAY', 'DATE', true, null), ('LIBRARY', 'LOAN', 'TABLE', 1, 'BOOK_ID', 'DECIMAL(18,0)', true, null),
  ('LIBRARY', 'CHEAP_BOOK', 'VIEW', 1, 'ID', 'DECIMAL(18,0)', null, null), ('LIBRARY', 'CHEAP_BOOK', 'VIEW', 2, 'TITLE', 'VARCHAR(200) UTF8', null, null);
insert into sys.exa_all_constraint_columns (constraint_schema, constraint_table, constraint_type, constraint_name, ordinal_position, column_name, referenced_schema, referenced_table, referenced_column) values
  ('LIBRARY', 'AUTHOR', 'PRIMARY KEY', 'SYS_1', 1, 'ID', null, null, null), ('LIBRARY', 'BOOK', 'PRIMARY KEY', 'SYS_2', 1, 'ID', null, null, null),
  ('LIBRARY', 'BOOK', 'NOT NULL', 'SYS_3', 2, 'TITLE', null, null, null),
  ('LIBRARY', 'BOOK', 'FOREIGN KEY', 'SYS_4', 3, 'AUTHOR_ID', 'LIBRARY', 'AUTHOR', 'ID');
