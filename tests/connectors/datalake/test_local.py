"""Files of this machine: what arrives, what a user is told, and what a table costs."""

import contextlib
import os
import pickle
import tempfile
import time
from pathlib import Path

import pytest

from rayingest.connectors.database.datalake import CONNECTOR
from rayingest.core import fqn, registry
from rayingest.core.source import ScopeListed
from rayingest.errors import ConfigError, Denied, Gone, Permanent, TimedOut
from rayingest.model import EntityType
from rayingest.testing.probe import Probe, of, sort, walk

from .story import as_avro, as_lines, as_orc, as_parquet, lay, library

DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE
CSV = b"a,b\n1,x\n"


def names(found):
    return sorted(each.name for each in found.values())


def test_a_library_of_files_of_every_kind(local, lake):
    probe = local(library())
    tables = {each.name: each for each in probe.entities(TABLE).values()}
    assert sorted(tables) == [
        "author",
        "book",
        "loan",
        "readers.jsonl",
        "reviews.csv",
        "shelves.arrow",
    ]
    loan = tables["loan"]
    assert [(each.name, each.data_type, each.ordinal_position) for each in loan.columns] == [
        ("book_id", "BIGINT", 1),
        ("day", "DATE", 2),
    ]
    assert (loan.table_type, [each.column_name for each in loan.partition]) == (
        "Partitioned",
        ["day"],
    )
    assert (loan.location_path, loan.fqn) == (
        f"{lake}/loan",
        fqn.join("svc", "default", str(lake), "loan"),
    )
    assert list(probe.entities(DATABASE)) == ["svc.default"]
    for kind in (DATABASE, SCHEMA, TABLE):
        probe.agree(kind)


def test_a_migrated_name_is_the_files_key(local, lake):
    """What OpenMetadata calls a table that is one file: service, database, bucket, key."""
    (found,) = local({"a/b/c.parquet": as_parquet({"a": [1]})}, databaseName="shop").entities(TABLE)
    assert found == fqn.join("svc", "shop", str(lake), "a/b/c.parquet")


def test_a_partition_that_the_file_has_as_well_is_one_column(local):
    probe = local({"t/Day=2024-01-01/n=7/s=x/0.parquet": as_parquet({"day": [1], "a": [1]})})
    (found,) = probe.entities(TABLE).values()
    assert [(each.name, each.data_type) for each in found.columns] == [
        *(("day", "BIGINT"), ("a", "BIGINT"), ("n", "BIGINT"), ("s", "STRING")),
    ]


def test_nasty_names(local):
    nasty = [
        "a.b.csv",
        'q"uote.csv',
        "ü n/ö.csv",
        "x::y.csv",
        "select.csv",
        "UP.csv",
        "up.csv",
        "new\nline.csv",
    ]
    probe = local(dict.fromkeys(nasty, CSV))
    assert names(probe.entities(TABLE)) == sorted(nasty)
    probe.agree(TABLE)


def test_a_name_that_is_not_unicode_costs_itself_alone(local, lake, caplog):
    probe = local({"a.csv": CSV})
    with open(os.fsencode(lake) + b"/\xff.csv", "wb") as file:  # noqa: PTH123 - a path of bytes
        file.write(CSV)
    assert names(probe.entities(TABLE)) == ["a.csv"]
    assert "not UTF-8" in caplog.text


def test_prefix_and_filters(local):
    files = dict.fromkeys(("a/x.csv", "a/y.csv", "ab/z.csv", "b/x.csv"), CSV)
    assert names(local(files, prefix="a").entities(TABLE)) == ["a/x.csv", "a/y.csv", "ab/z.csv"]
    assert names(local(files, prefix="a/").entities(TABLE)) == ["a/x.csv", "a/y.csv"]
    kept = local(files).descriptors(TABLE, filters={"tableFilterPattern": {"excludes": ["^a"]}})
    assert [each.metadata["name"] for each in kept] == ["b/x.csv"]
    with local(prefix="a/").open() as source:
        list(walk(source))
        assert source.calls == 2  # the folder, and `a`


def test_one_file_that_is_broken_costs_its_table_alone(local, lake):
    probe = local({"good.csv": CSV, "bad.parquet": b"no parquet", "gone.csv": CSV})
    descriptors = probe.descriptors(TABLE)
    (lake / "gone.csv").unlink()
    with probe.open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert names(found) == ["good.csv"]
    by_name = {fqn.split(name)[-1]: error for name, error in failed.items()}
    assert type(by_name["gone.csv"]) is Gone
    assert type(by_name["bad.parquet"]) is Permanent
    assert "bad.parquet: It is no parquet file" in str(by_name["bad.parquet"])
    assert "tableFilterPattern" in by_name["bad.parquet"].hint


def test_a_file_that_was_written_anew_is_read_as_it_is_now(local):
    probe = local({"a.parquet": as_parquet({"a": [1]})})
    descriptors = probe.descriptors(TABLE)
    local({"a.parquet": as_parquet({f"now{each}": [1] for each in range(50)})})
    with probe.open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert not failed
    assert len(next(iter(found.values())).columns) == 50


@contextlib.contextmanager
def nobody():
    """Root may read everything, so it is somebody else for a moment."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_may_not_be_read_never_looks_empty():
    with tempfile.TemporaryDirectory() as name:
        lay(Path(name), {"a.csv": CSV, "shut/b.csv": CSV})
        Path(name).chmod(0o755)
        (Path(name) / "shut").chmod(0o311)
        probe = Probe(CONNECTOR, {"configSource": {}, "bucketName": name})
        with probe.open() as source, nobody():
            rows, told = source.discover_entities(TABLE, fqn.join("svc", "default", name)), []
            with pytest.raises(Denied, match="shut"):
                told.extend(rows)
            assert [each.metadata["name"] for each in told] == ["a.csv"]
            assert [each.status for each in CONNECTOR.check(probe.settings())] == [
                "ok",
                "denied",
                "ok",
                "ok",
            ]
        (Path(name) / "shut").chmod(0o700)


def test_what_no_folder_is(local, lake):
    for wrong, says in (
        ({"bucketName": str(lake / "none")}, "there is no folder"),
        ({"bucketName": ""}, "missing"),
    ):
        probe = local(**wrong)
        with probe.open() as source, pytest.raises(ConfigError, match=says) as caught:
            list(source.discover_entities(DATABASE))
        assert "path of a folder" in caught.value.hint
        (line,) = CONNECTOR.check(probe.settings())
        assert (line.capability, line.status) == ("connect", "failed")


def test_check_reads_one_table_and_names_what_others_read(local):
    probe = local({"a.csv": CSV, "d/_delta_log/0.json": b"{}", "d/part-0.parquet": b"x"})
    lines = [(each.capability, each.status) for each in CONNECTOR.check(probe.settings())]
    assert lines == [("connect", "ok"), ("tables", "warning"), ("tables", "ok"), ("columns", "ok")]
    (warning,) = [each for each in CONNECTOR.check(probe.settings()) if each.status == "warning"]
    assert "Delta Lake" in warning.why
    assert names(probe.entities(TABLE)) == ["a.csv"]


def test_check_of_an_empty_folder_and_of_a_broken_file(local):
    lines = [(each.capability, each.status) for each in CONNECTOR.check(local().settings())]
    assert lines == [("connect", "ok"), ("tables", "warning")]
    lines = [
        (each.capability, each.status)
        for each in CONNECTOR.check(local({"a.orc": b"x"}).settings())
    ]
    assert lines == [("connect", "ok"), ("tables", "ok"), ("columns", "failed")]


def test_of_partitions_one_is_looked_into(local):
    """A thousand days are one table: its newest is listed and read."""
    one = as_orc({"a": [1]})
    probe = local({f"t/day={each}/hour=1/0.orc": one for each in range(1000)})
    with probe.open() as source:
        tables = [each for each in of(walk(source)) if each.type is TABLE]
        assert source.calls == 4
        (found,), failed = sort(source.process_entities(tables))
    assert (found, failed) == (tables[0].id, {})
    assert tables[0].metadata["key"].endswith(" t/day=999/hour=1/0.orc")


def test_what_a_table_costs(local):
    kinds = {
        "parquet": as_parquet({"a": [1], "b": ["x"]}),
        "avro": as_avro({"type": "record", "name": "r", "fields": []}),
    }
    kinds |= {"jsonl": as_lines([{"a": 1}]), "csv": CSV}
    probe = local(
        {f"zone/{kind}/t{n:03}x.{kind}": kinds[kind] for n in range(100) for kind in kinds}
    )
    with probe.open() as source:
        tables = [each for each in of(walk(source)) if each.type is TABLE]
        listed = source.calls
        start = time.process_time()
        found, failed = sort(source.process_entities(tables))
        spent = time.process_time() - start
    assert (len(found), failed) == (400, {})
    assert listed == 6  # folders
    assert source.calls - listed == 400
    assert spent / 400 < 0.01


def test_no_call_follows_a_cancel(local):
    probe = local({"a.csv": CSV})
    descriptors = probe.descriptors(TABLE)
    with probe.open() as source:
        answers = source.process_entities(descriptors)
        source._idle[0].cancel()
        with pytest.raises(TimedOut):
            list(answers)


def test_scopes_end_and_links_do_not_lead_in_circles(local, lake):
    probe = local({"a/x.csv": CSV})
    (lake / "a" / "loop").symlink_to(lake, target_is_directory=True)
    (lake / "linked.csv").symlink_to(lake / "a" / "x.csv")
    listing = probe.listing()
    assert [each.count for each in listing if isinstance(each, ScopeListed)] == [1, 1, 2]
    assert all(each.complete for each in listing if isinstance(each, ScopeListed))


def test_the_connector_is_a_value():
    assert pickle.loads(pickle.dumps(CONNECTOR)) == registry.load("datalake")
