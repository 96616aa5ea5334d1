create database library;
create table library.author (id int primary key, name varchar(80) not null);
create table library.book (
  id int primary key,
  title varchar(200) not null comment 'As printed',
  author_id int,
  isbn char(13) unique,
  price decimal(8, 2),
  foreign key (author_id) references library.author (id)
) comment = 'All books';
create view library.cheap_book as select id, title from library.book where price < 10;
create table library.loan (book_id int, day int) partition by range (day) (partition p0 values less than (100));
create function library.twice(n int) returns int deterministic return n * 2;
