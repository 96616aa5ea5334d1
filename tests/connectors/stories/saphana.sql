-- SYS as SAP HANA documents it (https://help.sap.com/docs/SAP_HANA_PLATFORM/4fe29514fd584807ac9f2a04f6754767/system-views-reference),
-- with what the story would leave there; DuckDB runs this.
create schema sys;
create table sys.schemas (schema_name varchar, schema_owner varchar, has_privileges varchar, create_time timestamp);
create table sys.tables (schema_name varchar, table_name varchar, table_oid bigint, comments varchar, fixed_part_size bigint, is_logged varchar, is_system_table varchar, is_column_table varchar, table_type varchar, is_temporary varchar, temporary_table_type varchar, is_user_defined_type varchar, has_primary_key varchar, partition_spec varchar, create_time timestamp);
create table sys.views (schema_name varchar, view_name varchar, view_oid bigint, comments varchar, definition varchar, is_column_view varchar, view_type varchar, has_structured_privilege_check varchar, is_valid varchar, create_time timestamp);
create table sys.table_columns (schema_name varchar, table_name varchar, table_oid bigint, column_name varchar, position integer, data_type_id smallint, data_type_name varchar, "offset" smallint, length integer, scale integer, is_nullable varchar, default_value varchar, "collation" varchar, comments varchar);
create table sys.view_columns (schema_name varchar, view_name varchar, view_oid bigint, column_name varchar, position integer, data_type_id smallint, data_type_name varchar, "offset" smallint, length integer, scale integer, is_nullable varchar, default_value varchar, "collation" varchar, comments varchar);
create table sys.constraints (schema_name varchar, table_name varchar, table_oid bigint, column_name varchar, position integer, constraint_name varchar, is_primary_key varchar, is_unique_key varchar, is_expression varchar);
create table sys.referential_constraints (schema_name varchar, table_name varchar, column_name varchar, position integer, constraint_name varchar, referenced_schema_name varchar, referenced_table_name varchar, referenced_column_name varchar, referenced_constraint_name varchar, update_rule varchar, delete_rule varchar, is_enforced varchar);
insert into sys.schemas (schema_name) values ('SYS'), ('_SYS_REPO'), ('LIBRARY');
insert into sys.tables (schema_name, table_name, comments, is_user_defined_type) values ('LIBRARY', 'AUTHOR', null, 'FALSE'), ('LIBRARY', 'BOOK', 'All books', 'FALSE'), ('LIBRARY', 'LOAN', null, 'FALSE'), ('LIBRARY', 'ISBNS', null, 'TRUE');
insert into sys.views (schema_name, view_name, definition, view_type) values ('LIBRARY', 'CHEAP_BOOK', 'SELECT "ID", "TITLE" FROM "LIBRARY"."BOOK" WHERE "PRICE" < 10', 'ROW');
insert into sys.table_columns (schema_name, table_name, position, column_name, data_type_name, length, scale, is_nullable, comments) values
  ('LIBRARY', 'AUTHOR', 1, 'ID', 'INTEGER', 10, 0, 'FALSE', null), ('LIBRARY', 'AUTHOR', 2, 'NAME', 'NVARCHAR', 80, null, 'FALSE', null),
  ('LIBRARY', 'BOOK', 1, 'ID', 'INTEGER', 10, 0, 'FALSE', null), ('LIBRARY', 'BOOK', 2, 'TITLE', 'NVARCHAR', 200, null, 'FALSE', 'As printed'),
  ('LIBRARY', 'BOOK', 3, 'AUTHOR_ID', 'INTEGER', 10, 0, 'TRUE', null), ('LIBRARY', 'BOOK', 4, 'ISBN', 'CHAR', 13, null, 'TRUE', null),
  ('LIBRARY', 'BOOK', 5, 'PRICE', 'DECIMAL', 8, 2, 'TRUE', null),
  ('LIBRARY', 'LOAN', 2, 'DAY', 'DATE', 10, 0, 'TRUE', null), ('LIBRARY', 'LOAN', 1, 'BOOK_ID', 'INTEGER', 10, 0, 'TRUE', null);
insert into sys.view_columns (schema_name, view_name, position, column_name, data_type_name, length, scale, is_nullable) values
  ('LIBRARY', 'CHEAP_BOOK', 1, 'ID', 'INTEGER', 10, 0, 'FALSE'), ('LIBRARY', 'CHEAP_BOOK', 2, 'TITLE', 'NVARCHAR', 200, null, 'FALSE');
insert into sys.constraints (schema_name, table_name, column_name, position, constraint_name, is_primary_key, is_unique_key) values
  ('LIBRARY', 'AUTHOR', 'ID', 1, '_SYS_TREE_CS_#1', 'TRUE', 'TRUE'), ('LIBRARY', 'BOOK', 'ID', 1, '_SYS_TREE_CS_#2', 'TRUE', 'TRUE'),
  ('LIBRARY', 'BOOK', 'ISBN', 1, '_SYS_TREE_CS_#3', 'FALSE', 'TRUE'), ('LIBRARY', 'BOOK', 'PRICE', 1, 'CHECK_1', 'FALSE', 'FALSE');
insert into sys.referential_constraints (schema_name, table_name, column_name, position, constraint_name, referenced_schema_name, referenced_table_name, referenced_column_name) values
  ('LIBRARY', 'BOOK', 'AUTHOR_ID', 1, '_SYS_CONSTRAINT_1', 'LIBRARY', 'AUTHOR', 'ID');
