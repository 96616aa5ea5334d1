"""The library, as each of them would tell it."""

TYPES = {
    "doris": ("int", "varchar(200)", "char(13)", "decimal(8, 2)", "date"),
    "starrocks": ("int(11)", "varchar(200)", "char(13)", "decimal(8, 2)", "date"),
    "singlestore": ("int(11)", "varchar(200)", "char(13)", "decimal(8,2)", "date"),
    "tidb": ("int(11)", "varchar(200)", "char(13)", "decimal(8,2)", "date"),
}
CHEAP = (
    "select `library`.`book`.`id` as `id`, `library`.`book`.`title` as `title` from `library`.`book`"
    " where `library`.`book`.`price` < 10"
)


def table(server, schema, name, *columns, kind="BASE TABLE", **more):
    """A relation; a column is its name, its type, whether it may be null, its key and its comment."""
    server.add("tables", table_schema=schema, table_name=name, table_type=kind, **more)
    for place, (column, form, *rest) in enumerate(columns, 1):
        nullable, key, comment = (*rest, *("YES", "", "")[len(rest) :])
        server.add(
            "columns",
            table_schema=schema,
            table_name=name,
            column_name=column,
            ordinal_position=place,
            column_type=form,
            is_nullable=nullable,
            column_key=key,
            column_comment=comment,
        )


def key(server, name, constraint, column, *refers):
    target = dict(zip(("schema", "table", "column"), refers, strict=True)) if refers else {}
    names = {"schema": "table_schema", "table": "table_name", "column": "column_name"}
    server.add(
        "key_column_usage",
        table_schema="library",
        table_name=name,
        constraint_name=constraint,
        column_name=column,
        ordinal_position=1,
        **{f"referenced_{names[each]}": value for each, value in target.items()},
    )


def tell(server):
    number, text, isbn, price, day = TYPES[server.name]
    mark = {"doris": "UNI", "starrocks": "PRI"}.get(server.name, "PRI")
    isbn_mark = "" if server.has.by_bytes else "UNI"
    flags = {"create_options": "partitioned"} if server.name == "tidb" else {}
    server.add("schemata", schema_name="library")
    table(server, "library", "author", ("id", number, "NO", mark), ("name", "varchar(80)", "NO"))
    table(
        server,
        "library",
        "book",
        ("id", number, "NO", mark),
        ("title", text, "NO", "", "As printed"),
        ("author_id", number),
        ("isbn", isbn, "YES", isbn_mark),
        ("price", price),
        table_comment="All books",
    )
    table(server, "library", "cheap_book", ("id", number), ("title", text), kind="VIEW")
    server.add("views", table_schema="library", table_name="cheap_book", view_definition=CHEAP)
    table(server, "library", "loan", ("book_id", number), ("day", day), **flags)
    if server.name in {"singlestore", "tidb"}:
        key(server, "author", "PRIMARY", "id")
        key(server, "book", "PRIMARY", "id")
        key(server, "book", "isbn", "isbn")
    if server.name == "tidb":
        key(server, "book", "fk", "author_id", "library", "author", "id")
    _partitions(server)
    if server.name == "singlestore":
        _twice(server)


def _partitions(server):
    if server.name == "starrocks":
        server.add(
            "tables_config", table_schema="library", table_name="loan", partition_key="`day`"
        )
        server.add("tables_config", table_schema="library", table_name="book", partition_key="")
    elif server.name != "singlestore":
        loan = {"partition_method": "RANGE", "partition_expression": "`day`"}
        for place in (1, 2):
            server.add(
                "partitions",
                table_schema="library",
                table_name="loan",
                partition_ordinal_position=place,
                **loan,
            )
        server.add(
            "partitions",
            table_schema="library",
            table_name="book",
            partition_ordinal_position=1,
            partition_method="UNPARTITIONED",
            partition_expression="",
        )


def _twice(server):
    server.add(
        "routines",
        specific_name="twice",
        routine_schema="library",
        routine_name="twice",
        routine_type="FUNCTION",
        dtd_identifier="int(11) NULL",
        routine_definition="AS BEGIN RETURN n * 2; END",
        external_language="",
        is_deterministic="NO",
        sql_data_access="",
        security_type="DEFINER",
        routine_comment="",
    )
    server.add(
        "parameters",
        specific_schema="library",
        specific_name="twice",
        ordinal_position=1,
        parameter_mode="IN",
        parameter_name="n",
        dtd_identifier="int(11) NULL",
        routine_type="FUNCTION",
    )
