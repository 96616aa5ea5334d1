-- SYSCAT as Db2 documents it (https://www.ibm.com/docs/en/db2/11.5?topic=views-road-map-catalog),
-- with what the story would leave there; DuckDB runs this.
create schema syscat;
create table syscat.schemata (schemaname varchar, owner varchar, ownertype varchar, definer varchar, definertype varchar, create_time timestamp, remarks varchar);
create table syscat.tables (tabschema varchar, tabname varchar, owner varchar, ownertype varchar, type varchar, status varchar, base_tabschema varchar, base_tabname varchar, create_time timestamp, colcount smallint, tableid smallint, property varchar, remarks varchar);
create table syscat.columns (tabschema varchar, tabname varchar, colname varchar, colno smallint, typeschema varchar, typename varchar, length integer, scale smallint, typestringunits varchar, stringunitslength integer, "default" varchar, nulls varchar, codepage smallint, keyseq smallint, remarks varchar);
create table syscat.tabconst (constname varchar, tabschema varchar, tabname varchar, owner varchar, ownertype varchar, type varchar, enforced varchar, remarks varchar);
create table syscat.keycoluse (constname varchar, tabschema varchar, tabname varchar, colname varchar, colseq smallint);
create table syscat."references" (constname varchar, tabschema varchar, tabname varchar, owner varchar, ownertype varchar, refkeyname varchar, reftabschema varchar, reftabname varchar, colcount smallint, deleterule varchar, updaterule varchar);
create table syscat.views (viewschema varchar, viewname varchar, owner varchar, ownertype varchar, seqno smallint, viewcheck varchar, readonly varchar, valid varchar, qualifier varchar, func_path varchar, text varchar);
insert into syscat.schemata (schemaname) values ('SYSCAT'), ('NULLID  '), ('LIBRARY ');
insert into syscat.tables (tabschema, tabname, type, remarks) values ('LIBRARY', 'AUTHOR', 'T', null), ('LIBRARY', 'BOOK', 'T', 'All books'), ('LIBRARY', 'LOAN', 'T', null), ('LIBRARY', 'CHEAP_BOOK', 'V', null), ('LIBRARY', 'WRITER', 'A', null);
insert into syscat.views (viewschema, viewname, text) values ('LIBRARY', 'CHEAP_BOOK', 'CREATE VIEW library.cheap_book AS SELECT id, title FROM library.book WHERE price < 10');
insert into syscat.columns (tabschema, tabname, colno, colname, typename, length, scale, codepage, nulls, remarks) values
  ('LIBRARY', 'AUTHOR', 0, 'ID', 'INTEGER', 4, 0, 0, 'N', null), ('LIBRARY', 'AUTHOR', 1, 'NAME', 'VARCHAR', 80, 0, 1208, 'N', null),
  ('LIBRARY', 'BOOK', 0, 'ID', 'INTEGER', 4, 0, 0, 'N', null), ('LIBRARY', 'BOOK', 1, 'TITLE', 'VARCHAR', 200, 0, 1208, 'N', 'As printed'),
  ('LIBRARY', 'BOOK', 2, 'AUTHOR_ID', 'INTEGER', 4, 0, 0, 'Y', null), ('LIBRARY', 'BOOK', 3, 'ISBN', 'CHARACTER', 13, 0, 1208, 'Y', null),
  ('LIBRARY', 'BOOK', 4, 'PRICE', 'DECIMAL', 8, 2, 0, 'Y', null),
  ('LIBRARY', 'LOAN', 1, 'DAY', 'DATE', 4, 0, 0, 'Y', null), ('LIBRARY', 'LOAN', 0, 'BOOK_ID', 'INTEGER', 4, 0, 0, 'Y', null),
  ('LIBRARY', 'CHEAP_BOOK', 0, 'ID', 'INTEGER', 4, 0, 0, 'N', null), ('LIBRARY', 'CHEAP_BOOK', 1, 'TITLE', 'VARCHAR', 200, 0, 1208, 'N', null);
insert into syscat.tabconst (constname, tabschema, tabname, type) values
  ('SQL1', 'LIBRARY', 'AUTHOR', 'P'), ('SQL2', 'LIBRARY', 'BOOK', 'P'), ('SQL3', 'LIBRARY', 'BOOK', 'U'), ('SQL4', 'LIBRARY', 'BOOK', 'F'), ('SQL5', 'LIBRARY', 'BOOK', 'K');
insert into syscat.keycoluse (constname, tabschema, tabname, colname, colseq) values
  ('SQL1', 'LIBRARY', 'AUTHOR', 'ID', 1), ('SQL2', 'LIBRARY', 'BOOK', 'ID', 1), ('SQL3', 'LIBRARY', 'BOOK', 'ISBN', 1), ('SQL4', 'LIBRARY', 'BOOK', 'AUTHOR_ID', 1);
insert into syscat."references" (constname, tabschema, tabname, refkeyname, reftabschema, reftabname) values
  ('SQL4', 'LIBRARY', 'BOOK', 'SQL1', 'LIBRARY', 'AUTHOR');
