create schema library;
create table library.author (id integer primary key, name varchar not null);
create table library.book (
  id integer primary key,
  title varchar not null,
  author_id integer references library.author (id),
  isbn varchar unique,
  price decimal(8, 2)
);
comment on table library.book is 'All books';
comment on column library.book.title is 'As printed';
create view library.cheap_book as select id, title from library.book where price < 10;
