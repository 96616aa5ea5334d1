create database library comment 'A library';
create table library.author (id int not null, name string not null) stored as parquet;
create table library.book (
  id int not null,
  title string not null comment 'As printed',
  author_id int,
  isbn varchar(13),
  price decimal(8, 2)
) comment 'All books' stored as parquet;
create table library.loan (book_id int) partitioned by (day date comment 'Of return') stored as orc;
create view library.cheap_book as select id, title from library.book where price < 10;
