-- V_CATALOG as Vertica documents it (https://docs.vertica.com/latest/en/sql-reference/system-tables/v-catalog-schema/),
-- with what the story would leave there; DuckDB runs this.
create schema v_catalog;
create table v_catalog.schemata (schema_id bigint, schema_name varchar, schema_owner_id bigint, schema_owner varchar, system_schema_creator varchar, create_time timestamp, is_system_schema boolean);
create table v_catalog.tables (table_schema_id bigint, table_schema varchar, table_id bigint, table_name varchar, owner_id bigint, owner_name varchar, is_temp_table boolean, is_system_table boolean, force_outer bigint, is_flextable boolean, partition_expression varchar, create_time timestamp, table_definition varchar);
create table v_catalog.views (table_schema_id bigint, table_schema varchar, table_id bigint, table_name varchar, owner_id bigint, owner_name varchar, view_definition varchar, is_system_view boolean, system_view_creator varchar, create_time timestamp);
create table v_catalog.columns (table_id bigint, table_schema varchar, table_name varchar, is_system_table boolean, column_id varchar, column_name varchar, data_type_id bigint, data_type varchar, data_type_length bigint, character_maximum_length bigint, numeric_precision bigint, numeric_scale bigint, datetime_precision bigint, interval_precision bigint, ordinal_position bigint, is_nullable boolean, column_default varchar);
create table v_catalog.view_columns (table_id bigint, table_schema varchar, table_name varchar, column_id varchar, column_name varchar, data_type_id bigint, data_type varchar, data_type_length bigint, character_maximum_length bigint, numeric_precision bigint, numeric_scale bigint, datetime_precision bigint, interval_precision bigint, ordinal_position bigint);
create table v_catalog.primary_keys (constraint_id bigint, constraint_name varchar, column_name varchar, ordinal_position bigint, table_name varchar, constraint_type varchar, is_enabled boolean, table_schema varchar);
create table v_catalog.foreign_keys (constraint_id bigint, constraint_name varchar, column_name varchar, ordinal_position bigint, table_name varchar, reference_table_name varchar, constraint_type varchar, reference_column_name varchar, table_schema varchar, reference_table_schema varchar);
create table v_catalog.constraint_columns (constraint_id bigint, table_schema varchar, table_id bigint, table_name varchar, column_name varchar, constraint_name varchar, constraint_type varchar, is_enabled boolean, reference_table_id bigint, reference_table_schema varchar, reference_table_name varchar, reference_column_name varchar);
create table v_catalog.comments (comment_id bigint, object_id bigint, object_type varchar, object_schema varchar, object_name varchar, owner_id bigint, owner_name varchar, creation_timestamp timestamp, comment varchar);
insert into v_catalog.schemata (schema_name, is_system_schema) values ('v_catalog', true), ('library', false);
insert into v_catalog.tables (table_schema, table_name, is_system_table) values ('library', 'author', false), ('library', 'book', false), ('library', 'loan', false);
insert into v_catalog.views (table_schema, table_name, view_definition, is_system_view) values ('library', 'cheap_book', 'SELECT book.id, book.title FROM library.book WHERE (book.price < 10::numeric(2,0))', false);
insert into v_catalog.columns (table_schema, table_name, ordinal_position, column_name, data_type, is_nullable) values
  ('library', 'author', 1, 'id', 'int', false), ('library', 'author', 2, 'name', 'varchar(80)', false),
  ('library', 'book', 1, 'id', 'int', false), ('library', 'book', 2, 'title', 'varchar(200)', false),
  ('library', 'book', 3, 'author_id', 'int', true), ('library', 'book', 4, 'isbn', 'char(13)', true),
  ('library', 'book', 5, 'price', 'numeric(8,2)', true),
  ('library', 'loan', 2, 'day', 'date', true), ('library', 'loan', 1, 'book_id', 'int', true);
insert into v_catalog.view_columns (table_schema, table_name, ordinal_position, column_name, data_type) values
  ('library', 'cheap_book', 1, 'id', 'int'), ('library', 'cheap_book', 2, 'title', 'varchar(200)');
insert into v_catalog.primary_keys (table_schema, table_name, constraint_name, column_name, ordinal_position, constraint_type) values
  ('library', 'author', 'C_PRIMARY', 'id', 1, 'p'), ('library', 'book', 'C_PRIMARY', 'id', 1, 'p');
insert into v_catalog.foreign_keys (table_schema, table_name, constraint_name, column_name, ordinal_position, reference_table_schema, reference_table_name, reference_column_name, constraint_type) values
  ('library', 'book', 'C_FOREIGN', 'author_id', 1, 'library', 'author', 'id', 'f');
insert into v_catalog.constraint_columns (table_schema, table_name, constraint_name, column_name, constraint_type) values
  ('library', 'book', 'C_PRIMARY', 'id', 'p'), ('library', 'book', 'C_UNIQUE', 'isbn', 'u'), ('library', 'book', 'C_NOTNULL', 'title', 'n');
insert into v_catalog.comments (object_type, object_schema, object_name, comment) values ('TABLE', 'library', 'book', 'All books');
