"""What is read of a file, and how little: columns of every kind of file, with what their types are made of."""

import bz2
import decimal
import gzip
import io
import json
import uuid
import zipfile

import pytest

from rayingest.connectors.database._datalake.pieces import Malformed, Pieces
from rayingest.connectors.database._datalake.reading import schema

from .story import as_arrow, as_avro, as_lines, as_orc, as_parquet, pa

TYPES = {
    "flag": (pa.bool_(), "BOOLEAN"),
    "tiny": (pa.int8(), "TINYINT"),
    "small": (pa.int16(), "SMALLINT"),
    "whole": (pa.int32(), "INT"),
    "big": (pa.int64(), "BIGINT"),
    "half": (pa.float32(), "FLOAT"),
    "real": (pa.float64(), "DOUBLE"),
    "text": (pa.string(), "STRING"),
    "raw": (pa.binary(), "BYTES"),
    "day": (pa.date32(), "DATE"),
    "at": (pa.timestamp("us"), "TIMESTAMP"),
    "money": (pa.decimal128(9, 2), "DECIMAL"),
    "map": (pa.map_(pa.string(), pa.int64()), "MAP"),
    "list": (pa.list_(pa.struct([("sku", pa.string())])), "ARRAY"),
    "home": (pa.struct([("city", pa.string()), ("at", pa.struct([("x", pa.int64())]))]), "STRUCT"),
}
OTHERS = {
    "zoned": (pa.timestamp("us", "UTC"), "TIMESTAMPZ"),
    "time": (pa.time64("us"), "TIME"),
    "fixed": (pa.binary(4), "BINARY"),
    "unsigned": (pa.uint64(), "LARGEINT"),
    "word": (pa.dictionary(pa.int32(), pa.string()), "STRING"),
    "large": (pa.large_string(), "STRING"),
}


class Asked:
    """A file in memory, and what was asked of it."""

    def __init__(self, data):
        self.data, self.pieces = data, []

    def __call__(self, start, length):
        self.pieces.append((start, length))
        return self.data[start : start + length]


def read(name, data):
    asked = Asked(data)
    return schema(name, Pieces(asked, len(data))), asked.pieces


def shapes(columns):
    return [(each.name, each.data_type, each.data_type_display) for each in columns]


def empty(types):
    return pa.schema([(name, kind) for name, (kind, _) in types.items()]).empty_table()


@pytest.mark.parametrize(
    ("name", "write", "types"),
    [
        ("a.parquet", as_parquet, TYPES | OTHERS),
        ("a.pq", as_parquet, TYPES),
        ("a.orc", as_orc, TYPES),
        ("a.arrow", as_arrow, TYPES | OTHERS),
        ("a.feather", as_arrow, TYPES),
    ],
)
def test_types_of_files_that_declare_them(name, write, types):
    (found, _), (asked, pieces) = read(name, write(empty(types))), read(name, write(empty(types)))
    assert found == asked
    assert len(pieces) == 1
    of_name = {each.name: each for each in found.columns}
    assert {name: each.data_type for name, each in of_name.items()} == {
        name: kind for name, (_, kind) in types.items()
    }
    assert [each.name for each in of_name["home"].children] == ["city", "at"]
    assert [each.name for each in of_name["home"].children[1].children] == ["x"]
    assert of_name["list"].array_data_type == "STRUCT"
    assert [each.name for each in of_name["list"].children] == ["sku"]
    assert (of_name["money"].precision, of_name["money"].scale) == (9, 2)


@pytest.mark.parametrize(
    ("name", "write"), [("a.parquet", as_parquet), ("a.orc", as_orc), ("a.arrow", as_arrow)]
)
def test_of_a_big_file_the_end_is_read_by_one_request_or_two(name, write):
    data = write(pa.table({"a": pa.array([str(uuid.uuid4()) for _ in range(40_000)])}))
    found, pieces = read(name, data)
    assert len(data) > 1_000_000
    assert shapes(found.columns) == [("a", "STRING", "string")]
    assert len(pieces) <= 2
    assert sum(length for _, length in pieces) <= 70_000


def test_a_footer_longer_than_one_piece_takes_another():
    data = as_parquet({f"a_long_name_of_a_column_{each}": [1] for each in range(3000)})
    found, pieces = read("a.parquet", data)
    assert (len(found.columns), len(pieces)) == (3000, 2)


def test_comments_of_spark_and_what_may_be_empty():
    told = {
        "type": "struct",
        "fields": [{"name": "a", "type": "long", "metadata": {"comment": "As is"}}],
    }
    given = pa.schema(
        [
            pa.field("a", pa.int64(), nullable=False),
            pa.field("b", pa.int64()),
            ("__index_level_0__", pa.int64()),
        ],
        {"org.apache.spark.sql.parquet.row.metadata": json.dumps(told)},
    )
    found, _ = read("a.parquet", as_parquet(given.empty_table()))
    assert [(each.name, each.description, each.constraint) for each in found.columns] == [
        ("a", "As is", "NOT_NULL"),
        ("b", None, "NULL"),
    ]


AVRO = {
    "type": "record",
    "name": "shop.Order",
    "doc": "What was bought",
    "fields": [
        {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}, "doc": "When"},
        {
            "name": "price",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 1},
        },
        {"name": "mood", "type": {"type": "enum", "name": "Mood", "symbols": ["GOOD"]}},
        {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 16}},
        {"name": "odd", "type": ["null", "int", "string"]},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "by", "type": {"type": "map", "values": "long"}},
        {
            "name": "home",
            "type": [
                "null",
                {"type": "record", "name": "Place", "fields": [{"name": "city", "type": "string"}]},
            ],
        },
        {"name": "work", "type": "Place"},
        {"name": "then", "type": ["null", "Order"]},
    ],
}


def test_an_avro_header_says_all():
    found, pieces = read("a.avro", as_avro(AVRO))
    assert found.comment == "What was bought"
    assert shapes(found.columns) == [
        ("id", "UUID", "uuid"),
        ("at", "TIMESTAMPZ", "timestamp-micros"),
        ("price", "DECIMAL", "decimal(5,1)"),
        ("mood", "ENUM", "enum Mood"),
        ("hash", "BINARY", "fixed Hash"),
        ("odd", "UNION", "int | string"),
        ("tags", "ARRAY", "array<string>"),
        ("by", "MAP", "map<long>"),
        ("home", "STRUCT", "record Place"),
        ("work", "STRUCT", "record Place"),
        ("then", "STRUCT", "record Order"),
    ]
    assert [each.constraint for each in found.columns][4:6] == ["NOT_NULL", "NULL"]
    assert [[each.name for each in column.children] for column in found.columns[8:]] == [
        ["city"],
        ["city"],
        [],
    ]
    assert found.columns[1].description == "When"
    assert len(pieces) == 1


def test_records_in_records_end():
    node = {
        "type": "record",
        "name": "N",
        "fields": [{"name": each, "type": ["null", "N"]} for each in "abcdefgh"],
    }
    found, _ = read("a.avro", as_avro(node))
    assert [each.children for each in found.columns] == [()] * 8


def test_a_long_avro_header_is_read_on():
    many = {
        "type": "record",
        "name": "R",
        "fields": [{"name": f"column_{each}", "type": "long"} for each in range(3000)],
    }
    found, pieces = read("a.avro", as_avro(many))
    assert (len(found.columns), len(pieces)) == (3000, 2)


def test_csv_is_read_by_its_first_lines():
    text = b'id,"the name",at,price,sure,nothing,id\n1,"a, ""b""\nc",2024-01-01T10:00:00,1.5,true,,x\n2,c,2024-01-02T10:00:00,2,false,,y\n'
    found, pieces = read("a.csv", text)
    assert [each[:2] for each in shapes(found.columns)] == [
        ("id", "BIGINT"),
        ("the name", "STRING"),
        ("at", "TIMESTAMP"),
        ("price", "DOUBLE"),
        ("sure", "BOOLEAN"),
        ("nothing", "STRING"),
        ("id_7", "STRING"),
    ]
    assert pieces == [(0, len(text))]


@pytest.mark.parametrize(
    "text",
    [
        b"a;b\n1;x\n",
        b"a|b\r\n1|x\r\n",
        b"\xef\xbb\xbfa,b\n1,x\n",
        "a,b\n1,ü\n".encode("latin-1"),
        "a,b\n1,x\n".encode("utf-16"),
        b"a,b\n1,x\nbroken\n2,y,z\n",
        b"a,b\n1,x",
    ],
)
def test_csv_of_many_hands(text):
    found, _ = read("a.csv", text)
    assert [each[:2] for each in shapes(found.columns)] == [("a", "BIGINT"), ("b", "STRING")]


def test_tabs_and_a_header_alone():
    assert [each.name for each in read("a.tsv", b"a\tb,c\n")[0].columns] == ["a", "b,c"]
    assert shapes(read("a.csv", b"a,b")[0].columns) == [
        ("a", "STRING", "string"),
        ("b", "STRING", "string"),
    ]


def test_of_a_long_text_only_the_beginning_is_read():
    rows = b"".join(b'%d,"text of row %d"\n' % (each, each) for each in range(100_000))
    found, pieces = read("a.csv", b"a,b\n" + rows)
    assert [each[:2] for each in shapes(found.columns)] == [("a", "BIGINT"), ("b", "STRING")]
    assert pieces == [(0, 65536)]
    wide, pieces = read("a.csv", b",".join(b"c%d" % each for each in range(20_000)) + b"\n1\n")
    assert (len(wide.columns), len(pieces)) == (20_000, 2)


DOCUMENTS = [
    {"id": 1, "price": 1, "home": {"city": "Oslo"}, "lines": [{"sku": "a"}], "odd": 1, "no": None},
    {"id": 2, "price": 1.5, "home": {"zip": "1"}, "lines": [], "odd": "x", "sure": True},
]
EXPECTED = [
    ("id", "BIGINT", "integer"),
    ("price", "DOUBLE", "number"),
    ("home", "STRUCT", "object"),
    ("lines", "ARRAY", "array<object>"),
    ("odd", "UNION", "integer | string"),
    ("no", "NULL", "null"),
    ("sure", "BOOLEAN", "boolean"),
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", as_lines(DOCUMENTS)),
        ("a.json", json.dumps(DOCUMENTS, indent=2).encode()),
        ("a.ndjson", b"\xef\xbb\xbf" + as_lines(DOCUMENTS).strip()),
    ],
)
def test_json_in_lines_and_in_arrays_is_the_same(name, text):
    found, _ = read(name, text)
    assert shapes(found.columns) == EXPECTED
    assert [each.name for each in found.columns[2].children] == ["city", "zip"]
    assert [each.name for each in found.columns[3].children] == ["sku"]


def test_one_document_over_many_lines_and_values_that_are_none():
    assert [
        each.name for each in read("a.json", json.dumps(DOCUMENTS[0], indent=1).encode())[0].columns
    ] == [
        *("id", "price", "home", "lines", "odd", "no"),
    ]
    assert shapes(read("a.json", b"[1, 2]")[0].columns) == [("value", "BIGINT", "integer")]
    assert read("a.json", b"[]")[0].columns == ()


def test_a_broken_line_hides_none_before_it():
    found, _ = read("a.jsonl", as_lines([{"a": 1}, {"b": 1}]) + b'{"c": \n')
    assert [each.name for each in found.columns] == ["a", "b"]


def test_of_a_long_array_only_the_beginning_is_read():
    found, pieces = read("a.json", json.dumps(DOCUMENTS * 5000).encode())
    assert shapes(found.columns) == EXPECTED
    assert pieces == [(0, 65536)]
    far = json.dumps({"a": "x" * 100_000, "b": 1}).encode()
    found, pieces = read("a.json", far)
    assert ([each.name for each in found.columns], len(pieces)) == (["a", "b"], 2)


def zipped(data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.json", data)
    return file.getvalue()


def zstd(data):
    return bytes(pa.compress(data, "zstd"))


@pytest.mark.parametrize(
    ("ending", "pack"),
    [("gz", gzip.compress), ("bz2", bz2.compress), ("zst", zstd), ("zip", zipped)],
)
def test_packed_text_is_unpacked_as_far_as_it_was_read(ending, pack):
    noise = [{**each, "noise": str(uuid.uuid4())} for each in DOCUMENTS * 8000]
    for documents in (noise, noise[:2]):
        found, pieces = read(f"a.json.{ending}", pack(as_lines(documents)))
        assert shapes(found.columns)[:7] == [*EXPECTED[:6], ("noise", "STRING", "string")]
        assert sum(length for _, length in pieces) <= 1_200_000


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (as_parquet({"a": [1]}), "a"),
        (as_orc({"a": [1]}), "a"),
        (as_lines([{"a": 1}]), "a"),
        (gzip.compress(as_lines([{"a": 1}])), "a"),
        (b"a,b\n1,2\n", "a"),
    ],
    ids=["parquet", "orc", "json", "gzip", "csv"],  # bytes may hold the time of day
)
def test_a_part_without_an_ending_is_known_by_its_first_bytes(content, name):
    assert read("run-1-part-r-00000", content)[0].columns[0].name == name


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.parquet", b"no parquet"),
        ("a.orc", b"no orc"),
        ("a.arrow", b"no arrow"),
        ("a.avro", b"no avro"),
        ("a.avro", b"Obj\x01\x02"),
        ("a.json", b"{no json"),
        ("a.json.gz", b"no gzip"),
        ("a.json.zst", b"no zstd"),
        ("a.json.zip", b"no zip"),
        ("a.csv", b"\n\n"),
        ("a.csv", b'"' + b"x" * 200_000),
        ("part-00000", b"\x00\x01\x02"),
        ("a.parquet", as_parquet({"a": [1]})[:-20]),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_told(name, content):
    with pytest.raises(Malformed):
        read(name, content)


def test_decimals_are_written_and_read():
    assert shapes(read("a.parquet", as_parquet({"a": [decimal.Decimal("1.25")]}))[0].columns) == [
        ("a", "DECIMAL", "decimal128(3, 2)")
    ]
