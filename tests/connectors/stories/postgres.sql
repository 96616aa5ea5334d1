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
create view library.cheap_book as select id, title from library.book where price < 10;
create table library.loan (book_id integer, day date) partition by range (day);
create function library.twice(n integer) returns integer language sql as 'select n * 2';
alter table library.book enable row level security;
create policy staff_only on library.book using (true);
