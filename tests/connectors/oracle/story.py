"""The story as Oracle's dictionary would hold it after these statements.

create user library;
create table library.author (id number(10) primary key, name varchar2(80) not null);
create table library.book (
  id number(10) primary key,
  title varchar2(200 char) not null,
  author_id number(10) references library.author,
  isbn char(13) unique,
  price number(8, 2)
);
comment on table library.book is 'All books';
comment on column library.book.title is 'As printed';
create view library.cheap_book as select id, title from library.book where price < 10;
create table library.loan (book_id number(10), day date)
  partition by range (day) interval (numtoyminterval(1, 'MONTH')) (partition p0 values less than (date '2026-01-01'));
create function library.twice(n number) return number is begin return n * 2; end;
"""

OWNER = "LIBRARY"
MUST = {"nullable": "N"}


def tell(dictionary):
    dictionary.user("SYS", oracles=True)
    dictionary.table("SYS", "DUAL", ("DUMMY", "VARCHAR2(1)"))
    dictionary.user(OWNER)
    dictionary.table(OWNER, "AUTHOR", ("ID", "NUMBER(10)", MUST), ("NAME", "VARCHAR2(80)", MUST))
    author = dictionary.key(OWNER, "AUTHOR", "P", "ID")
    dictionary.table(
        OWNER,
        "BOOK",
        ("ID", "NUMBER(10)", MUST),
        ("TITLE", "VARCHAR2(200 CHAR)", {**MUST, "comment": "As printed"}),
        ("AUTHOR_ID", "NUMBER(10)"),
        ("ISBN", "CHAR(13)"),
        ("PRICE", "NUMBER(8,2)"),
        comment="All books",
    )
    dictionary.key(OWNER, "BOOK", "P", "ID")
    dictionary.key(OWNER, "BOOK", "U", "ISBN")
    dictionary.key(OWNER, "BOOK", "R", "AUTHOR_ID", refers=author)
    dictionary.key(OWNER, "BOOK", "C", "TITLE")  # not null is a constraint, too
    dictionary.view(
        OWNER,
        "CHEAP_BOOK",
        "select id, title from library.book where price < 10",
        ("ID", "NUMBER(10)", MUST),
        ("TITLE", "VARCHAR2(200 CHAR)", MUST),
    )
    dictionary.table(OWNER, "LOAN", ("BOOK_ID", "NUMBER(10)"), ("DAY", "DATE"), partitioned="YES")
    dictionary.partition(OWNER, "LOAN", "RANGE", "DAY", interval="NUMTOYMINTERVAL(1,'MONTH')")
    dictionary.routine(
        OWNER,
        "TWICE",
        "FUNCTION",
        "function twice(n number) return number is\nbegin\n  return n * 2;\nend;\n",
    )
