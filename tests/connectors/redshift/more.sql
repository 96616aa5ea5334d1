-- Beside the story: what only Redshift has.
create view library.late_book as select id, title, price from library.book;
select pg_shim.said('library.late_book',
  'create view library.late_book as select id, title, price from library.book with no schema binding', true);
create table library.mv_tbl__dear_book__0 (id integer, title varchar(200));
create view library.dear_book as select id, title from library.mv_tbl__dear_book__0;
select pg_shim.said('library.dear_book',
  'create materialized view library.dear_book as select id, title from library.book where price > 100', false);
create table library.event (
  id bigint not null default "identity"(100123, 0, '1,1'::text),
  day date not null, seen timestamptz, body super, place geometry, visitors hllsketch
);
select pg_shim.style('library.event', 9);
select pg_shim.column('library.event', 'day', false, 1, 0);
select pg_shim.column('library.event', 'id', false, -2, 2);
create procedure library.forget(book integer, out gone integer) language plpgsql as 'begin gone := 1; end';
select pg_shim.external('lake', 1);
insert into pg_shim.external_column values
  ('lake', 'loan', 'TABLE', 'book_id', 'int', 1, 0, 'true'),
  ('lake', 'loan', 'TABLE', 'reader', 'struct<name:varchar(20),tags:array<string>>', 2, 0, ''),
  ('lake', 'loan', 'TABLE', 'day', 'date', 3, 1, 'false');
