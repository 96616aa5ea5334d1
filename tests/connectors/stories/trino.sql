create schema shop.library;
create table shop.library.author (id integer not null, name varchar(80) not null);
create table shop.library.book (
  id integer not null,
  title varchar(200) not null comment 'As printed',
  author_id integer,
  isbn varchar(13),
  price decimal(8, 2)
) comment 'All books' with (format = 'ORC');
create view shop.library.cheap_book as select id, title from shop.library.book where price < 10;
create table shop.library.loan (book_id integer, day date) with (partitioned_by = ARRAY['day']);
