create database library;
create table library.author (id Int32, name String) engine = MergeTree order by id;
create table library.book (
  id Int32,
  title String,
  author_id Nullable(Int32),
  isbn Nullable(FixedString(13)),
  price Nullable(Decimal(8, 2))
) engine = MergeTree order by id;
alter table library.book comment column title 'As printed';
create view library.cheap_book as select id, title from library.book where price < 10;
create table library.loan (book_id Int32, day Date) engine = MergeTree partition by day order by book_id;
