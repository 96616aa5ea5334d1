-- DBC as Teradata documents it (https://docs.teradata.com/r/Enterprise_IntelliFlex_VMware/Data-Dictionary),
-- with what the story would leave there; DuckDB runs this.
create schema dbc;
create table dbc.databasesv (databasename varchar, creatorname varchar, ownername varchar, accountname varchar, protectiontype varchar, journalflag varchar, permspace bigint, spoolspace bigint, tempspace bigint, commentstring varchar, createtimestamp timestamp, lastaltername varchar, lastaltertimestamp timestamp, dbkind varchar, accesscount bigint, lastaccesstimestamp timestamp);
create table dbc.tablesv (databasename varchar, tablename varchar, version integer, tablekind varchar, protectiontype varchar, journalflag varchar, creatorname varchar, requesttext varchar, commentstring varchar, parentcount integer, childcount integer, namedtblcheckcount integer, unnamedtblcheckexist varchar, primarykeyindexid integer, createtimestamp timestamp, requesttxtoverflow varchar);
create table dbc.columnsv (databasename varchar, tablename varchar, columnname varchar, columnformat varchar, columntitle varchar, spparametertype varchar, columntype varchar, columnudtname varchar, columnlength integer, defaultvalue varchar, nullable varchar, commentstring varchar, decimaltotaldigits smallint, decimalfractionaldigits smallint, columnid smallint, uppercaseflag varchar, compressible varchar, chartype smallint);
create table dbc.indicesv (databasename varchar, tablename varchar, indexnumber smallint, indextype varchar, uniqueflag varchar, indexname varchar, columnname varchar, columnposition smallint, creatorname varchar, uniqueorpk varchar);
create table dbc.all_ri_childrenv (indexid smallint, indexname varchar, childdb varchar, childtable varchar, childkeycolumn varchar, parentdb varchar, parenttable varchar, parentkeycolumn varchar, inconsistencyflag varchar, creatorname varchar, createtimestamp timestamp);
create table dbc.tabletextv (databasename varchar, tablename varchar, tablekind varchar, requesttext varchar, lineno smallint);
insert into dbc.databasesv (databasename, dbkind) values ('DBC', 'U'), ('library', 'D'), ('somebody', 'U');
insert into dbc.tablesv (databasename, tablename, tablekind, commentstring) values ('library', 'author', 'T', null), ('library', 'book', 'T', 'All books'), ('library', 'loan', 'O', null), ('library', 'cheap_book', 'V', null), ('library', 'lend', 'P', null);
insert into dbc.tabletextv (databasename, tablename, tablekind, requesttext, lineno) values
  ('library', 'cheap_book', 'V', 'FROM library.book WHERE price < 10', 2), ('library', 'cheap_book', 'V', 'REPLACE VIEW library.cheap_book AS LOCKING ROW FOR ACCESS SELECT id, title ', 1);
insert into dbc.columnsv (databasename, tablename, columnid, columnname, columntype, columnlength, decimaltotaldigits, decimalfractionaldigits, chartype, nullable, commentstring) values
  ('library', 'author', 1025, 'id', 'I ', 4, null, null, 0, 'N', null), ('library', 'author', 1026, 'name', 'CV', 160, null, null, 2, 'N', null),
  ('library', 'book', 1025, 'id', 'I ', 4, null, null, 0, 'N', null), ('library', 'book', 1026, 'title', 'CV', 400, null, null, 2, 'N', 'As printed'),
  ('library', 'book', 1027, 'author_id', 'I ', 4, null, null, 0, 'Y', null), ('library', 'book', 1028, 'isbn', 'CF', 13, null, null, 1, 'Y', null),
  ('library', 'book', 1029, 'price', 'D ', 4, 8, 2, 0, 'Y', null),
  ('library', 'loan', 1026, 'day', 'DA', 4, null, null, 0, 'Y', null), ('library', 'loan', 1025, 'book_id', 'I ', 4, null, null, 0, 'Y', null),
  ('library', 'cheap_book', 1025, 'id', null, null, null, null, null, null, null), ('library', 'cheap_book', 1026, 'title', null, null, null, null, null, null, null);
insert into dbc.indicesv (databasename, tablename, indexnumber, indextype, uniqueflag, columnname, columnposition) values
  ('library', 'author', 1, 'K', 'Y', 'id', 1), ('library', 'book', 1, 'K', 'Y', 'id', 1), ('library', 'book', 4, 'U', 'Y', 'isbn', 1), ('library', 'book', 8, 'S', 'N', 'title', 1);
insert into dbc.all_ri_childrenv (indexid, indexname, childdb, childtable, childkeycolumn, parentdb, parenttable, parentkeycolumn) values
  (0, null, 'library', 'book', 'author_id', 'library', 'author', 'id');
