"""Tables of Delta, made by the format's own writer in Rust, and the story in them."""

import importlib

from ..aws import needed

UNSAFE = {"aws_s3_allow_unsafe_rename": "true"}  # nobody else writes


def field(name, kind="string", *, nullable=True, comment=None):
    types = importlib.import_module("deltalake.schema")
    given = types.PrimitiveType(kind) if isinstance(kind, str) else kind
    return types.Field(
        name, given, nullable=nullable, metadata={"comment": comment} if comment else {}
    )


def make(uri, *fields, options=None, **more):
    """A table with its first commit; no data is written."""
    delta = needed("deltalake")
    schema = delta.Schema(list(fields))
    return delta.DeltaTable.create(
        str(uri), schema, storage_options={**options, **UNSAFE} if options else None, **more
    )


def tell(root, options=None):
    number = {"kind": "long", "nullable": False}
    make(f"{root}/author", field("id", **number), field("name", nullable=False), options=options)
    make(
        f"{root}/shop/book",
        field("id", **number),
        field("title", nullable=False, comment="As printed"),
        field("author_id", "long"),
        field("isbn"),
        field("price", "decimal(8,2)"),
        description="All books",
        options=options,
    )
    make(
        f"{root}/shop/loan",
        field("book_id", "long"),
        field("day", "date"),
        partition_by=["day"],
        options=options,
    )
