create table author (id integer primary key, name varchar(80) not null);
create table book (
  id integer primary key,
  title varchar(200) not null,
  author_id integer references author (id),
  isbn char(13) unique,
  price numeric(8, 2)
);
create view cheap_book as select id, title from book where price < 10;
