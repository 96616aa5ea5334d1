"""What logs tell, held against the format's own reader; the shapes that logs have."""

import json
import pickle
import time

import pytest

from rayingest.connectors.database._deltalake.folder import Folder
from rayingest.connectors.database._deltalake.log import newest
from rayingest.connectors.database._deltalake.places import tables
from rayingest.connectors.database.deltalake import CONNECTOR
from rayingest.core import fqn
from rayingest.errors import Gone, Permanent, Retryable, TimedOut, Unreachable
from rayingest.model import EntityType
from rayingest.testing.probe import of, sort

from ..aws import needed
from .story import field, make

DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE


def names(probe, **changes):
    return [each.metadata["name"] for each in probe.descriptors(TABLE, **changes)]


def one(probe):
    (found,) = probe.entities(TABLE).values()
    return found


def log(root, name, *commits):
    """A log as another writer would leave it: one list of actions for each version."""
    folder = root / name / "_delta_log"
    folder.mkdir(parents=True)
    for version, actions in enumerate(commits):
        lines = "".join(json.dumps(each) + "\n" for each in actions)
        (folder / f"{version:020d}.json").write_text(lines)
    return folder


def metadata(*fields, **more):
    schema = json.dumps({"type": "struct", "fields": list(fields)})
    return {
        "metaData": {
            "id": "1",
            "format": {"provider": "parquet", "options": {}},
            "schemaString": schema,
            "partitionColumns": [],
            "configuration": {},
            **more,
        }
    }


def plain(name, kind="string", **more):
    return {"name": name, "type": kind, "nullable": True, "metadata": {}, **more}


def test_columns_of_every_type(lake):
    needed("deltalake")
    from deltalake.schema import ArrayType, MapType, PrimitiveType, StructType

    root, probe = lake
    inner = StructType([field("x", "integer", comment="inmost", nullable=False)])
    struct = StructType([field("a", comment="inner"), field("l", ArrayType(inner, True))])
    make(
        root / "t",
        field("id", "long", nullable=False, comment="who"),
        field("n", "decimal(8,2)"),
        *(field(each, each) for each in ("byte", "short", "float", "double", "boolean", "binary")),
        *(field(each, each) for each in ("date", "timestamp", "timestamp_ntz")),
        field("s", struct),
        field("m", MapType(PrimitiveType("string"), PrimitiveType("long"), True)),
        name="Things",
        description="All things",
        partition_by=["date", "short"],
    )
    table = one(probe)
    assert (table.display_name, table.description) == ("Things", "All things")
    assert table.location_path == str(root / "t")
    assert [each.column_name for each in table.partition] == ["date", "short"]
    assert [(c.name, c.data_type, c.data_type_display, c.constraint) for c in table.columns] == [
        ("id", "BIGINT", "bigint", "NOT_NULL"),
        ("n", "DECIMAL", "decimal(8,2)", "NULL"),
        ("byte", "TINYINT", "tinyint", "NULL"),
        ("short", "SMALLINT", "smallint", "NULL"),
        ("float", "FLOAT", "float", "NULL"),
        ("double", "DOUBLE", "double", "NULL"),
        ("boolean", "BOOLEAN", "boolean", "NULL"),
        ("binary", "BINARY", "binary", "NULL"),
        ("date", "DATE", "date", "NULL"),
        ("timestamp", "TIMESTAMP", "timestamp", "NULL"),
        ("timestamp_ntz", "TIMESTAMP", "timestamp_ntz", "NULL"),
        ("s", "STRUCT", "struct<`a`:string,`l`:array<struct<`x`:int>>>", "NULL"),
        ("m", "MAP", "map<string,bigint>", "NULL"),
    ]
    number, decimal, *_, struct, _ = table.columns
    assert (number.description, decimal.precision, decimal.scale) == ("who", 8, 2)
    a, items = struct.children
    assert (a.name, a.description, items.array_data_type) == ("a", "inner", "STRUCT")
    assert [(c.name, c.description, c.constraint) for c in items.children] == [
        ("x", "inmost", "NOT_NULL")
    ]


def test_the_newest_schema_is_told(lake):
    """After commits, a checkpoint, and commits behind it: always what the format's own reader says."""
    root, probe = lake
    table = make(root / "t", field("a"))

    def agree(*expected):
        theirs = needed("deltalake").DeltaTable(str(root / "t"))
        assert [each.name for each in theirs.schema().fields] == list(expected)
        assert [each.name for each in one(probe).columns] == list(expected)

    agree("a")
    table.alter.add_columns([field("b")])
    agree("a", "b")
    table.create_checkpoint()
    (root / "t/_delta_log" / f"{0:020d}.json").unlink()  # as clean-ups do
    agree("a", "b")
    table = needed("deltalake").DeltaTable(str(root / "t"))
    table.alter.add_columns([field("c")])
    agree("a", "b", "c")
    (root / "t/_delta_log/_last_checkpoint").unlink()
    agree("a", "b", "c")


def test_people_s_names_of_columns_that_are_mapped(lake):
    root, probe = lake
    mapped = {"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "col-5f42"}
    column = plain("nice name", metadata={**mapped, "comment": "kept"})
    log(root, "t", [metadata(column, configuration={"delta.columnMapping.mode": "name"})])
    (found,) = one(probe).columns
    assert (found.name, found.description) == ("nice name", "kept")


def test_features_that_nobody_knows_yet_are_no_obstacle(lake):
    root, probe = lake
    protocol = {"protocol": {"minReaderVersion": 9, "readerFeatures": ["fromTheFuture"]}}
    log(root, "t", [protocol, metadata(plain("v", "variant"), plain("w", "spacetime"))])
    kinds = [(each.name, each.data_type, each.data_type_display) for each in one(probe).columns]
    assert kinds == [("v", "VARIANT", "variant"), ("w", "UNKNOWN", "spacetime")]


def test_a_checksum_spares_the_commits(lake):
    root, probe = lake
    folder = log(root, "t", [metadata(plain("a"))], [{"commitInfo": {}}])
    told = {"metadata": metadata(plain("b"))["metaData"]}
    (folder / f"{1:020d}.crc").write_text(json.dumps(told))
    assert [each.name for each in one(probe).columns] == ["b"]
    for broken in ("{", "{}", '{"metadata": null}', "[]"):
        (folder / f"{1:020d}.crc").write_text(broken)
        assert [each.name for each in one(probe).columns] == ["a"]
    (folder / f"{1:020d}.crc").rename(folder / f"{0:020d}.crc")
    assert [each.name for each in one(probe).columns] == ["a"]


def test_a_checkpoint_in_json_and_one_in_parts(lake):
    root, probe = lake
    folder = log(root, "v2", [metadata(plain("old"))])
    newer = json.dumps(metadata(plain("new")))
    (folder / f"{3:020d}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json").write_text(newer)
    assert [each.name for each in one(probe).columns] == ["new"]

    table = make(root / "v2/x/../../parts", field("a"))
    table.create_checkpoint()
    log_of_parts = root / "parts/_delta_log"
    (whole,) = log_of_parts.glob("*.checkpoint.parquet")
    whole.rename(log_of_parts / f"{0:020d}.checkpoint.{2:010d}.{2:010d}.parquet")
    empty_part(log_of_parts / f"{0:020d}.checkpoint.{1:010d}.{2:010d}.parquet")
    found = probe.entities(TABLE)
    assert {each.name: [c.name for c in each.columns] for each in found.values()} == {
        "v2": ["new"],
        "parts": ["a"],
    }


def test_a_checkpoint_that_is_still_being_written(lake):
    """The part with the metadata is not there yet: commits before it have it."""
    root, probe = lake
    folder = log(root, "t", [metadata(plain("a"))], [{"commitInfo": {}}])
    empty_part(folder / f"{1:020d}.checkpoint.{1:010d}.{2:010d}.parquet")
    assert [each.name for each in one(probe).columns] == ["a"]


@pytest.mark.parametrize("note", ['{"version": 7}', '{"version": "x"}', "{", "{}", "[]"])
def test_a_note_of_the_last_checkpoint_that_is_wrong(lake, note):
    root, probe = lake
    folder = log(root, "t", [metadata(plain("a"))])
    (folder / "_last_checkpoint").write_text(note)
    assert [each.name for each in one(probe).columns] == ["a"]


def empty_part(path):
    """A part that has files alone."""
    arrow, parquet = needed("pyarrow"), needed("pyarrow.parquet")
    add = arrow.array([{"path": "x"}], arrow.struct([("path", arrow.string())]))
    parquet.write_table(arrow.table({"add": add}), path)


def test_tables_are_called_as_their_folders(lake):
    root, probe = lake
    for each in ("b/x", "a/x", "a/y", "z"):
        make(root / each, field("c"))
    found = {each.metadata["name"]: each.metadata["key"] for each in probe.descriptors(TABLE)}
    assert found == {"x": "a/x", "y": "a/y", "z": "z", "b/x": "b/x"}
    assert {each.name: each.location_path for each in probe.entities(TABLE).values()} == {
        name: str(root / path) for name, path in found.items()
    }


def test_what_is_below_a_table_or_hidden_is_not_looked_at(lake):
    root, probe = lake
    for each in ("a/t", "a/t/day=1/u", "_tmp/v", ".trash/w", "day=1/x"):
        make(root / each, field("c"))
    (root / "a/file.parquet").write_text("no folder")
    (root / "link").symlink_to(root / "a")
    assert names(probe) == ["t", "x"]


def test_a_prefix_and_a_root_that_is_a_table(lake):
    root, probe = lake
    make(root / "a/t", field("c"))
    make(root / "b/u", field("c"))
    config = probe.config["configSource"]
    assert names(probe, configSource={**config, "prefix": "/a/"}) == ["t"]
    assert names(probe, configSource={**config, "prefix": "a/t"}) == ["t"]
    with pytest.raises(Unreachable, match="none' is no folder"):
        names(probe, configSource={**config, "prefix": "none"})
    whole = {**config, "bucketName": str(root / "a/t")}
    (found,) = probe.descriptors(TABLE, configSource=whole)
    assert found.metadata["name"] == str(root / "a/t")


def test_hostile_names(lake):
    root, probe = lake
    hostile = [
        "a b",
        'a"b',
        "a'b",
        "a.b",
        "a::b",
        "select",
        "ünïcödé 🛒",
        "%41",
        "x=1",
        "#?",
        "[x]",
    ]
    for each in hostile:
        log(root, each, [metadata(plain(each))])
    found = probe.entities(TABLE)
    assert sorted(each.columns[0].name for each in found.values()) == sorted(hostile)
    probe.agree(TABLE)
    for each in of(probe.listing()):
        assert pickle.loads(pickle.dumps(each)) == each


def test_a_log_that_is_broken_costs_itself_alone(lake):
    root, probe = lake
    log(root, "good", [metadata(plain("a"))])
    log(root, "torn", [{"metaData": {}}])
    (root / "torn/_delta_log" / f"{0:020d}.json").write_text('{"metaData": {"schemaStri')
    log(root, "noschema", [{"metaData": {"id": "1"}}])
    log(root, "nothing", [{"commitInfo": {}}])
    log(root, "empty")
    checkpoint = log(root, "parquet") / f"{0:020d}.checkpoint.parquet"
    checkpoint.write_bytes(b"PAR1 is no parquet")
    with probe.open() as source:
        found, failed = sort(source.process_entities(probe.descriptors(TABLE)))
    assert [each.name for each in found.values()] == ["good"]
    kinds = {key.rpartition(".")[2]: type(error) for key, error in failed.items()}
    assert kinds == {
        "torn": Permanent,
        "noschema": Permanent,
        "nothing": Permanent,
        "empty": Gone,
        "parquet": Permanent,
    }


def test_a_table_that_is_dropped_is_gone(lake):
    root, probe = lake
    folder = log(root, "t", [metadata(plain("a"))])
    descriptors = probe.descriptors(TABLE)
    for each in (*folder.iterdir(), folder):
        each.unlink() if each.is_file() else each.rmdir()
    with probe.open() as source:
        _, failed = sort(source.process_entities(descriptors))
    assert [type(each) for each in failed.values()] == [Gone]


def test_a_log_that_is_cleaned_up_meanwhile_is_read_again(lake):
    class Cleaned:
        def names(self, after):
            return [f"{0:020d}.json"]

        def read(self, name):
            raise Gone(name)

    with pytest.raises(Retryable, match="cleaned up"):
        newest(Cleaned(), "t")


def test_a_folder_that_may_not_be_read_ends_the_listing(lake, monkeypatch):
    """A shorter list would delete what is in it. Root may read everything: a loop of links stands for it."""
    root, probe = lake
    log(root, "a/t", [metadata(plain("a"))])
    (root / "b").mkdir()
    (root / "b/_delta_log").symlink_to("_delta_log")
    with pytest.raises(Exception) as caught, probe.open() as source:  # noqa: PT011
        list(source.discover_entities(TABLE, fqn.join("svc", "default", str(root))))
    assert not isinstance(caught.value, Gone)


def test_a_listing_that_is_cancelled_ends(lake):
    root, _ = lake
    place = Folder(str(root), "")
    found = tables(place, "", "")
    place.cancel()
    with pytest.raises(TimedOut):
        list(found)


def test_a_table_costs_less_than_a_millisecond(lake):
    """Of this machine; 0.2 ms when it was measured. Half of the budget is for a slow one."""
    root, probe = lake
    for each in range(100):
        log(root, f"t{each}", [metadata(*(plain(f"c{i}") for i in range(10)))])
    descriptors = probe.descriptors(TABLE)
    with probe.open() as source:
        start = time.process_time()
        found, _ = sort(source.process_entities(descriptors))
        spent = time.process_time() - start
    assert len(found) == 100
    assert spent / 100 < 0.001


def test_the_connector_pickles():
    assert pickle.loads(pickle.dumps(CONNECTOR)).service_type == "DeltaLake"
