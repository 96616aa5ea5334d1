create schema library;
create table library.author (id integer primary key, name varchar(80) not null);
create table library.book (
  id integer primary key,
  title varchar(200) not null,
  author_id integer references library.author (id),
  isbn char(13) unique,
  price numeric(8, 2)
);
comment on table library.book is 'All books';
comment on column library.book.title is 'As printed';
select pg_shim.style('library.author', 8);
select pg_shim.style('library.book', 1);
select pg_shim.column('library.book', 'author_id', true, 2, 2);
select pg_shim.column('library.book', 'title', false, 1, 1);
create view library.cheap_book as select id, title from library.book where price < 10;
create function library.twice(integer) returns integer language sql as 'select $1 * 2';
comment on database story is 'The library';
