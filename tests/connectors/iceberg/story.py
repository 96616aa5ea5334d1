"""Tables of Iceberg, made by pyiceberg, and the story in them."""

from importlib import import_module

from ..aws import needed

OWNED = {"owner": "ada"}


def field(number, name, kind="string", *, required=False, doc=None):
    types = import_module("pyiceberg.types")
    made = {
        "string": types.StringType,
        "long": types.LongType,
        "date": types.DateType,
        "timestamptz": types.TimestamptzType,
    }
    given = made[kind]() if isinstance(kind, str) else kind
    return types.NestedField(number, name, given, required=required, doc=doc)


def schema(*fields, key=()):
    return needed("pyiceberg.schema").Schema(*fields, identifier_field_ids=list(key))


def spec(*fields):
    partitioning = needed("pyiceberg.partitioning")
    parse = import_module("pyiceberg.transforms").parse_transform
    return partitioning.PartitionSpec(
        *(
            partitioning.PartitionField(source, 1000 + place, parse(transform), f"p{place}")
            for place, (source, transform) in enumerate(fields)
        )
    )


def catalogue(folder, name="story"):
    """A SQL catalogue in a file of SQLite."""
    sql = needed("pyiceberg.catalog.sql")
    folder.mkdir(parents=True, exist_ok=True)
    where = {"uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"file://{folder}"}
    files = {"py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO"}
    return sql.SqlCatalog(name, **where, **files)


def config(folder, name="story"):
    return {"catalog": {"name": name, "connection": {"sqlUri": f"sqlite:///{folder}/catalog.db"}}}


def tell(there):
    decimal = import_module("pyiceberg.types").DecimalType(8, 2)
    there.create_namespace("library", {"comment": "All of it", **OWNED})
    identity = field(1, "id", "long", required=True)
    author = schema(identity, field(2, "name", required=True), key=[1])
    there.create_table(("library", "author"), author)
    book = schema(
        identity,
        field(2, "title", required=True, doc="As printed"),
        field(3, "author_id", "long"),
        field(4, "isbn"),
        field(5, "price", decimal),
        key=[1],
    )
    there.create_table(("library", "book"), book, properties={"comment": "All books", **OWNED})
    loan = schema(field(1, "book_id", "long"), field(2, "day", "date"))
    there.create_table(("library", "loan"), loan, partition_spec=spec((2, "month")))
