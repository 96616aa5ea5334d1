create schema library;
create table library.author (id int64 not null, name string not null);
create table library.book (
  id int64 not null,
  title string not null options (description = 'As printed'),
  author_id int64,
  isbn string,
  price numeric(8, 2)
) options (description = 'All books');
create view library.cheap_book as select id, title from library.book where price < 10;
create table library.loan (book_id int64, day date) partition by day;
create function library.twice(n int64) returns int64 as (n * 2);
