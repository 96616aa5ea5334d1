"""What metadata tells, by a SQL catalogue: types, keys, partitions, namespaces, names, and what goes wrong."""

import pickle
from importlib import import_module
from pathlib import Path

import pytest

from rayingest.connectors.database._iceberg.session import Session
from rayingest.connectors.database._iceberg.tables import columns, partitions
from rayingest.connectors.database.iceberg import CONNECTOR
from rayingest.core.source import ScopeListed
from rayingest.errors import ConfigError, Gone, Permanent, TimedOut, Unreachable
from rayingest.model import EntityType, TableType
from rayingest.testing.probe import Probe, of, sort

from .story import catalogue, config, field, schema, spec, tell

DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE
HOSTILE = ["a b", 'a"b', "a'b", "select", "ünïcödé 🛒", "%s", "a::b", "[x]", "-", "a/b"]


def make(made, fields, name="t", space="s", **more):
    made.create_namespace_if_not_exists(space)
    return made.create_table((space, name), schema(*fields), **more)


def one(probe, **changes):
    (found,) = probe.entities(TABLE, **changes).values()
    return found


def test_columns_of_every_type(made, probe):
    types = import_module("pyiceberg.types")
    inner = types.StructType(field(20, "x", "long", required=True, doc="inmost"))
    struct = types.StructType(
        field(11, "a", doc="inner"), field(12, "l", types.ListType(21, inner, False))
    )
    kinds = {
        "b": types.BooleanType(),
        "i": types.IntegerType(),
        "l": types.LongType(),
        "f": types.FloatType(),
        "d": types.DoubleType(),
        "n": types.DecimalType(8, 2),
        "day": types.DateType(),
        "t": types.TimeType(),
        "ts": types.TimestampType(),
        "tz": types.TimestamptzType(),
        "s": types.StringType(),
        "u": types.UUIDType(),
        "x": types.FixedType(16),
        "y": types.BinaryType(),
        "o": struct,
        "m": types.MapType(30, types.StringType(), 31, types.LongType(), False),
    }
    fields = [field(40 + at, name, kind) for at, (name, kind) in enumerate(kinds.items())]
    make(made, fields)
    told = {each.name: each for each in one(probe).columns}
    assert {each.name: (each.data_type, each.data_type_display) for each in told.values()} == {
        "b": ("BOOLEAN", "boolean"),
        "i": ("INT", "int"),
        "l": ("BIGINT", "long"),
        "f": ("FLOAT", "float"),
        "d": ("DOUBLE", "double"),
        "n": ("DECIMAL", "decimal(8, 2)"),
        "day": ("DATE", "date"),
        "t": ("TIME", "time"),
        "ts": ("TIMESTAMP", "timestamp"),
        "tz": ("TIMESTAMPZ", "timestamptz"),
        "s": ("STRING", "string"),
        "u": ("UUID", "uuid"),
        "x": ("BINARY", "fixed[16]"),
        "y": ("BINARY", "binary"),
        "o": ("STRUCT", "struct<a: string, l: list<struct<x: long>>>"),
        "m": ("MAP", "map<string, long>"),
    }
    assert (told["n"].precision, told["n"].scale, told["x"].data_length) == (8, 2, 16)
    a, items = told["o"].children
    assert (a.description, items.array_data_type) == ("inner", "STRUCT")
    assert [(c.name, c.description, c.constraint) for c in items.children] == [
        ("x", "inmost", "NOT_NULL")
    ]


def test_newer_types_are_told_as_they_are_called():
    """pyiceberg reads these, and writes no table with them yet."""
    types = import_module("pyiceberg.types")
    newer = {
        "ns": types.TimestampNanoType(),
        "nz": types.TimestamptzNanoType(),
        "un": types.UnknownType(),
    }
    fields = [field(at, *each) for at, each in enumerate(newer.items(), 1)]
    assert [(each.data_type, each.data_type_display) for each in columns(fields)] == [
        ("TIMESTAMP", "timestamp_ns"),
        ("TIMESTAMPZ", "timestamptz_ns"),
        ("NULL", "unknown"),
    ]


def test_identifier_fields_are_the_primary_key(made, probe):
    fields = [field(1, "a", "long", required=True), field(2, "b", "long", required=True)]
    made.create_namespace("s")
    made.create_table(("s", "one"), schema(*fields, key=[2]))
    made.create_table(("s", "two"), schema(*fields, key=[1, 2]))
    found = probe.entities(TABLE)
    assert [c.constraint for c in found["svc.default.s.one"].columns] == ["NOT_NULL", "PRIMARY_KEY"]
    (key,) = found["svc.default.s.two"].constraints
    assert (key.constraint_type, sorted(key.columns)) == ("PRIMARY_KEY", ["a", "b"])


def test_partitions_with_their_transforms(made, probe):
    types = import_module("pyiceberg.types")
    struct = types.StructType(field(10, "ts", "timestamptz"))
    fields = [
        *(field(1, "id", "long"), field(2, "ts", "timestamptz"), field(3, "name")),
        field(4, "inside", struct),
    ]
    parts = [(2, "day"), (1, "bucket[16]"), (3, "truncate[4]"), (3, "identity"), (10, "hour")]
    # A table gives its columns new numbers, and finds them by name.
    make(made, fields, partition_spec=spec(*parts))
    told = [(e.column_name, e.interval_type, e.interval) for e in one(probe).partition]
    assert told == [
        ("ts", "TIME-UNIT", "DAY"),
        ("id", "OTHER", "bucket[16]"),
        ("name", "OTHER", "truncate[4]"),
        ("name", "COLUMN-VALUE", None),
        ("inside", "OTHER", "hour(inside.ts)"),
    ]


def test_the_current_schema_and_partitions_are_told(made, probe):
    table = make(made, [field(1, "a"), field(2, "day", "date")], partition_spec=spec((2, "day")))
    with table.update_schema() as update:
        update.add_column("b", import_module("pyiceberg.types").LongType(), doc="new")
        update.rename_column("a", "first")
    with table.update_spec() as update:
        update.remove_field("p0")
    found = one(probe)
    assert [(each.name, each.description) for each in found.columns] == [
        ("first", None),
        ("day", None),
        ("b", "new"),
    ]
    assert found.partition == ()


def test_properties_tell_comments_and_owners(made, probe):
    tell(made)
    wanted = {"options": {"includeOwners": True}}
    book = probe.entities(TABLE, **wanted)["svc.default.library.book"]
    assert (book.description, [each.name for each in book.owners]) == ("All books", ["ada"])
    assert book.table_type is TableType.ICEBERG
    assert book.location_path.endswith("library/book")
    (library,) = probe.entities(SCHEMA, **wanted).values()
    assert (library.description, [each.name for each in library.owners]) == ("All of it", ["ada"])
    assert not probe.entities(TABLE)["svc.default.library.book"].owners
    other = probe.entities(TABLE, **wanted, ownershipProperty="comment")
    assert [each.name for each in other["svc.default.library.book"].owners] == ["All books"]


def test_namespaces_in_each_other(made, probe):
    for each in (("a",), ("a", "b"), ("a", "b", "c"), ("d",)):
        made.create_namespace(each)
        made.create_table((*each, "t"), schema(field(1, "x")))
    assert [each.metadata["name"] for each in probe.descriptors(SCHEMA)] == [
        "a",
        "a.b",
        "a.b.c",
        "d",
    ]
    assert sorted(probe.entities(TABLE)) == [
        'svc.default."a.b".t',
        'svc.default."a.b.c".t',
        "svc.default.a.t",
        "svc.default.d.t",
    ]
    ends = [
        each for each in probe.listing() if isinstance(each, ScopeListed) and each.type is TABLE
    ]
    assert all(each.count == 1 and each.complete for each in ends)
    probe.agree(TABLE)
    probe.agree(SCHEMA)


def test_a_partition_that_was_dropped_from_a_first_version_is_none():
    """There it leaves its place, so that the others keep theirs."""
    partitioning = import_module("pyiceberg.partitioning")
    transforms = import_module("pyiceberg.transforms")
    told = partitioning.PartitionSpec(
        partitioning.PartitionField(1, 1000, transforms.VoidTransform(), "dropped"),
        partitioning.PartitionField(2, 1001, transforms.IdentityTransform(), "kept"),
    )
    found = partitions(told, schema(field(1, "dropped"), field(2, "kept")))
    assert [each.column_name for each in found] == ["kept"]


def answers(made, monkeypatch, namespaces):
    """Have a catalogue of `a` and `b` answer so when it is asked what is below a namespace."""
    for each in "ab":
        made.create_namespace(each)
    kind = import_module("pyiceberg.catalog.sql").SqlCatalog
    monkeypatch.setattr(kind, "list_namespaces", lambda self, of=(): namespaces(of))


def test_a_catalogue_that_always_tells_its_top(made, probe, monkeypatch):
    asked = []

    def top(of):
        asked.append(of)
        assert len(asked) < 10, "it does not end"
        return [("a",), ("b",)]

    answers(made, monkeypatch, top)
    assert [each.metadata["name"] for each in probe.descriptors(SCHEMA)] == ["a", "b"]


def test_a_namespace_that_is_dropped_while_it_is_listed(made, probe, monkeypatch):
    errors = import_module("pyiceberg.exceptions")

    def dropped(of):
        if of == ("a",):
            raise errors.NoSuchNamespaceError("no a")
        return () if of else [("a",), ("b",)]

    answers(made, monkeypatch, dropped)
    assert [each.metadata["name"] for each in probe.descriptors(SCHEMA)] == ["a", "b"]


def test_hostile_names(made, probe):
    made.create_namespace("s")
    for at, each in enumerate(HOSTILE):
        made.create_table(
            ("s", each), schema(field(1, each)), location=f"{made.properties['warehouse']}/t{at}"
        )
    found = probe.entities(TABLE)
    assert sorted(each.columns[0].name for each in found.values()) == sorted(HOSTILE)
    probe.agree(TABLE)
    for each in of(probe.listing()):
        assert pickle.loads(pickle.dumps(each)) == each


def test_a_table_that_is_dropped_is_gone_and_a_file_that_is_missing_is_not(made, probe):
    for each in "abc":
        make(made, [field(1, "x")], name=each)
    descriptors = probe.descriptors(TABLE)
    made.drop_table(("s", "a"))
    Path(made.load_table(("s", "b")).metadata_location.removeprefix("file://")).unlink()
    with probe.open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert [each.name for each in found.values()] == ["c"]
    assert isinstance(failed["svc.default.s.a"], Gone)
    assert isinstance(failed["svc.default.s.b"], Permanent)
    assert "fileSystem" in failed["svc.default.s.b"].hint


def test_metadata_that_is_broken_costs_itself_alone(made, probe):
    for each in "ab":
        make(made, [field(1, "x")], name=each)
    path = Path(made.load_table(("s", "a")).metadata_location.removeprefix("file://"))
    path.write_text('{"format-version": 99}')
    with probe.open() as source:
        found, failed = sort(source.process_entities(probe.descriptors(TABLE)))
    assert [each.name for each in found.values()] == ["b"]
    assert isinstance(failed["svc.default.s.a"], Permanent)


def test_calls_for_each_table(made, probe):
    for each in range(20):
        make(made, [field(1, "x")], name=f"t{each}")
    with probe.open() as source:
        listed = of(source.discover_entities(TABLE, "svc.default.s"))
        assert (len(listed), source.calls) == (20, 2)  # one opens the catalogue
        sort(source.process_entities(listed))
        assert source.calls == 2 + 2 * 20  # the catalogue, and a file


def test_filters_and_wishes(made, probe):
    tell(made)
    names = [each.metadata["name"] for each in probe.descriptors(TABLE)]
    assert names == ["author", "book", "loan"]
    kept = {"tableFilterPattern": {"includes": ["b.*"]}}
    assert [e.metadata["name"] for e in probe.descriptors(TABLE, filters=kept)] == ["book"]
    assert probe.descriptors(TABLE, options={"includeTables": False}) == []


def test_a_database_that_is_none_of_icebergs(tmp_path, probe):
    with pytest.raises(Unreachable, match="does not exist"):
        Probe(CONNECTOR, config(tmp_path / "no")).open().__enter__()
    assert not (tmp_path / "no").exists()
    (tmp_path / "catalog.db").write_bytes(b"")
    with pytest.raises(ConfigError) as caught:
        Probe(CONNECTOR, config(tmp_path)).listing()
    assert "SQL catalogue" in caught.value.hint
    assert (tmp_path / "catalog.db").read_bytes() == b""  # nothing was made


def test_another_name_is_another_catalogue(made, tmp_path):
    tell(made)
    other = Probe(CONNECTOR, config(tmp_path / "warehouse", name="other"))
    assert other.descriptors(TABLE) == []
    lines = {each.capability: each for each in CONNECTOR.check(other.settings())}
    assert lines["schemas"].status == "warning"
    assert "catalog.name" in lines["schemas"].grant


def test_check_tells_what_works(made, probe):
    tell(made)
    lines = {each.capability: each for each in CONNECTOR.check(probe.settings())}
    assert {each.status for each in lines.values()} == {"ok"}
    assert "library.author" in lines["columns"].why


def test_a_session_that_is_cancelled_asks_no_more(made, probe):
    tell(made)
    session = Session(probe.settings())
    session.cancel()
    with pytest.raises(TimedOut):
        session.children(())
    session.close()


@pytest.mark.parametrize("uri", ["sqlite", "no-such-dialect://x", "oracle://u:canary@h/d"])
def test_a_url_that_is_none(uri):
    connection = {"sqlUri": uri}
    asked = Probe(CONNECTOR, {"catalog": {"name": "c", "connection": connection}})
    with pytest.raises(ConfigError) as caught:
        asked.open().__enter__()
    assert "canary" not in str(caught.value)


def test_the_connector_pickles(tmp_path):
    assert pickle.loads(pickle.dumps(CONNECTOR)).service_type == "CustomDatabase"
    assert catalogue(tmp_path / "x").name == "story"
