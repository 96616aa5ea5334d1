"""The library's story as files, written by the formats' own libraries."""

import io
import json

from ..aws import needed

pa, fastavro = needed("pyarrow"), needed("fastavro")
feather, orc, parquet = (needed(f"pyarrow.{each}") for each in ("feather", "orc", "parquet"))

BOOK = {
    "type": "record",
    "name": "book",
    "doc": "All books",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "title", "type": "string", "doc": "As printed"},
        {"name": "author_id", "type": "long"},
        {"name": "isbn", "type": ["null", "string"]},
        {
            "name": "price",
            "type": [
                "null",
                {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2},
            ],
        },
    ],
}
AUTHOR = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("name", pa.string())])


def as_parquet(data, **more):
    """A table of Arrow's, or the columns of one, as Parquet's own library writes it."""
    return _written(data, lambda given, file: parquet.write_table(given, file, **more))


def as_orc(data):
    return _written(data, orc.write_table)


def as_arrow(data):
    return _written(data, lambda given, file: feather.write_feather(given, file, "uncompressed"))


def as_lines(documents):
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


def _written(data, write):
    file = io.BytesIO()
    write(data if isinstance(data, pa.Table) else pa.table(data), file)
    return file.getvalue()


def as_avro(schema, *records):
    file = io.BytesIO()
    fastavro.writer(file, schema, records)
    return file.getvalue()


def library():
    """Files by their keys."""
    author = pa.table({"id": [1], "name": ["Ada"]}, schema=AUTHOR)
    days = {
        f"loan/day=2024-01-0{each}/part-0.orc": as_orc({"book_id": [each]}) for each in (1, 2, 3)
    }
    return {
        "author/part-00000.parquet": as_parquet(author),
        "author/part-00001.parquet": as_parquet(author),
        "author/_SUCCESS": b"",
        "book/part-0.avro": as_avro(BOOK, {"id": 1, "title": "Notes", "author_id": 1}),
        **days,
        "reviews.csv": b"book,stars,read on\n1,4,2024-01-01\n2,5.5,2024-02-01\n",
        "readers.jsonl": as_lines(
            [{"name": "Bo", "home": {"city": "Oslo"}, "tags": ["a"]}, {"name": "Cy", "age": 7}]
        ),
        "shelves.arrow": as_arrow({"place": ["a"], "books": [[1, 2]]}),
        "notes.txt": b"not a table",
    }


def lay(folder, files):
    """Put files into a folder of this machine."""
    for key, content in files.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
