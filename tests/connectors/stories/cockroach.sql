create schema library;
create table library.author (id bigint primary key, name varchar(80) not null);
create table library.book (
  id bigint primary key,
  title varchar(200) not null,
  author_id bigint references library.author (id),
  isbn char(13) unique,
  price numeric(8, 2)
);
comment on table library.book is 'All books';
comment on column library.book.title is 'As printed';
create view library.cheap_book as select id, title from library.book where price < 10;
create table library.loan (book_id bigint, day date, rowid bigint not null, constraint loan_pkey primary key (rowid));
