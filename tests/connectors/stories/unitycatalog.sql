create table author (id integer primary key, name varchar not null);
drop table book;
create table book (
  id integer primary key,
  title varchar not null,
  author_id integer references author (id),
  isbn varchar unique,
  price decimal(8, 2)
);
create view cheap_book as select id, title from book where price < 10;
