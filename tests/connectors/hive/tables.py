"""The metastore's tables as Hive 3 lays them out, with the columns that are read, and the library in them.

Facts of https://github.com/apache/hive, standalone-metastore/metastore-server/src/main/sql; PostgreSQL's and MySQL's
differ in nothing that matters here but quotes.
"""

TABLES = {
    "DBS": "DB_ID bigint, NAME varchar(128), DESC varchar(4000), CTLG_NAME varchar(256)",
    "TBLS": "TBL_ID bigint, DB_ID bigint, SD_ID bigint, TBL_NAME varchar(256), TBL_TYPE varchar(128),"
    " OWNER varchar(767), VIEW_EXPANDED_TEXT text, VIEW_ORIGINAL_TEXT text",
    "SDS": "SD_ID bigint, CD_ID bigint, LOCATION varchar(4000)",
    "COLUMNS_V2": "CD_ID bigint, COLUMN_NAME varchar(767), TYPE_NAME text, COMMENT varchar(4000),"
    " INTEGER_IDX integer",
    "PARTITION_KEYS": "TBL_ID bigint, PKEY_NAME varchar(128), PKEY_TYPE varchar(767),"
    " PKEY_COMMENT varchar(4000), INTEGER_IDX bigint",
    "TABLE_PARAMS": "TBL_ID bigint, PARAM_KEY varchar(256), PARAM_VALUE text",
    "BUCKETING_COLS": "SD_ID bigint, BUCKET_COL_NAME varchar(256), INTEGER_IDX bigint",
    "SORT_COLS": "SD_ID bigint, COLUMN_NAME varchar(767), INTEGER_IDX bigint",
    "KEY_CONSTRAINTS": "CHILD_CD_ID bigint, CHILD_INTEGER_IDX bigint, CHILD_TBL_ID bigint,"
    " PARENT_CD_ID bigint, PARENT_INTEGER_IDX bigint, PARENT_TBL_ID bigint, POSITION bigint,"
    " CONSTRAINT_NAME varchar(400), CONSTRAINT_TYPE smallint",
}
PRIMARY, FOREIGN, UNIQUE, REQUIRED = range(4)


def layout(quote, *, without=()):
    """Statements that make the tables; `without` names columns, or whole tables, of later versions."""
    for table, columns in TABLES.items():
        if table in without:
            continue
        parts = (each.strip().split(" ", 1) for each in columns.split(","))
        kept = [f"{quote}{name}{quote} {kind}" for name, kind in parts if name not in without]
        yield f"create table {quote}{table}{quote} ({', '.join(kept)})"


class Metastore:
    """Fills the tables through `run(statement, parameters)`."""

    def __init__(self, run, quote, *, catalogues=True):
        self._run, self._quote, self._catalogues = run, quote, catalogues
        self._next = 0
        self.ids = {}

    def _add(self, table, **values):
        quote = self._quote
        names = ", ".join(f"{quote}{each}{quote}" for each in values)
        marks = ", ".join(["%s"] * len(values))
        place = f"{quote}{table}{quote}"
        statement = f"insert into {place} ({names}) values ({marks})"  # noqa: S608 - our own names
        self._run(statement, [*values.values()])

    def _number(self):
        self._next += 1
        return self._next

    def database(self, name, comment=None, catalogue="hive"):
        number = self._number()
        more = {"CTLG_NAME": catalogue} if self._catalogues else {}
        self._add("DBS", DB_ID=number, NAME=name, DESC=comment, **more)
        return number

    def table(self, database, name, *columns, kind="MANAGED_TABLE", parted=(), texts=(None, None), buckets=(),
              sorted_by=(), **parameters):  # fmt: skip
        """Columns are `name`, `type` and perhaps a comment."""
        number = self._number()
        location = None if kind == "VIRTUAL_VIEW" else f"hdfs://warehouse/{name}"
        self._add("SDS", SD_ID=number, CD_ID=number, LOCATION=location)
        self._add(
            "TBLS", TBL_ID=number, DB_ID=database, SD_ID=number, TBL_NAME=name, TBL_TYPE=kind,
            OWNER="librarian", VIEW_EXPANDED_TEXT=texts[0], VIEW_ORIGINAL_TEXT=texts[1],
        )  # fmt: skip
        for place, (column, type_, *comment) in enumerate(columns):
            self._add(
                "COLUMNS_V2", CD_ID=number, COLUMN_NAME=column, TYPE_NAME=type_,
                COMMENT=comment[0] if comment else None, INTEGER_IDX=place,
            )  # fmt: skip
        for place, (column, type_, *comment) in enumerate(parted):
            self._add(
                "PARTITION_KEYS", TBL_ID=number, PKEY_NAME=column, PKEY_TYPE=type_,
                PKEY_COMMENT=comment[0] if comment else None, INTEGER_IDX=place,
            )  # fmt: skip
        for place, column in enumerate(buckets):
            self._add("BUCKETING_COLS", SD_ID=number, BUCKET_COL_NAME=column, INTEGER_IDX=place)
        for place, column in enumerate(sorted_by):
            self._add("SORT_COLS", SD_ID=number, COLUMN_NAME=column, INTEGER_IDX=place)
        for key, value in parameters.items():
            self._add("TABLE_PARAMS", TBL_ID=number, PARAM_KEY=key, PARAM_VALUE=value)
        return number

    def key(self, kind, name, table, *places, of=None):
        """A constraint on columns by their places; `of` is a foreign key's child with its places."""
        for position, place in enumerate(places, 1):
            child = {}
            if of:
                child = {
                    "CHILD_TBL_ID": of[0],
                    "CHILD_CD_ID": of[0],
                    "CHILD_INTEGER_IDX": of[position],
                }
            self._add(
                "KEY_CONSTRAINTS", CONSTRAINT_TYPE=kind, CONSTRAINT_NAME=name, PARENT_TBL_ID=table,
                PARENT_CD_ID=table, PARENT_INTEGER_IDX=place, POSITION=position, **child,
            )  # fmt: skip


def library(store, *, keys=True):
    """The story, as Hive would have stored it."""
    place = store.database("library", "A library")
    author = store.table(place, "author", ("id", "int"), ("name", "string"))
    book = store.table(
        place, "book", ("id", "int"), ("title", "string", "As printed"), ("author_id", "int"),
        ("isbn", "varchar(13)"), ("price", "decimal(8,2)"), comment="All books",
    )  # fmt: skip
    store.table(place, "loan", ("book_id", "int"), parted=[("day", "date", "Of return")])
    store.table(
        place, "cheap_book", ("id", "int"), ("title", "string"), kind="VIRTUAL_VIEW",
        texts=(
            "select `book`.`id`, `book`.`title` from `library`.`book` where `book`.`price` < 10",
            "select id, title from book where price < 10",
        ),
    )  # fmt: skip
    if keys:
        store.key(PRIMARY, "pk_author", author, 0)
        store.key(PRIMARY, "pk_book", book, 0)
        store.key(UNIQUE, "uk_isbn", book, 3)
        store.key(FOREIGN, "fk_author", author, 0, of=(book, 2))
        store.key(REQUIRED, "nn_title", book, 1)
        store.key(REQUIRED, "nn_name", author, 1)
