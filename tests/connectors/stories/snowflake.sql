create database if not exists shop;
create schema shop.library;
create table shop.library.author (id integer primary key, name varchar(80) not null);
create table shop.library.book (
  id integer primary key,
  title varchar(200) not null,
  author_id integer references shop.library.author (id),
  isbn varchar(13) unique,
  price number(8, 2)
) comment = 'All books';
comment on column shop.library.book.title is 'As printed';
create view shop.library.cheap_book as select id, title from shop.library.book where price < 10;
create table shop.library.loan (book_id integer, day date) cluster by (day);
