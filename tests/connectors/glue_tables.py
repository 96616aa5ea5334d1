"""Tables in Glue's catalogue, as those who write there describe them."""

import base64
import json

SCHEMA = "library"


def columns(*given):
    """`name type` or `name type: comment`; a type that ends in `!` is required, as Iceberg says it."""
    found = []
    for each in given:
        name, _, rest = each.partition(" ")
        kind, _, comment = rest.partition("; ")
        required = kind.endswith("!")
        column = {"Name": name, "Type": kind.removesuffix("!")}
        if comment:
            column["Comment"] = comment
        if required:
            column["Parameters"] = {"iceberg.field.optional": "false"}
        found.append(column)
    return found


def presto(sql, *names):
    """A view's text as Athena and Trino write it."""
    told = {
        "originalSql": sql,
        "catalog": "awsdatacatalog",
        "schema": SCHEMA,
        "columns": [{"name": each, "type": "varchar"} for each in names],
    }
    return f"/* Presto View: {base64.b64encode(json.dumps(told).encode()).decode()} */"


def table(name, *given, **more):
    storage = {"Columns": columns(*given), "Location": f"s3://warehouse/{name}"}
    return {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage} | more


def view(name, sql, *given):
    text = {
        "ViewOriginalText": presto(sql, *given),
        "ViewExpandedText": "/* Presto View */",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
    }
    return table(name, *given) | {"TableType": "VIRTUAL_VIEW"} | text


def tell(client):
    """The library."""
    client.create_database(DatabaseInput={"Name": SCHEMA, "Description": "A library"})
    iceberg = {"Parameters": {"table_type": "ICEBERG"}, "Owner": "librarian"}
    for each in (
        table("author", "id int!", "name string!", **iceberg),
        table(
            "book",
            *("id int!", "title string!; As printed", "author_id int"),
            *("isbn varchar(13)", "price decimal(8,2)"),
            Description="All books",
            **iceberg,
        ),
        table("loan", "book_id int", PartitionKeys=columns("day date")),
        view("cheap_book", "SELECT id, title FROM book WHERE price < 10", "id int", "title string"),
    ):
        client.create_table(DatabaseName=SCHEMA, TableInput=each)
